"""A run of alerting over real tables: from rows to gold.alerts and the outbox."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta

import pytest

from earshot.alerting.outbox import Outbox
from earshot.alerting.publish import Alerting, Published
from earshot.alerting.rulebooks import load_rulebook
from earshot.alerting.rules import Rule, Rulebook
from earshot.alerting.silences import add_silence
from earshot.core.alerts import Alert, Notification
from earshot.core.locations import conf_folder
from earshot.core.logs import StructuredLog
from earshot.core.settings import AlertSettings
from earshot.core.small_tables import SmallTables

HOUR = timedelta(hours=1)
DAY = date(2026, 3, 29)
MIDNIGHT = datetime(2026, 3, 30, tzinfo=UTC)


class Lake:
    """A lake with anomalies, and runs of alerting over it."""

    def __init__(self, root: str) -> None:
        self.tables = SmallTables(root)
        self.book = load_rulebook(conf_folder() / "alerts.toml")
        self.settings = AlertSettings(channels=("file",))
        self.log = io.StringIO()

    def scored(self, day: date, detections: dict[int, str], **changed) -> None:
        """Score every hour of a day; those in `detections` have a severity."""
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        row = {"metric": "listens", "grain": "hour", "dimensions": {"country": "BR"}, "expected": 100.0, **changed}
        self.tables.append(
            "gold.anomalies",
            [
                {
                    **row,
                    "window_start": start + hour * HOUR,
                    "window_date": day,
                    "observed": 10.0,
                    "score": 0.9 if hour in detections else 0.1,
                    "severity": detections.get(hour),
                }
                for hour in range(24)
            ],
        )

    def run(self, day: date = DAY, *, wall: datetime = MIDNIGHT, notify: bool = False) -> Published:
        log = StructuredLog(self.log)
        outbox = Outbox(self.tables, self.settings, lambda: wall, log)
        as_of = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
        return Alerting(self.tables, self.book, self.settings, log).publish(
            outbox, as_of=as_of, wall=wall, notify=notify
        )

    def alerts(self) -> list[Alert]:
        return [Alert.from_row(row) for row in self.tables.rows("gold.alerts")]

    def outbox(self) -> list[dict]:
        return self.tables.rows("ops.alert_outbox")


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(str(tmp_path))


def test_hours_of_one_series_become_one_alert_and_one_message(lake) -> None:
    lake.scored(DAY, {20: "warning", 21: "critical", 22: "critical", 23: "warning"})
    published = lake.run()
    (alert,) = lake.alerts()
    assert (alert.state, alert.severity, alert.starts_at) == ("firing", "critical", MIDNIGHT - 4 * HOUR)
    assert published.queued == 1
    assert alert.fingerprint in lake.outbox()[0]["payload"]


def test_a_second_run_of_the_day_changes_nothing(lake) -> None:
    lake.scored(DAY, {10: "warning", 23: "critical"})
    lake.run()
    before, messages = lake.alerts(), lake.outbox()
    again = lake.run(wall=MIDNIGHT + HOUR)
    assert (again.changed, again.queued) == (0, 0)
    assert (lake.alerts(), lake.outbox()) == (before, messages)


def test_the_end_is_told_on_the_next_day_and_an_old_day_resurrects_nothing(lake) -> None:
    lake.scored(DAY, {23: "critical"})
    lake.run()
    lake.scored(DAY + timedelta(days=1), {0: "critical"})
    tomorrow = MIDNIGHT + timedelta(days=1)
    assert lake.run(DAY + timedelta(days=1), wall=tomorrow).queued == 1
    (alert,) = lake.alerts()
    assert (alert.state, alert.ends_at) == ("resolved", MIDNIGHT + HOUR)
    out_of_order = lake.run(DAY, wall=tomorrow)
    assert (out_of_order.changed, out_of_order.queued, lake.alerts()) == (0, 0, [alert])


def test_an_old_day_does_not_bring_back_what_was_pending_and_went_away(lake) -> None:
    lake.scored(DAY, {23: "info"})
    lake.run()
    assert lake.alerts()[0].state == "pending"
    tomorrow = MIDNIGHT + timedelta(days=1)
    lake.scored(DAY + timedelta(days=1), {})
    lake.run(DAY + timedelta(days=1), wall=tomorrow)
    run = {"run_id": "r", "job": "publish_alerts", "run_date": DAY + timedelta(days=1), "status": "done"}
    lake.tables.append("ops.runs", [{**run, "started_at": tomorrow, "ended_at": tomorrow}])
    lake.run(DAY, wall=tomorrow)
    assert lake.alerts() == []


def test_windows_that_are_long_over_are_recorded_and_resolved_and_not_delivered(lake) -> None:
    lake.scored(DAY, {23: "critical"})
    published = lake.run(wall=MIDNIGHT + timedelta(days=90))
    assert (lake.alerts()[0].state, published.queued) == ("resolved", 0)


def test_with_notify_they_are_delivered_once(lake) -> None:
    lake.scored(DAY, {10: "warning", 23: "critical"})
    wall = MIDNIGHT + timedelta(days=90)
    lake.run(wall=wall)
    assert lake.run(wall=wall, notify=True).queued == 1
    assert sorted(alert.state for alert in lake.alerts()) == ["firing", "resolved"]
    assert lake.run(wall=wall, notify=True).queued == 0


def test_the_history_in_one_go_gives_the_alerts_of_day_by_day(lake, tmp_path) -> None:
    days = {DAY: {3: "warning", 4: "critical", 23: "warning"}, DAY + timedelta(days=1): {0: "critical", 12: "warning"}}
    daily = Lake(str(tmp_path / "daily"))
    for day, detections in days.items():
        lake.scored(day, detections)
        daily.scored(day, detections)
        daily.run(day, wall=MIDNIGHT + timedelta(days=90))
    lake.run(max(days), wall=MIDNIGHT + timedelta(days=90))

    def essence(of: Lake) -> set[tuple]:
        return {(a.fingerprint, a.starts_at, a.ends_at, a.state, a.severity, a.evidence.windows) for a in of.alerts()}

    assert essence(lake) == essence(daily)
    assert len(essence(lake)) == 3


def test_a_refused_batch_fires_until_it_is_released(lake) -> None:
    row = {"batch_id": "b1", "source_file": "a.jsonl", "content_sha256": "x", "status": "refused", "read": 5}
    row |= {"reason": "too many bad rows", "started_at": MIDNIGHT, "committed_at": MIDNIGHT}
    lake.tables.append("ops.ledger", [row])
    assert lake.run().queued == 1
    assert lake.alerts()[0].rule == "batch_refused"
    lake.tables.overwrite("ops.ledger", [{**row, "status": "committed"}])
    assert lake.run(wall=MIDNIGHT + HOUR).queued == 1
    assert lake.alerts()[0].state == "resolved"
    assert lake.run(wall=MIDNIGHT + 2 * HOUR).queued == 0


def test_a_failed_job_of_a_backfill_is_delivered_although_its_day_is_old(lake) -> None:
    wall = MIDNIGHT + timedelta(days=90)
    run = {"run_id": "r1", "job": "build_marts", "run_date": DAY, "status": "failed", "error": "disk full"}
    lake.tables.append("ops.runs", [{**run, "started_at": wall, "ended_at": wall}])
    assert lake.run(wall=wall).queued == 1
    lake.tables.append(
        "ops.runs", [{**run, "run_id": "r2", "status": "done", "started_at": wall + HOUR, "ended_at": wall + HOUR}]
    )
    lake.run(wall=wall + 2 * HOUR)
    (alert,) = lake.alerts()
    assert (alert.state, alert.ends_at) == ("resolved", wall + 2 * HOUR)


def test_plays_that_stop_coming_fire_even_if_no_anomaly_is_scored(lake) -> None:
    lake.tables.append(
        "gold.activity", [{"hour_start": MIDNIGHT - 40 * HOUR, "activity_date": DAY - timedelta(days=1)}]
    )
    lake.run()
    assert [alert.rule for alert in lake.alerts()] == ["no_plays"]


def test_silenced_alerts_are_recorded_and_nobody_is_told(lake) -> None:
    lake.scored(DAY, {23: "critical"})
    add_silence(
        lake.tables, ["country=BR"], author="anna", reason="x", starts_at=MIDNIGHT - HOUR, ends_at=MIDNIGHT + HOUR
    )
    published = lake.run()
    assert (published.silenced, published.queued, len(lake.alerts())) == (1, 0, 1)
    assert lake.run(wall=MIDNIGHT + 2 * HOUR).queued == 1, "it still fires when the silence is over"


def test_a_rule_that_breaks_stops_no_other_rule_and_resolves_nothing(lake) -> None:
    lake.scored(DAY, {23: "critical"})
    lake.run()
    (before,) = lake.alerts()
    broken = Rule.model_construct(**{**dict(lake.book.rules[0]), "summary": "{nothing_of_the_kind}"})
    other = Rule.model_validate({"name": "other", "source": "anomalies", "summary": "{metric}"})
    lake.book = Rulebook.model_construct(**{**dict(lake.book), "rules": (broken, other)})
    published = lake.run(wall=MIDNIGHT + HOUR)
    assert list(published.broken) == ["kpi_anomaly"]
    assert {alert.rule: alert.state for alert in lake.alerts()} == {"kpi_anomaly": "firing", "other": "firing"}
    assert before in lake.alerts()


def test_a_run_that_died_after_the_outbox_was_written_writes_no_message_twice(lake) -> None:
    lake.scored(DAY, {10: "warning", 23: "critical"})
    lake.run()
    lake.tables.overwrite("gold.alerts", [])
    assert lake.run().queued == 0
    assert len(lake.alerts()) == 2


def test_nothing_at_all_is_no_error(lake) -> None:
    published = lake.run()
    assert (published.findings, published.changed, published.queued) == (0, 0, 0)


def test_a_country_that_falls_quiet_fires_and_speaks_for_its_figures(lake) -> None:
    hours = [MIDNIGHT - n * HOUR for n in range(1, 8 * 24)]
    lake.tables.append(
        "gold.activity",
        [
            {"hour_start": at, "activity_date": at.date(), "country": country}
            for at in hours
            for country in ("BR", "DE")
            if country == "DE" or at < MIDNIGHT - 40 * HOUR
        ],
    )
    lake.scored(DAY, {23: "critical"}, metric="startup_ms_p95")
    lake.run()
    told = {alert.rule: alert for alert in lake.alerts()}
    quiet = told["slice_without_plays"]
    assert (quiet.labels["country"], quiet.state) == ("BR", "firing")
    assert told["kpi_anomaly"].evidence.inhibited_by == quiet.fingerprint


def test_planned_work_is_recorded_and_nobody_is_told(lake) -> None:
    lake.scored(DAY, {23: "critical"})
    work = {"name": "w", "match": ["country=BR"], "start": "22:00", "end": "01:00"}
    lake.book = Rulebook.model_validate({**lake.book.model_dump(by_alias=True), "maintenance": [work]})
    published = lake.run()
    assert (published.silenced, published.queued, len(lake.alerts())) == (1, 0, 1)


def test_a_message_brings_the_windows_around_its_alert(lake) -> None:
    lake.scored(DAY - timedelta(days=1), {})
    lake.scored(DAY, {22: "critical", 23: "critical"}, lower=90.0, upper=110.0)
    lake.scored(DAY, {}, dimensions={"country": "BR", "device": "ios"})
    lake.run()
    (row,) = lake.outbox()
    message = Notification.model_validate_json(row["payload"])
    (points,) = message.series.values()
    assert [point.at for point in points] == [MIDNIGHT - n * HOUR for n in range(42, 0, -1)]
    assert (points[-1].observed, points[-1].expected, points[-1].lower, points[0].lower) == (10.0, 100.0, 90.0, None)


def test_who_was_told_of_a_beginning_hears_of_the_end_although_another_alert_speaks_by_then(lake) -> None:
    child = {"dimensions": {"country": "BR", "device": "ios"}}
    lake.scored(DAY, {23: "critical"}, **child)
    lake.run()
    lake.scored(DAY, {22: "critical", 23: "critical"})
    tomorrow = MIDNIGHT + timedelta(days=1)
    lake.scored(DAY + timedelta(days=1), {})
    lake.scored(DAY + timedelta(days=1), {}, **child)
    lake.run(DAY + timedelta(days=1), wall=tomorrow)
    inhibited = next(alert for alert in lake.alerts() if "device" in alert.labels)
    assert inhibited.evidence.inhibited_by
    last = max(lake.outbox(), key=lambda row: row["queued_at"])
    assert any(member.startswith(f"{inhibited.fingerprint}|") and "|resolved|" in member for member in last["members"])
