"""Every channel says what was expected, what was seen and which slice explains it, and breaks on nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest

from earshot.core.alerts import Alert, Contributor, Evidence, Notification
from earshot.core.figures import finite, spoken
from earshot.formatters.alert_email import as_html, email_message
from earshot.formatters.alert_slack import slack_message
from earshot.formatters.alert_text import as_markdown, as_text
from earshot.formatters.alert_webhook import webhook_message

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


def alert(**changed) -> Alert:
    evidence = Evidence(
        observed=310.0,
        expected=1234.0,
        lower=1100.0,
        upper=1350.0,
        at=NOON,
        last=NOON + timedelta(hours=3),
        windows=3,
        contributors=(Contributor(name="country", value="BR", share=0.82),),
        facts={"detector": "seasonal", "runbook": "docs/runbooks.md#kpi_anomaly"},
    )
    values = {
        "fingerprint": "f00d",
        "rule": "kpi_anomaly",
        "severity": "critical",
        "state": "firing",
        "labels": {"metric": "listens", "country": "BR", "family": "volume"},
        "summary": "listens country BR was below expectation",
        "evidence": evidence,
        "starts_at": NOON,
        "updated_at": NOON,
    }
    return Alert.model_validate({**values, **changed})


def notification(*alerts: Alert) -> Notification:
    return Notification(
        delivery_id="d-1", channel="x", group_labels={"alertname": "kpi_anomaly"}, alerts=alerts or (alert(),)
    )


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
@pytest.mark.parametrize(
    "summary",
    ["<!channel> <script>alert(1)</script> & `x`", "two\nlines\r\nBcc: evil@example.org", "x" * 5_000, "Ünïcödé 🎵"],
)
def test_no_summary_breaks_a_shape_or_smuggles_markup_into_it(shape, summary) -> None:
    said = EVERY[shape](notification(alert(summary=summary)))
    assert "<script>" not in said or shape in {"text", "email text"}
    assert "<!channel>" not in said or shape in {"text", "email text"}
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
    assert "and 50 more" in json.dumps(blocks)


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
