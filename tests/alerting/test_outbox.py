"""The outbox: written before it is sent, sent until it is taken, never lost."""

from __future__ import annotations

import io
import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from deltalake import write_deltalake

from earshot.alerting.outbox import Outbox, backlog, deliveries, redeliver
from earshot.core.alerts import Alert, Notification
from earshot.core.errors import ArgumentError, DeliveryError
from earshot.core.logs import StructuredLog
from earshot.core.settings import AlertSettings
from earshot.core.small_tables import SmallTables

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
SETTINGS = AlertSettings(max_attempts=3, backoff_s=30, backoff_max_s=100, channel_failures=2, keep_trying_hours=0)


class World:
    """An outbox with a clock that the test turns, and a channel that does what the test says."""

    def __init__(self, root: str, settings: AlertSettings = SETTINGS) -> None:
        self.tables = SmallTables(root)
        self.now = NOON
        self.lines = io.StringIO()
        self.outbox = Outbox(self.tables, settings, lambda: self.now, StructuredLog(self.lines))
        self.taken: list[str] = []
        self.errors: list[Exception] = []

    def channel(self, message: Notification) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.taken.append(message.delivery_id)

    def deliver(self):
        return self.outbox.deliver({"webhook": self.channel})

    def row(self, delivery_id: str = "d1"):
        return next(row for row in self.tables.rows("ops.alert_outbox") if row["delivery_id"] == delivery_id)


@pytest.fixture
def world(tmp_path) -> World:
    return World(str(tmp_path))


def message(delivery_id: str = "d1", channel: str = "webhook") -> Notification:
    alert = Alert(
        fingerprint="f1",
        rule="kpi",
        severity="critical",
        state="firing",
        labels={"metric": "listens"},
        summary="listens fell",
        starts_at=NOON,
        updated_at=NOON,
    )
    return Notification(delivery_id=delivery_id, channel=channel, alerts=(alert,))


def test_a_message_is_sent_once_and_marked(world) -> None:
    assert world.outbox.queue([message()]) == 1
    assert world.row()["state"] == "waiting"
    assert world.deliver().sent == 1
    assert (world.row()["state"], world.row()["attempts"], world.row()["sent_at"]) == ("sent", 1, NOON)
    assert world.deliver().sent == 0
    assert world.taken == ["d1"]


def test_a_message_that_is_there_is_not_written_again(world) -> None:
    world.outbox.queue([message()])
    assert world.outbox.queue([message(), message("d2")]) == 1
    sent = world.outbox.sent()
    assert [(one.delivery_id, one.channel, one.members[0].fingerprint) for one in sent] == [
        ("d1", "webhook", "f1"),
        ("d2", "webhook", "f1"),
    ]


def test_a_failed_message_waits_longer_each_time_and_is_given_up_at_last(world) -> None:
    world.outbox.queue([message()])
    world.errors = [DeliveryError("The server answered 503.") for _ in range(3)]
    pauses = []
    for _ in range(3):
        assert world.deliver().sent == 0
        pauses.append((world.row()["next_attempt_at"] - world.now).total_seconds())
        assert world.deliver().failed == 0, "it is not tried before its time"
        world.now = world.row()["next_attempt_at"] + timedelta(seconds=100)
    assert 15 <= pauses[0] <= 30
    assert 30 <= pauses[1] <= 60
    assert 50 <= pauses[2] <= 100
    assert world.row()["state"] == "given_up"
    assert world.row()["last_error"] == "The server answered 503."


def test_a_receiver_that_asks_to_wait_is_not_disturbed_earlier(world) -> None:
    world.outbox.queue([message()])
    world.errors = [DeliveryError("The server answered 429.", retry_after_s=500.0)]
    world.deliver()
    assert world.row()["next_attempt_at"] >= NOON + timedelta(seconds=500)


def test_a_process_that_dies_between_sending_and_marking_sends_again_with_the_same_key(world) -> None:
    world.outbox.queue([message()])

    def dies_after_sending(sent: Notification) -> None:
        world.taken.append(sent.delivery_id)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.outbox.deliver({"webhook": dies_after_sending})
    assert world.row()["state"] == "waiting"
    assert world.deliver().sent == 1
    assert world.taken == ["d1", "d1"]


def test_a_channel_that_fails_rests_and_keeps_its_queue_while_others_go_on(world) -> None:
    world.outbox.queue([message(f"d{n}") for n in range(5)] + [message("c1", "console")])
    world.errors = [DeliveryError("down") for _ in range(5)]
    console: list[str] = []
    outcome = world.outbox.deliver({"webhook": world.channel, "console": lambda m: console.append(m.delivery_id)})
    assert (outcome.sent, outcome.failed, outcome.failures) == (1, 2, {"webhook": "down"})
    assert console == ["c1"]
    (owed,) = backlog(world.tables, SETTINGS)
    assert (owed.channel, owed.waiting, owed.given_up, owed.last_error) == ("webhook", 5, 0, "down")
    world.errors, world.now = [], NOON + timedelta(hours=1)
    assert world.deliver().sent == 5


def test_a_channel_that_is_switched_off_keeps_its_messages(world) -> None:
    world.outbox.queue([message()])
    assert world.outbox.deliver({}).sent == 0
    assert world.row()["state"] == "waiting"


def test_a_channel_that_breaks_neither_loses_the_message_nor_tells_a_secret(world) -> None:
    world.outbox.queue([message()])
    world.errors = [RuntimeError("https://hooks.example/T0/SECRET")]
    assert world.deliver().failed == 1
    assert world.row()["state"] == "waiting"
    assert "SECRET" not in world.lines.getvalue() + str(world.row()["last_error"])
    assert json.loads(world.lines.getvalue())["error"] == "The channel broke: RuntimeError."


def test_a_message_that_is_refused_for_good_is_a_dead_letter_at_once_and_the_channel_goes_on(world) -> None:
    world.outbox.queue([message(f"d{n}") for n in range(4)])
    world.errors = [DeliveryError("The server answered 400.", refused=True) for _ in range(3)]
    outcome = world.deliver()
    assert (outcome.sent, outcome.given_up, outcome.failed) == (1, 3, 0)
    assert outcome.told(queued=4)["given_up"] == 3
    assert world.taken == ["d3"]


def test_a_channel_that_fails_for_days_keeps_its_queue(tmp_path) -> None:
    patient = World(str(tmp_path), AlertSettings(max_attempts=3, backoff_s=30, channel_failures=2))
    patient.outbox.queue([message()])
    for _ in range(40):
        patient.errors = [DeliveryError("down")]
        patient.deliver()
        patient.now += timedelta(hours=1)
    assert patient.row()["state"] == "waiting", "max_attempts alone does not end it"
    patient.errors = []
    assert patient.deliver().sent == 1


def test_a_channel_that_rests_is_tried_with_one_message_and_opens_for_all_when_it_is_taken(world) -> None:
    world.outbox.queue([message(f"d{n}") for n in range(5)])
    world.errors = [DeliveryError("down") for _ in range(3)]
    assert world.deliver().failed == 2
    world.now += timedelta(seconds=10)
    assert world.deliver().failed == 0, "it rests"
    world.now += timedelta(seconds=50)
    assert world.deliver().failed == 1, "one message, and it rests again"
    world.now += timedelta(minutes=10)
    assert world.deliver().sent == 5


def test_dead_letters_are_listed_and_sent_again_with_their_old_key(world) -> None:
    world.outbox.queue([message("aa1"), message("ab2"), message("c", "console")])
    world.errors = [DeliveryError("no", refused=True) for _ in range(2)]
    world.deliver()
    dead = deliveries(world.tables, state="given_up")
    assert [(row["delivery_id"], row["last_error"]) for row in dead] == [("ab2", "no"), ("aa1", "no")]
    for wrong in ("a", "zz"):
        with pytest.raises(ArgumentError, match="deliver"):
            redeliver(world.tables, world.now, delivery_id=wrong)
    assert redeliver(world.tables, world.now, delivery_id="aa") == ["aa1"]
    assert redeliver(world.tables, world.now, channel="webhook") == ["aa1", "ab2"]
    assert world.deliver().sent == 2
    assert world.taken == ["aa1", "ab2"]


def test_an_outbox_from_before_its_newer_columns_is_read_sent_and_marked(world) -> None:
    world.outbox.queue([message("old")])
    newer = {"group_key", "logical_at", "attempted_at"}
    old = world.tables.arrow("ops.alert_outbox").drop_columns(list(newer))
    shutil.rmtree(world.tables.path("ops.alert_outbox"))
    write_deltalake(world.tables.path("ops.alert_outbox"), old)
    assert world.outbox.sent()[0].group_key == ""
    assert world.deliver().sent == 1
    assert (world.row("old")["state"], world.row("old")["attempted_at"]) == ("sent", NOON)
