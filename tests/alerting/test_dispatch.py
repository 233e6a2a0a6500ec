"""When a group is told of: waiting, intervals, reminders, escalations; Alertmanager's notification log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from earshot.alerting.dispatch import Delivery, compose
from earshot.alerting.routing import Sent, SentLog, Told, member_of
from earshot.alerting.rules import Rulebook
from earshot.core.alerts import Alert, Evidence, Notification

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def book(**route) -> Rulebook:
    escalations = route.pop("escalations", [])
    return Rulebook.model_validate({"routes": [{"name": "all", **route}], "escalations": escalations})


def alert(fingerprint: str = "a", state: str = "firing", **changed) -> Alert:
    start = changed.pop("starts_at", NOON)
    values = {
        "fingerprint": fingerprint,
        "rule": "kpi",
        "severity": "critical",
        "state": state,
        "labels": {"metric": "listens"},
        "summary": "s",
        "evidence": Evidence(last=start + HOUR),
        "starts_at": start,
        "ends_at": start + HOUR if state == "resolved" else None,
        "updated_at": NOON,
    }
    return Alert.model_validate({**values, **changed})


class Teller:
    """Composes again and again, and remembers what was said, as the outbox does."""

    def __init__(self, rulebook: Rulebook, *channels: str) -> None:
        self.book = rulebook
        self.channels = channels or ("file",)
        self.sent: list[Sent] = []
        self.acknowledged: dict[str, datetime] = {}

    def at(self, wall: datetime, *alerts: Alert, now: datetime | None = None) -> list[Notification]:
        known = {(entry.fingerprint, entry.starts_at) for message in self.sent for entry in message.members}
        delivery = Delivery(now or wall, wall, known, acknowledged=self.acknowledged)
        messages = compose(alerts, self.book, self.channels, SentLog(self.sent), delivery)
        for message in messages:
            members = tuple(Told.parse(member_of(one)) for one in message.alerts)
            one = Sent(message.delivery_id, message.channel, message.group_key, wall, now or wall, members)
            self.sent.append(one)
        return messages

    def said(self, wall: datetime, *alerts: Alert, **more) -> list[list[tuple[str, str]]]:
        messages = self.at(wall, *alerts, **more)
        return [sorted((one.fingerprint, one.state) for one in message.alerts) for message in messages]


def test_the_first_message_of_a_group_waits_until_an_alert_is_old_enough() -> None:
    teller = Teller(book(group_wait="10m"))
    assert teller.at(NOON + 9 * MINUTE, alert()) == []
    assert teller.said(NOON + 10 * MINUTE, alert(), alert("b")) == [[("a", "firing"), ("b", "firing")]]


def test_further_messages_of_a_group_keep_their_distance() -> None:
    teller = Teller(book(group_interval="30m"))
    teller.at(NOON, alert())
    assert teller.at(NOON + 29 * MINUTE, alert(), alert("b")) == []
    assert teller.said(NOON + 30 * MINUTE, alert(), alert("b")) == [[("a", "firing"), ("b", "firing")]]


def test_in_a_backfill_the_logical_time_counts_for_the_distance() -> None:
    teller = Teller(book(group_interval="30m"))
    teller.at(NOON + 90 * HOUR, alert(), now=NOON + HOUR)
    assert len(teller.at(NOON + 90 * HOUR + MINUTE, alert(), alert("b"), now=NOON + 25 * HOUR)) == 1


def test_a_group_that_fires_on_is_told_of_again_and_says_that_it_is_a_reminder() -> None:
    teller = Teller(book(repeat_interval="4h"))
    teller.at(NOON, alert())
    assert teller.at(NOON + 4 * HOUR - MINUTE, alert()) == []
    (reminder,) = teller.at(NOON + 4 * HOUR, alert())
    assert reminder.why == "reminder"
    assert teller.at(NOON + 5 * HOUR, alert()) == []
    assert len({message.delivery_id for message in teller.sent}) == 2, "a reminder is another message"


def test_a_backfill_reminds_nobody() -> None:
    teller = Teller(book(repeat_interval="4h"))
    teller.at(NOON, alert(), now=NOON)
    assert teller.at(NOON + MINUTE, alert(), now=NOON + 90 * HOUR) == []


def test_a_message_holds_what_fires_and_what_ended_since_and_the_end_is_told_once() -> None:
    teller = Teller(book())
    teller.at(NOON, alert(), alert("b"))
    over = alert("a", "resolved")
    assert teller.said(NOON + HOUR, over, alert("b")) == [[("a", "resolved"), ("b", "firing")]]
    assert teller.at(NOON + 2 * HOUR, over, alert("b")) == []
    assert teller.said(NOON + 3 * HOUR, over, alert("b", "resolved")) == [[("b", "resolved")]]


def test_an_alert_that_comes_back_within_its_episode_is_told_again_to_its_end() -> None:
    teller = Teller(book())
    for hour, state in enumerate(("firing", "resolved", "firing", "resolved")):
        assert teller.said(NOON + hour * HOUR, alert(state=state)) == [[("a", state)]]


def test_a_new_episode_of_a_known_alert_is_news() -> None:
    teller = Teller(book())
    teller.at(NOON, alert())
    again = alert(starts_at=NOON + 9 * HOUR)
    assert teller.said(NOON + 9 * HOUR, alert(state="resolved"), again) == [[("a", "firing"), ("a", "resolved")]]


def test_an_alert_whose_silence_ends_is_told_of_again_if_others_were_told_meanwhile() -> None:
    teller = Teller(book())
    teller.at(NOON, alert())
    teller.at(NOON + HOUR, alert("b"))
    assert teller.said(NOON + 2 * HOUR, alert(), alert("b")) == [[("a", "firing"), ("b", "firing")]]


def test_the_end_of_what_nobody_was_told_does_not_wait_for_the_interval() -> None:
    teller = Teller(book(group_interval="10h"))
    teller.at(NOON + HOUR, alert())
    late = alert("b", "resolved")
    assert len(teller.at(NOON + 2 * HOUR, alert(), late)) == 1, "no later run would call it news"


def test_what_nobody_answers_is_told_to_those_of_the_escalation_until_its_end() -> None:
    teller = Teller(
        book(escalations=[{"name": "up", "after": "1h", "channels": ["email"]}], channels=["file"]), "file", "email"
    )
    assert [m.channel for m in teller.at(NOON, alert())] == ["file"]
    assert teller.at(NOON + 59 * MINUTE, alert()) == []
    (escalated,) = teller.at(NOON + HOUR, alert())
    assert (escalated.channel, escalated.why) == ("email", "escalation")
    assert teller.at(NOON + 2 * HOUR, alert()) == []
    over = teller.at(NOON + 3 * HOUR, alert(state="resolved"))
    assert sorted((m.channel, m.status) for m in over) == [("email", "resolved"), ("file", "resolved")]


@pytest.mark.parametrize(("minutes", "escalates"), [(-10, True), (30, False)], ids=["before this episode", "since"])
def test_an_answer_ends_the_escalation(minutes: int, escalates: bool) -> None:
    teller = Teller(
        book(escalations=[{"name": "up", "after": "1h", "channels": ["email"]}], channels=["file"]), "file", "email"
    )
    teller.at(NOON, alert())
    teller.acknowledged = {"a": NOON + minutes * MINUTE}
    assert bool(teller.at(NOON + 2 * HOUR, alert())) == escalates


def test_an_escalation_looks_at_labels() -> None:
    rule = {"name": "up", "match": ["severity=critical"], "after": "1h", "channels": ["email"]}
    teller = Teller(book(escalations=[rule], channels=["file"]), "file", "email")
    teller.at(NOON, alert(severity="warning"))
    assert teller.at(NOON + 2 * HOUR, alert(severity="warning")) == []


def test_a_run_that_died_before_the_alerts_were_written_says_the_same_message() -> None:
    teller = Teller(book())
    (first,) = teller.at(NOON, alert())
    assert (
        compose([alert()], teller.book, ("file",), SentLog([]), Delivery(NOON, NOON))[0].delivery_id
        == first.delivery_id
    )
