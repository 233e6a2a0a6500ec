"""RFM segments: every listener by how lately, how often and how long they listened."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from earshot.analytics.audience.cohorts import FIRST_DAY, LAST_DAY
from earshot.core import columns as c

SESSIONS: Final = "sessions"
_MS_PER_MINUTE: Final = 60_000
_SCORES: Final = 5
_NEW_FOR_DAYS: Final = 7
_HIGH, _MIDDLE = 4, 3


def segments(known: pd.DataFrame, window: pd.DataFrame, *, as_of: int) -> pd.DataFrame:
    """A row a listener who ever had a session.

    Recency is the days since the last session, frequency the sessions and monetary value the minutes heard in the
    window. Each is scored 1 to 5 by quantiles among the listeners with a session in the window: 1 + floor(5 r / n), r
    being those of the n listeners that are worse and half of those that are equal, so that equals have equal scores.
    (Hughes 1994, "Strategic Database Marketing"; minutes in the place of money, as people pay by the month.)

    Segments, the first that holds, with F and M as their mean: `lapsed` no session in the window; `new` the first
    session at most 7 days ago; `champions` R >= 4 and FM >= 4; `loyal` R >= 3 and FM >= 3; `promising` R >= 4;
    `at_risk` R <= 2 and FM >= 3; `hibernating` R <= 2; `occasional` the rest.

    Args:
        known: What `cohorts.listeners_of` gives.
        window: Index listener_id; sessions, played_ms in the window that ends with `as_of`.
        as_of: The last day with sessions, in days since 1970.

    Returns:
        Index listener_id; country, first_day, last_day, recency_days, sessions, minutes, the three scores, segment.
    """
    rows = known.join(window).fillna({SESSIONS: 0, c.PLAYED_MS: 0})
    rows = rows.assign(
        recency_days=as_of - rows[LAST_DAY],
        sessions=rows[SESSIONS].astype(np.int64),
        minutes=rows[c.PLAYED_MS] / _MS_PER_MINUTE,
    ).drop(columns=c.PLAYED_MS)
    present = (rows[SESSIONS] > 0).to_numpy()
    scored = {
        "recency_score": -rows["recency_days"],
        "frequency_score": rows[SESSIONS],
        "monetary_score": rows["minutes"],
    }
    for name, values in scored.items():
        scores = pd.Series(pd.NA, index=rows.index, dtype="Int32")
        scores[present] = quantile_scores(values[present].to_numpy(np.float64))
        rows[name] = scores
    return rows.assign(segment=_named(rows, present, as_of))


def quantile_scores(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """1 + floor(5 r / n), r being the smaller ones of n values and half of the equal ones, the own one included."""
    ordered = np.sort(values)
    smaller, up_to = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
    scores: NDArray[np.int64] = 1 + _SCORES * (smaller + up_to) // (2 * max(len(values), 1))
    return scores


def _named(rows: pd.DataFrame, present: NDArray[np.bool_], as_of: int) -> NDArray[np.str_]:
    recency = rows["recency_score"].fillna(0).to_numpy(np.int64)
    value = (rows["frequency_score"].fillna(0) + rows["monetary_score"].fillna(0)).to_numpy(np.float64) / 2
    rules = {
        "lapsed": ~present,
        "new": (as_of - rows[FIRST_DAY] <= _NEW_FOR_DAYS).to_numpy(),
        "champions": (recency >= _HIGH) & (value >= _HIGH),
        "loyal": (recency >= _MIDDLE) & (value >= _MIDDLE),
        "promising": recency >= _HIGH,
        "at_risk": (recency < _MIDDLE) & (value >= _MIDDLE),
        "hibernating": recency < _MIDDLE,
    }
    return np.select(list(rules.values()), list(rules), default="occasional")
