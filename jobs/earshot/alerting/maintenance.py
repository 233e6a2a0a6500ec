"""Planned work of conf/alerts.toml: when it holds, in its own time zone, and for which alerts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from earshot.alerting.matchers import all_hold
from earshot.alerting.rules import WEEKDAYS, Maintenance
from earshot.core.alerts import Alert

_DAY = timedelta(days=1)


def under_maintenance(alert: Alert, planned: Sequence[Maintenance], wall: datetime) -> Maintenance | None:
    """The first planned work that covers the alert: now, or wholly what is over."""
    return next((one for one in planned if _covers(one, alert, wall)), None)


def windows(one: Maintenance, first: date, last: date) -> Iterator[tuple[datetime, datetime]]:
    """Beginnings and ends, UTC, of the windows that begin on local days from `first` to `last`.

    A time of day that the clocks skip is the moment at which they jump; one that comes twice, the first.
    """
    if one.begins and one.ends:
        yield one.begins.astimezone(UTC), one.ends.astimezone(UTC)
    if one.start is None or one.end is None:
        return
    zone = ZoneInfo(one.time_zone)
    for day in (first + number * _DAY for number in range((last - first).days + 1)):
        if WEEKDAYS[day.weekday()] in one.weekdays:
            following = day + _DAY if one.end <= one.start else day
            begins = datetime.combine(day, one.start, zone).astimezone(UTC)
            ends = datetime.combine(following, one.end, zone).astimezone(UTC)
            if begins < ends:
                yield begins, ends


def _covers(one: Maintenance, alert: Alert, wall: datetime) -> bool:
    if not all_hold(one.matchers, alert.matching_labels):
        return False
    if any(begins <= wall < ends for begins, ends in windows(one, (wall - 2 * _DAY).date(), (wall + _DAY).date())):
        return True
    end = alert.ends_at
    if end is None:
        return False
    around = windows(one, (alert.starts_at - 2 * _DAY).date(), (alert.starts_at + _DAY).date())
    return any(begins <= alert.starts_at and end <= ends for begins, ends in around)
