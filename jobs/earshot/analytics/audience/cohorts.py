"""Listeners by their first session: who is new on a day, who returns, and how many of a cohort are back later."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import numpy as np
import pandas as pd

from earshot.core import columns as c
from earshot.core.measures import ALL

AGES: Final = (1, 7, 30)
"""Days after the first session on which a cohort is looked for."""

FIRST_DAY: Final = "first_day"
LAST_DAY: Final = "last_day"
FIRST_AT: Final = "first_at"


def listeners_of(spells: pd.DataFrame) -> pd.DataFrame:
    """Every listener with the day and country of the first session and the day of the last.

    Args:
        spells: listener_id, country, first_at (any number), first_day, last_day (days since 1970): a row a listener
            and country, or finer.

    Returns:
        Index listener_id, sorted; country, first_day, last_day.
    """
    ordered = spells.sort_values([c.LISTENER_ID, FIRST_AT, c.COUNTRY], kind="stable")
    by_listener = ordered.groupby(c.LISTENER_ID, sort=True)
    return by_listener.agg(**{
        c.COUNTRY: (c.COUNTRY, "first"), FIRST_DAY: (FIRST_DAY, "min"), LAST_DAY: (LAST_DAY, "max"),
    })  # fmt: skip


def advanced(known: pd.DataFrame, spells: pd.DataFrame, touched: Collection[int]) -> pd.DataFrame | None:
    """What is known of the listeners, once the sessions of some days are others.

    Args:
        known: What `listeners_of` gave before.
        spells: The sessions of the touched days as they are now, a row a listener, country and day.
        touched: The days.

    Returns:
        What `listeners_of` would give of all sessions; None where these days do not tell it: the first or last session
        of somebody lay on one of them and is gone.
    """
    there = pd.MultiIndex.from_frame(spells[[c.LISTENER_ID, FIRST_DAY]])
    for edge in (FIRST_DAY, LAST_DAY):
        on_touched = known[known[edge].isin(list(touched))]
        if not pd.MultiIndex.from_arrays([on_touched.index, on_touched[edge]]).isin(there).all():
            return None
    here = listeners_of(spells)
    everybody = known.index.union(here.index)
    old, new = known.reindex(everybody), here.reindex(everybody)
    is_earlier = new[FIRST_DAY] <= old[FIRST_DAY].fillna(np.inf)
    merged = pd.DataFrame({
        c.COUNTRY: new[c.COUNTRY].where(is_earlier, old[c.COUNTRY]),
        FIRST_DAY: np.fmin(old[FIRST_DAY], new[FIRST_DAY]).astype(np.int64),
        LAST_DAY: np.fmax(old[LAST_DAY], new[LAST_DAY]).astype(np.int64),
    })  # fmt: skip
    return merged.rename_axis(index=c.LISTENER_ID)


def days_to_build(known: pd.DataFrame | None, now: pd.DataFrame, touched: Collection[int]) -> frozenset[int] | None:
    """The days whose rows may be others than before; None: all of them.

    A session of a day changes the figures of that day. A first session that moves changes who is new on both its days,
    and who is back 1, 7 and 30 days after them.
    """
    if known is None or known.empty or now.empty:
        return None
    everybody = known.index.union(now.index)
    old, new = known.reindex(everybody), now.reindex(everybody)
    both = old[FIRST_DAY].notna() & new[FIRST_DAY].notna()
    if (both & (old[c.COUNTRY] != new[c.COUNTRY])).any():
        return None
    moved = (old[FIRST_DAY] != new[FIRST_DAY]).to_numpy()
    firsts = np.concatenate([old[FIRST_DAY].to_numpy()[moved], new[FIRST_DAY].to_numpy()[moved]])
    begun = {*touched, *firsts[np.isfinite(firsts)].astype(int).tolist()}
    last = int(now[LAST_DAY].max())
    fresh = range(int(known[LAST_DAY].max()) + 1, last + 1)
    days = {day + age for day in begun for age in (0, *AGES)} | set(fresh)
    return frozenset(day for day in days if day <= last)


def rows_of_days(known: pd.DataFrame, active: pd.DataFrame, days: Collection[int]) -> pd.DataFrame:
    """New and returning listeners and the retention of cohorts, as they are seen on days, by country and of all.

    - new_listeners: those whose first session of all began on the day. returning_listeners: the others with a session.
    - retention_day_N: of the listeners who were new N days before, the fraction with a session on the day. This is
      classic (day-N) retention: a session on that very day, not on it or later. The volume is the cohort.

    The country is that of a listener's first session. Days are UTC days on which a session began.

    Args:
        known: What `listeners_of` gives.
        active: listener_id and day: who has a session on these days, each once.
        days: Which days; none after the last session.

    Returns:
        day, country, metric, value, volume.
    """
    seen = active[active[c.DAY].isin(list(days))].join(known[[c.COUNTRY, FIRST_DAY]], on=c.LISTENER_ID, how="inner")
    seen = seen.assign(age=seen[c.DAY] - seen[FIRST_DAY])
    parts = []
    for everywhere in (False, True):
        here, cohort = (
            frame.assign(**{c.COUNTRY: ALL}) if everywhere else frame for frame in (seen, known[[c.COUNTRY, FIRST_DAY]])
        )
        present = here.groupby([c.DAY, c.COUNTRY]).size()
        new = here[here["age"] == 0].groupby([c.DAY, c.COUNTRY]).size().reindex(present.index, fill_value=0)
        parts += [_rows("new_listeners", new, present), _rows("returning_listeners", present - new, present)]
        for age in AGES:
            on = cohort.assign(**{c.DAY: cohort[FIRST_DAY] + age})
            due = on[on[c.DAY].isin(list(days))].groupby([c.DAY, c.COUNTRY]).size()
            back = here[here["age"] == age].groupby([c.DAY, c.COUNTRY]).size().reindex(due.index, fill_value=0)
            parts.append(_rows(f"retention_day_{age}", back / due, due))
    return pd.concat(parts, ignore_index=True)


def _rows(metric: str, values: pd.Series[Any], volumes: pd.Series[int]) -> pd.DataFrame:
    told = pd.DataFrame({c.VALUE: values.astype(np.float64), c.VOLUME: volumes.astype(np.int64)})
    return told.reset_index().assign(**{c.METRIC: metric})
