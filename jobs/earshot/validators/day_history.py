"""ops.day_profiles: what each batch brought of each day, and the newest whole day of a batch against those before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from earshot.core import columns as c
from earshot.core.small_tables import SmallTables
from earshot.validators.day_profiles import ROWS, Profile, joined
from earshot.validators.drift import drift, same_weekdays

PROFILES: Final = "ops.day_profiles"
SUITE_OF_DRIFT: Final = "drift"
_PROFILE: Final = "profile"
_MUCH: Final = 0.05

Profiles = Mapping[str, Mapping[str, Profile]]
"""By source and day, as `DayProfiles.value` has them."""


class DayHistory:
    """Keeps profiles, and measures drift by them.

    Args:
        small_tables: Where ops.day_profiles and gold.quality_kpis are.
    """

    def __init__(self, small_tables: SmallTables) -> None:
        self._small = small_tables

    def remember(self, batch_id: str, profiles: Profiles, at: datetime) -> None:
        """Keep what a batch brought, unless it is kept already."""
        if profiles and not self._small.arrow(PROFILES, [(c.BATCH_ID, "=", batch_id)], [c.BATCH_ID]).num_rows:
            rows = [
                {
                    c.BATCH_ID: batch_id,
                    c.SOURCE: source,
                    c.LISTEN_DATE: date.fromisoformat(day),
                    _PROFILE: json.dumps(profile, sort_keys=True),
                    c.MEASURED_AT: at,
                }
                for source, days in profiles.items()
                for day, profile in days.items()
            ]
            self._small.append(PROFILES, rows)

    def kpis(self, batch_id: str, profiles: Profiles, at: datetime) -> list[dict[str, Any]]:
        """Rows of gold.quality_kpis: for each source the newest day of the batch that is over, where it is new.

        A day that was measured before is measured again only where the batch brought at least 5 % of it.

        Args:
            batch_id: What is measured; it is remembered.
            profiles: What it brought.
            at: Wall time.
        """
        rows: list[dict[str, Any]] = []
        for source, day, brought in _newest_whole_days(profiles, at):
            wanted = [day, *same_weekdays(day)]
            found = self._profiles(source, wanted)
            today = found.get(day, {})
            if not _rows(today) or (_rows(brought) < _MUCH * _rows(today) and self._is_measured(source, day)):
                continue
            rows += [
                {
                    c.BATCH_ID: batch_id,
                    c.MEASURED_AT: at,
                    c.SUITE: f"{SUITE_OF_DRIFT}.{source}",
                    c.KPI: figure.kpi,
                    c.VALUE: figure.value,
                    c.TARGET: figure.target,
                    c.MET: figure.met,
                    c.LISTEN_DATE: day,
                }
                for figure in drift(today, [found[before] for before in wanted[1:] if before in found])
            ]
        return rows

    def _profiles(self, source: str, days: list[date]) -> dict[date, Profile]:
        """The profiles of days, of all batches together."""
        filters = [(c.SOURCE, "=", source), (c.LISTEN_DATE, "in", days)]
        parts: dict[date, list[Profile]] = {}
        for row in self._small.rows(PROFILES, filters):
            parts.setdefault(row[c.LISTEN_DATE], []).append(json.loads(row[_PROFILE]))
        return {day: joined(of_day) for day, of_day in parts.items()}

    def _is_measured(self, source: str, day: date) -> bool:
        filters = [(c.SUITE, "=", f"{SUITE_OF_DRIFT}.{source}"), (c.LISTEN_DATE, "=", day)]
        return bool(self._small.arrow("gold.quality_kpis", filters, [c.BATCH_ID, c.SUITE, c.LISTEN_DATE]).num_rows)


def _newest_whole_days(profiles: Profiles, at: datetime) -> Iterator[tuple[str, date, Profile]]:
    for source, days in profiles.items():
        over = [day for day in map(date.fromisoformat, days) if _end(day) <= at]
        if over:
            newest = max(over)
            yield source, newest, days[newest.isoformat()]


def _end(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def _rows(profile: Profile) -> int:
    return profile.get(ROWS, {}).get(ROWS, 0)
