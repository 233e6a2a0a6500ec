"""`earshot alerts`: list, show, silence, route, confirm, dismiss, deliveries, redeliver."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from earshot.automation.cli import main
from earshot.automation.doctor import examine_deliveries
from earshot.core.alerts import Alert, Evidence
from earshot.core.config import load_settings
from earshot.core.small_tables import SmallTables

NOW = datetime.now(UTC).replace(microsecond=0)


def alert(fingerprint: str, **changed) -> Alert:
    values = {
        "fingerprint": fingerprint,
        "rule": "kpi_anomaly",
        "severity": "critical",
        "state": "firing",
        "labels": {"metric": "listens", "country": "BR", "family": "volume", "grain": "hour"},
        "summary": f"plays fell in [bold]BR ({fingerprint})",
        "evidence": Evidence(observed=12.0, expected=500.0),
        "starts_at": NOW - timedelta(hours=1),
        "updated_at": NOW,
    }
    return Alert.model_validate({**values, **changed})


@pytest.fixture
def earshot(home: Path, capsys, monkeypatch):
    """Run a command in a home with three alerts; returns exit code, stdout and stderr."""
    monkeypatch.setenv("EARSHOT_ACTOR", "anna")
    monkeypatch.setenv("COLUMNS", "300")
    inhibited = Evidence(inhibited_by="aaaa1111")
    rows = [
        alert("aaaa1111"),
        alert("aaaa2222", state="resolved", ends_at=NOW, severity="warning"),
        alert("bbbb3333", evidence=inhibited),
    ]
    SmallTables(str(home / "lake")).append("gold.alerts", [one.row() for one in rows])

    def call(*words: str) -> tuple[int, str, str]:
        code = main([*words, "--home", str(home)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_the_list_shows_alerts_that_speak_for_themselves(earshot) -> None:
    code, out, _ = earshot("alerts", "list")
    assert code == 0
    assert "aaaa1111" in out
    assert "plays fell in [bold]BR" in out
    assert "bbbb3333" not in out
    assert "bbbb3333" in earshot("alerts", "list", "--all")[1]


def test_the_list_is_there_for_machines_too(earshot) -> None:
    _, out, _ = earshot("alerts", "list", "--state", "resolved", "--json")
    machine = json.loads(out)
    assert [one["fingerprint"] for one in machine["alerts"]] == ["aaaa2222"]
    assert machine["total"] == 3


def test_one_alert_is_shown_with_its_evidence_by_the_first_digits(earshot) -> None:
    code, out, _ = earshot("alerts", "show", "bbbb")
    assert code == 0
    assert "plays fell in [bold]BR (bbbb3333)" in out
    assert "500" in earshot("alerts", "show", "aaaa1")[1]


@pytest.mark.parametrize("fingerprint", ["aaaa", "zzzz"])
def test_a_fingerprint_that_names_none_or_several_is_exit_2(earshot, fingerprint) -> None:
    code, _, err = earshot("alerts", "show", fingerprint)
    assert code == 2
    assert "aaaa1111" in err
    assert "Traceback" not in err


def test_a_silence_covers_alerts_is_listed_audited_and_can_be_ended(earshot, home) -> None:
    code, out, _ = earshot("alerts", "silence", "country=BR", "--for", "2h", "--reason", "release", "--json")
    assert code == 0
    made = json.loads(out)
    assert made["covered"] == 2
    assert made["silence"]["author"] == "anna"
    assert "country=BR" in earshot("alerts", "silence", "--list")[1]
    assert "silenced by anna" in earshot("alerts", "list")[1]
    identity = made["silence"]["silence_id"]
    assert earshot("alerts", "silence", "--expire", identity)[0] == 0
    assert "silenced by anna" not in earshot("alerts", "list")[1]
    entries = SmallTables(str(home / "lake")).rows("ops.audit")
    actions = [row["action"] for row in sorted(entries, key=lambda row: row["sequence"])]
    assert actions == ["alert.silence", "alert.silence.expire"]


@pytest.mark.parametrize(
    "words",
    [
        ["country=BR"],
        ["--reason", "x"],
        ["country=BR", "--reason", "x", "--for", "two hours"],
        ["country=BR", "--reason", "x", "--until", "tomorrow"],
        ["metric=~(", "--reason", "x"],
        ["--expire", "nope"],
    ],
    ids=["no reason", "no matcher", "no duration", "no time", "no pattern", "no such silence"],
)
def test_a_silence_that_makes_no_sense_is_exit_2(earshot, words) -> None:
    code, _, err = earshot("alerts", "silence", *words)
    assert code == 2
    assert "remedy" in err


def test_an_unknown_label_is_exit_2_and_the_nearest_is_named(earshot) -> None:
    for words in (["silence", "contry=BR", "--reason", "x"], ["route", "--test", "contry=BR"]):
        code, _, err = earshot("alerts", *words)
        assert code == 2
        assert "country" in err


def test_the_route_of_labels_is_said(earshot) -> None:
    code, out, _ = earshot("alerts", "route", "--test", "alertname=batch_refused,severity=critical", "--json")
    assert code == 0
    assert (json.loads(out)["route"], json.loads(out)["channels"]) == ("data", ["console", "file"])
    _, out, _ = earshot("alerts", "route", "--test", "severity=info", "--json")
    assert (json.loads(out)["route"], json.loads(out)["channels"]) == ("hints", ["file"])
    _, out, _ = earshot("alerts", "route", "--test", "alertname=kpi_anomaly,metric=skips,severity=critical")
    assert "family=volume" in out


@pytest.mark.parametrize(("command", "verdict"), [("confirm", "confirmed"), ("dismiss", "dismissed")])
def test_a_verdict_is_kept_with_author_and_reason_and_audited(earshot, home, command, verdict) -> None:
    assert earshot("alerts", command, "aaaa1", "--reason", "CDN was down")[0] == 0
    tables = SmallTables(str(home / "lake"))
    (row,) = tables.rows("ops.feedback")
    assert (row["subject_kind"], row["subject"], row["verdict"]) == ("alert", "aaaa1111", verdict)
    assert (row["author"], row["reason"]) == ("anna", "CDN was down")
    (entry,) = tables.rows("ops.audit")
    assert (entry["actor"], entry["action"]) == ("anna", f"alert.{verdict}")
    assert verdict in earshot("alerts", "list")[1]
    assert earshot("alerts", command, "aaaa1")[0] == 2, "a reason is needed"


@pytest.mark.parametrize(
    ("words", "unknown", "nearest"),
    [
        (["silence", "metric=lisens", "--reason", "x"], "lisens", "listens"),
        (["silence", "alertname=kpi_anomly", "--reason", "x"], "kpi_anomly", "kpi_anomaly"),
        (["silence", "severity=crit", "--reason", "x"], "crit", "critical"),
        (["route", "--test", "metric=lisens"], "lisens", "listens"),
        (["route", "--test", "family=volme"], "volme", "volume"),
        (["list", "--state", "fireing"], "fireing", "firing"),
        (["deliveries", "--channel", "slak"], "slak", "slack"),
        (["deliveries", "--state", "given"], "given", "given_up"),
        (["redeliver", "--channel", "pagerdty"], "pagerdty", "pagerduty"),
    ],
)
def test_an_unknown_word_is_exit_2_and_the_nearest_is_named(earshot, words, unknown, nearest) -> None:
    code, _, err = earshot("alerts", *words)
    assert code == 2
    assert unknown in err
    assert nearest in err


def test_a_channel_of_the_settings_that_does_not_exist_is_exit_2(earshot, monkeypatch) -> None:
    monkeypatch.setenv("EARSHOT_ALERTS__CHANNELS", '["file", "tems"]')
    code, _, err = earshot("alerts", "list")
    assert code == 2
    assert "tems" in err
    assert "teams" in err


def test_the_route_says_when_and_who_else_is_told(earshot, monkeypatch) -> None:
    monkeypatch.setenv("EARSHOT_ALERTS__CHANNELS", '["file", "pagerduty"]')
    _, out, _ = earshot("alerts", "route", "--test", "alertname=batch_refused,severity=critical", "--json")
    told = json.loads(out)
    assert told["timing"] == {"group_wait": "0s", "group_interval": "5m", "repeat_interval": "20h"}
    assert told["escalations"] == [{"name": "critical for an hour", "after": "1h", "channels": ["pagerduty"]}]
    assert "after 1h to pagerduty" in earshot("alerts", "route", "--test", "severity=critical")[1]


def _queued(home: Path, delivery_id: str, **changed) -> None:
    row = {"delivery_id": delivery_id, "channel": "slack", "state": "given_up", "attempts": 48, "queued_at": NOW}
    row |= {"next_attempt_at": NOW, "last_error": "The server answered 404.", "payload": "{}"}
    SmallTables(str(home / "lake")).append("ops.alert_outbox", [{**row, **changed}])


def test_dead_letters_are_listed_and_sent_again_and_that_is_audited(earshot, home) -> None:
    _queued(home, "dead1")
    _queued(home, "fine1", state="sent", last_error=None, sent_at=NOW)
    _, out, _ = earshot("alerts", "deliveries", "--state", "given_up")
    assert "dead1" in out
    assert "404" in out
    assert "fine1" not in out
    code, out, _ = earshot("alerts", "redeliver", "--channel", "slack", "--json")
    assert (code, json.loads(out)["deliveries"]) == (0, ["dead1"])
    rows = {row["delivery_id"]: row["state"] for row in SmallTables(str(home / "lake")).rows("ops.alert_outbox")}
    assert rows == {"dead1": "waiting", "fine1": "sent"}
    (entry,) = SmallTables(str(home / "lake")).rows("ops.audit")
    assert (entry["actor"], entry["action"], entry["subject"]) == ("anna", "alert.redeliver", "slack")
    for wrong in ([], ["dead1", "--channel", "slack"], ["zzz"]):
        assert earshot("alerts", "redeliver", *wrong)[0] == 2


def test_the_doctor_says_that_a_channel_fails_and_keeps_its_queue(home) -> None:
    settings = load_settings(overrides={"home": str(home)})
    assert list(examine_deliveries(settings, NOW)) == []
    since = NOW - timedelta(hours=25)
    _queued(home, "w1", state="waiting", attempts=9, queued_at=since, attempted_at=NOW - timedelta(minutes=5))
    _queued(
        home, "w2", state="waiting", attempts=0, queued_at=NOW - timedelta(hours=2), channel="email", last_error=None
    )
    _queued(home, "d1", channel="teams")
    found = {finding.check: finding for finding in examine_deliveries(settings, NOW)}
    assert {check: finding.ok for check, finding in found.items()} == {
        "channel email": True,
        "channel slack": False,
        "channel teams": False,
    }
    slack = found["channel slack"]
    assert "1 messages wait" in slack.detail
    assert "(25 h)" in slack.detail
    assert "404" in slack.detail
    assert "earshot alerts redeliver --channel slack" in slack.remedy
