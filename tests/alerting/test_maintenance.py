"""Planned work: weekly or once, in its own time zone, over midnight and over changes of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import ValidationError

from earshot.alerting.maintenance import under_maintenance, windows
from earshot.alerting.rules import Maintenance
from earshot.core.alerts import Alert

NOON = datetime(2026, 3, 24, 12, tzinfo=UTC)  # a Tuesday
HOUR = timedelta(hours=1)


def planned(**changed) -> Maintenance:
    values = {"name": "release", "match": ["device=ios"], "start": "22:00", "end": "02:00", "weekdays": ["tue"]}
    return Maintenance.model_validate({**values, **changed})


def alert(starts_at: datetime = NOON, hours: float | None = None, device: str = "ios") -> Alert:
    return Alert(
        fingerprint="a",
        rule="kpi",
        severity="warning",
        state="firing" if hours is None else "resolved",
        labels={"device": device},
        summary="s",
        starts_at=starts_at,
        ends_at=None if hours is None else starts_at + hours * HOUR,
        updated_at=starts_at,
    )


@pytest.mark.parametrize(
    ("hours_after_noon", "covered"), [(9.9, False), (10, True), (13.9, True), (14, False), (10 + 24, False)]
)
def test_work_over_midnight_covers_its_hours_of_its_weekday(hours_after_noon: float, covered: bool) -> None:
    found = under_maintenance(alert(), [planned()], NOON + hours_after_noon * HOUR)
    assert (found is not None) == covered


def test_other_alerts_are_not_covered() -> None:
    assert under_maintenance(alert(device="web"), [planned()], NOON + 11 * HOUR) is None


def test_what_is_over_and_lay_wholly_within_is_covered_whenever_it_is_judged() -> None:
    within = alert(NOON + 10.5 * HOUR, hours=2)
    beyond = alert(NOON + 10.5 * HOUR, hours=5)
    assert under_maintenance(within, [planned()], NOON + 100 * HOUR)
    assert under_maintenance(beyond, [planned()], NOON + 100 * HOUR) is None


def test_times_of_day_are_local_on_both_sides_of_summer_time() -> None:
    berlin = planned(time_zone="Europe/Berlin", start="09:00", end="10:00", weekdays=["sat", "mon"])
    found = list(windows(berlin, date(2026, 3, 28), date(2026, 3, 30)))
    assert [begins.hour for begins, _ in found] == [8, 7]
    skipped = planned(time_zone="Europe/Berlin", start="02:15", end="02:45", weekdays=["sun"])
    assert all(begins < ends for begins, ends in windows(skipped, date(2026, 3, 29), date(2026, 3, 29)))


def test_work_that_happens_once_has_moments() -> None:
    once = planned(start=None, end=None, begins="2026-04-01T02:00:00Z", ends="2026-04-01T04:00:00Z")
    at = datetime(2026, 4, 1, 3, tzinfo=UTC)
    assert under_maintenance(alert(), [once], at)
    assert under_maintenance(alert(), [once], at + HOUR) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"start": None},
        {"end": "22:00"},
        {"begins": "2026-04-01T02:00:00Z", "ends": "2026-04-01T04:00:00Z"},
        {"start": None, "end": None},
        {"start": None, "end": None, "begins": "2026-04-01T02:00:00", "ends": "2026-04-01T04:00:00"},
        {"start": None, "end": None, "begins": "2026-04-01T05:00:00Z", "ends": "2026-04-01T04:00:00Z"},
        {"start": "25:00"},
        {"time_zone": "Europe/Berln"},
        {"weekdays": ["tuesday"]},
        {"match": []},
    ],
)
def test_work_that_makes_no_sense_is_refused(changed: dict) -> None:
    with pytest.raises(ValidationError):
        planned(**changed)
