"""Every channel says what was expected, what was seen and which slice explains it, and breaks on nothing."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from email import message_from_bytes, policy

import pytest

from alert_messages import NOON, alert, drawn, notification, points
from earshot.core.alerts import CHANNELS, Contributor, Evidence, Notification
from earshot.core.figures import finite, spoken
from earshot.core.settings import AlertSettings
from earshot.formatters.alert_alertmanager import alertmanager_alerts
from earshot.formatters.alert_channels import renderers
from earshot.formatters.alert_chart import chart_png, sparklines
from earshot.formatters.alert_email import as_html, email_message
from earshot.formatters.alert_pagerduty import dedup_key, pagerduty_event
from earshot.formatters.alert_slack import slack_message
from earshot.formatters.alert_teams import teams_message
from earshot.formatters.alert_text import as_markdown, as_text
from earshot.formatters.alert_webhook import webhook_message


def teams_card(message: Notification) -> str:
    return json.dumps(teams_message(message, {}, {}), ensure_ascii=False)


def pagerduty(message: Notification) -> str:
    return json.dumps(pagerduty_event(message, {}), ensure_ascii=False)


def alertmanager(message: Notification) -> str:
    return json.dumps(alertmanager_alerts(message, now=NOON, lasting=timedelta(hours=1)), ensure_ascii=False)


def mail(message: Notification):
    sent = email_message(message, sender="Earshot <e@example.org>", recipients=["a@example.org"], sent_at=NOON)
    return message_from_bytes(sent.as_bytes(), policy=policy.default)


def slack_markup(message: Notification) -> str:
    """Everything but the header, which Slack shows as plain text."""
    body = slack_message(message)
    return json.dumps({**body, "blocks": body["blocks"][1:]}, ensure_ascii=False)


EVERY = {
    "text": as_text,
    "markdown": as_markdown,
    "slack": slack_markup,
    "teams": teams_card,
    "pagerduty": pagerduty,
    "alertmanager": alertmanager,
    "email text": lambda message: mail(message).get_body(("plain",)).get_content(),
    "email html": lambda message: mail(message).get_body(("html",)).get_content(),
}


@pytest.mark.parametrize("shape", EVERY)
def test_every_shape_says_expected_seen_slice_and_what_to_do(shape) -> None:
    said = EVERY[shape](notification()).replace("\\", "")
    for words in (
        "1,234 (1,100 to 1,350)",
        "310",
        "2026-03-29 12:00 UTC",
        "country BR (82%)",
        "earshot alerts silence",
    ):
        assert words in said
    assert "f00d" in said


@pytest.mark.parametrize("shape", EVERY)
def test_the_cause_is_one_slice_what_is_within_it_and_what_was_ruled_out_stand_beside_it(shape) -> None:
    parts = [("country", "BR", 0.98), ("device", "ios", 0.98), ("tier", "free", 0.7)]
    contributors = tuple(Contributor(name=name, value=value, share=share) for name, value, share in parts)
    facts = {"cause": "country BR x device ios explains 98% of the drop", "ruled_out": "cdn, platform"}
    one = alert(
        labels={"metric": "listens", "country": "BR", "device": "ios"},
        evidence=alert().evidence.model_copy(update={"contributors": contributors, "facts": facts}),
    )
    said = EVERY[shape](notification(one)).replace("\\", "")
    for words in ("country BR x device ios (98%)", "tier free (70%)", "cdn, platform"):
        assert words in said
    assert "ios (98%), tier" not in said


@pytest.mark.parametrize("shape", EVERY)
@pytest.mark.parametrize(
    "summary",
    ["<!channel> <script>alert(1)</script> & `x`", "two\nlines\r\nBcc: evil@example.org", "x" * 5_000, "Ünïcödé 🎵"],
)
def test_no_summary_breaks_a_shape_or_smuggles_markup_into_it(shape, summary) -> None:
    said = EVERY[shape](notification(alert(summary=summary)))
    plain = {"text", "email text", "teams", "pagerduty", "alertmanager"}  # none of them reads HTML or mentions
    assert "<script>" not in said or shape in plain
    assert "<!channel>" not in said or shape in plain
    assert "\nBcc:" not in said


def test_a_mail_has_no_header_that_came_from_a_summary() -> None:
    sent = mail(notification(alert(summary="x\r\nBcc: evil@example.org")))
    assert sent["Bcc"] is None
    assert "Bcc: evil" in sent["Subject"]


def test_the_message_id_of_a_mail_is_the_delivery_id() -> None:
    sent = mail(notification())
    assert sent["Message-ID"] == "<d-1@example.org>"
    assert [part.get_content_type() for part in sent.iter_parts()] == ["text/plain", "text/html"]


def test_the_html_of_a_mail_asks_for_nothing_from_the_network() -> None:
    page = as_html(notification())
    assert "src=" not in page
    assert "http" not in page


def test_a_slack_message_stays_within_slacks_limits() -> None:
    body = slack_message(notification(*(alert(fingerprint=f"f{n}", summary="<" * 4_000) for n in range(60))))
    blocks = body["blocks"]
    assert len(blocks) <= 50
    assert len(blocks[0]["text"]["text"]) <= 150
    for block in blocks:
        for text in [block.get("text"), *block.get("fields", []), *block.get("elements", [])]:
            assert text is None or len(text["text"]) <= 3_000
        assert len(block.get("fields", [])) <= 10
    assert "and 51 more" in json.dumps(blocks)


def test_the_webhook_speaks_alertmanagers_version_4() -> None:
    over = alert(fingerprint="beef", state="resolved", ends_at=NOON + timedelta(hours=1), severity="warning")
    body = json.loads(json.dumps(webhook_message(notification(alert(), over))))
    assert (body["version"], body["status"], body["groupLabels"]) == ("4", "firing", {"alertname": "kpi_anomaly"})
    first, second = body["alerts"]
    assert (first["status"], first["startsAt"], first["endsAt"]) == (
        "firing",
        "2026-03-29T12:00:00Z",
        "0001-01-01T00:00:00Z",
    )
    assert (second["status"], second["endsAt"]) == ("resolved", "2026-03-29T13:00:00Z")
    assert (first["expected"], first["observed"]) == (1234.0, 310.0)
    assert first["contributors"] == [{"name": "country", "value": "BR", "share": 0.82}]
    assert body["commonLabels"]["metric"] == "listens"
    assert "severity" not in body["commonLabels"]


def test_an_alert_without_figures_has_a_shape_on_every_channel() -> None:
    bare = alert(evidence=Evidence(), labels={})
    for shape in EVERY.values():
        assert "listens country BR" in shape(notification(bare))


def test_a_message_is_the_same_after_a_stay_in_the_outbox() -> None:
    message = notification()
    assert Notification.model_validate_json(message.model_dump_json()) == message


@pytest.mark.parametrize(
    ("value", "metric", "said"),
    [
        (None, "listens", "nothing"),
        (1234567.4, "listens", "1,234,567"),
        (12.34, "x", "12.3"),
        (0.01234, "rebuffer_ratio", "0.0123"),
        (870.0, "startup_ms_p95", "870 ms"),
        (-1500.0, "played_ms", "-1,500 ms"),
        (0.0, "skips", "0"),
    ],
)
def test_figures_are_said_as_a_person_reads_them(value, metric, said) -> None:
    assert spoken(value, metric) == said


def test_only_finite_numbers_are_figures() -> None:
    assert [finite(value) for value in (1, 2.5, float("nan"), float("-inf"), None, "3")] == [
        1.0,
        2.5,
        None,
        None,
        None,
        None,
    ]


def test_bars_show_the_last_day_where_no_picture_can_go() -> None:
    seen, expected = sparklines(points())
    assert (len(seen), len(expected)) == (24, 24)
    assert seen[-5:-2] == "▃▃▃"
    assert set(expected) == {"█"}
    assert sparklines(()) == ("", "")
    for shape in ("text", "markdown", "slack", "email text"):
        assert seen in EVERY[shape](drawn())


def test_a_mail_holds_its_picture_and_fetches_nothing() -> None:
    png = chart_png(alert(), points())
    sent = email_message(
        drawn(), sender="e@example.org", recipients=["a@example.org"], sent_at=NOON, charts={"f00d": png}
    )
    read = message_from_bytes(sent.as_bytes(), policy=policy.default)
    page = read.get_body(("html",)).get_content()
    (picture,) = (part for part in read.walk() if part.get_content_type() == "image/png")
    assert picture.get_content() == png
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in page
    assert "http" not in page
    assert read.get_body(("plain",)).get_content().startswith("[critical]")


def test_slack_shows_the_picture_that_it_can_fetch() -> None:
    body = slack_message(drawn(), {"f00d": "https://reports.example.org/alerts/f00d.png"})
    (image,) = (block for block in body["blocks"] if block["type"] == "image")
    assert image["image_url"].startswith("https://reports.example.org/")


def test_a_teams_card_has_facts_picture_links_and_commands() -> None:
    png = chart_png(alert(), points())
    runbook = "https://git.example.org/docs/runbooks.md#kpi_anomaly"
    one = alert(evidence=alert().evidence.model_copy(update={"facts": {"runbook": runbook}}))
    body = teams_message(drawn(one, report="https://reports.example.org/report.html"), {"f00d": png}, {})
    (attachment,) = body["attachments"]
    card = attachment["content"]
    assert (body["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    assert (card["type"], card["version"], card["msteams"]) == ("AdaptiveCard", "1.4", {"width": "Full"})
    items = card["body"][1]["items"]
    assert {"title": "Explained by", "value": "country BR (82%)"} in items[1]["facts"]
    assert items[2]["url"].startswith("data:image/png;base64,")
    assert [action["url"] for action in card["actions"]] == ["https://reports.example.org/report.html", runbook]


def test_a_teams_card_stays_below_28_kilobytes_and_counts_the_rest() -> None:
    many = [alert(fingerprint=f"f{n}", summary="ä" * 3_000) for n in range(40)]
    charts = {one.fingerprint: b"x" * 9_000 for one in many}
    body = json.dumps(teams_message(drawn(*many), charts, {}), ensure_ascii=False)
    assert len(body.encode()) <= 28_000
    assert " more: earshot alerts list" in body


def test_markdown_in_a_summary_is_no_link_in_a_teams_card() -> None:
    body = teams_message(notification(alert(summary="[click](https://evil.example.org)")), {}, {})
    text = body["attachments"][0]["content"]["body"][1]["items"][0]["text"]
    assert "[click](" not in text
    assert text.startswith("\\[click\\]")


def test_a_pagerduty_incident_is_opened_updated_and_resolved_by_its_group() -> None:
    group = {"group_key": '["everything",[["alertname","kpi_anomaly"]]]'}
    opened = pagerduty_event(notification(**group), {})
    over = alert(state="resolved", ends_at=NOON + timedelta(hours=1))
    closed = pagerduty_event(notification(over, delivery_id="d-2", **group), {})
    assert (opened["event_action"], closed["event_action"]) == ("trigger", "resolve")
    assert opened["dedup_key"] == closed["dedup_key"] == dedup_key(notification(**group))
    assert len(opened["dedup_key"]) <= 255
    payload = opened["payload"]
    assert (payload["severity"], payload["source"], payload["component"]) == ("critical", "listens", "kpi_anomaly")
    assert datetime.fromisoformat(payload["timestamp"]) == NOON
    assert payload["custom_details"]["alerts"][0]["Explained by"] == "country BR (82%)"
    assert "routing_key" not in opened


def test_a_pagerduty_event_stays_within_its_limits() -> None:
    many = [alert(fingerprint=f"f{n}", summary="x" * 9_000) for n in range(60)]
    event = pagerduty_event(notification(*many), {"f0": "http://a.example/1.png", "f1": "https://a.example/1.png"})
    assert len(event["payload"]["summary"]) <= 1024
    assert len(json.dumps(event).encode()) <= 512_000
    assert [image["src"] for image in event["images"]] == ["https://a.example/1.png"]


def test_alertmanager_gets_labels_that_it_takes_and_an_end_that_is_not_before_the_start() -> None:
    odd = alert(labels={"metric": "listens", "app-version": "1.0", "tier": ""}, starts_at=NOON + timedelta(hours=9))
    over = alert(state="resolved", ends_at=NOON + timedelta(hours=1))
    first, second = alertmanager_alerts(
        notification(odd, over), now=NOON + timedelta(hours=5), lasting=timedelta(hours=2)
    )
    assert first["labels"] == {
        "metric": "listens",
        "app_version": "1.0",
        "alertname": "kpi_anomaly",
        "severity": "critical",
    }
    assert first["startsAt"] <= first["endsAt"] == "2026-03-29T19:00:00.000Z"
    assert second["endsAt"] == "2026-03-29T13:00:00.000Z"
    assert "82%" in second["annotations"]["explained_by"]


@pytest.mark.parametrize(
    ("why", "words"), [("news", "firing:"), ("reminder", "still firing:"), ("escalation", "firing, unanswered:")]
)
def test_the_headline_says_why_a_message_comes(why, words) -> None:
    assert words in as_text(notification(why=why)).splitlines()[0]


class _Carried:
    """Transports that keep what they are given."""

    def __init__(self) -> None:
        self.taken: dict[str, object] = {}
        self.pictures: list[str] = []

    def write(self, text):
        self.taken["console"] = text

    def append(self, message):
        self.taken["file"] = message

    def post(self, channel, message, *, key):
        assert key == "d-1"
        self.taken[channel] = message

    def mail(self, message):
        self.taken["email"] = message

    def picture(self, name, png):
        self.pictures.append(name)
        return f"https://reports.example.org/alerts/{name}"


def test_every_channel_gets_the_evidence_in_its_own_shape() -> None:
    carried = _Carried()
    settings = AlertSettings(
        channels=CHANNELS, report_url="https://reports.example.org/report.html", email_to=("a@b.c",)
    )
    deliver = renderers(settings, carried, lambda: NOON)
    assert set(deliver) == set(CHANNELS)
    for channel in CHANNELS:
        deliver[channel](drawn(channel=channel, report=settings.report_url))
    assert set(carried.taken) == set(CHANNELS)
    for channel, body in carried.taken.items():
        said = body.as_string() if channel == "email" else body if channel == "console" else json.dumps(body)
        for words in ("reports.example.org/report.html", "docs/runbooks.md", "earshot alerts silence"):
            assert words in said.replace("=\n", ""), (channel, words)
    for channel in ("slack", "teams", "pagerduty"):
        assert "f00d-20260329T1200-firing.png" in json.dumps(carried.taken[channel])
    assert len(json.loads(json.dumps(carried.taken["webhook"]))["alerts"][0]["series"]) == 40
