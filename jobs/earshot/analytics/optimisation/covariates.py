"""What was known of a listener before a moment: the only covariates that an experiment may use."""

from __future__ import annotations

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from earshot.core import columns as c

COVARIATES: Final = (
    "log_plays",
    "log_hours",
    "log_artists",
    "active_days",
    "skip_share",
    "chosen_share",
    "stalled_share",
    "night_share",
)
"""Of the days before: plays, hours heard and artists as ln(1 + x); days with a play of all; shares of the plays."""

_CHOSEN: Final = ("search", "library", "album", "artist")
_MS_PER_HOUR: Final = 3_600_000.0
_NIGHT_UNTIL: Final = 6


def covariates(plays: DataFrame, moments: DataFrame, *, history_days: int) -> DataFrame:
    """Each row of `moments` with the covariates of the listener in the days before it.

    A play counts that started before the moment: what came after may be a consequence of the assignment, and to
    adjust for it would bias the effect (Rosenbaum 1984). A listener without plays has zeros.

    Args:
        plays: Rows of silver.listens that reach far enough back.
        moments: listener_id, assigned_at, and what else is to be kept.
        history_days: How far back.

    Returns:
        The columns of `moments` and `COVARIATES`.
    """
    began = F.col(c.STARTED_AT)
    before = F.make_interval(days=F.lit(history_days))
    at = moments.select(c.LISTENER_ID, c.ASSIGNED_AT).distinct()
    inside = (began < F.col(c.ASSIGNED_AT)) & (began >= F.col(c.ASSIGNED_AT) - before)
    of_listener = (
        plays.join(at, c.LISTENER_ID)
        .where(inside)
        .groupBy(c.LISTENER_ID, c.ASSIGNED_AT)
        .agg(*(figure.alias(name) for name, figure in _figures(history_days).items()))
    )
    return moments.join(of_listener, [c.LISTENER_ID, c.ASSIGNED_AT], "left").select(
        *moments.columns, *(F.coalesce(F.col(name), F.lit(0.0)).alias(name) for name in COVARIATES)
    )


def _figures(history_days: int) -> dict[str, Column]:
    def share(condition: Column) -> Column:
        return F.avg(F.coalesce(condition, F.lit(False)).cast("double"))

    return {
        "log_plays": F.log1p(F.count("*").cast("double")),
        "log_hours": F.log1p(F.coalesce(F.sum(c.PLAYED_MS), F.lit(0)) / _MS_PER_HOUR),
        "log_artists": F.log1p(F.count_distinct(c.ARTIST_ID).cast("double")),
        "active_days": F.count_distinct(c.LISTEN_DATE) / F.lit(float(history_days)),
        "skip_share": share(F.col(c.SKIPPED)),
        "chosen_share": share(F.col(c.CONTEXT).isin(*_CHOSEN)),
        "stalled_share": share(F.col(c.REBUFFER_MS) > 0),
        "night_share": share(F.hour(c.STARTED_AT) < _NIGHT_UNTIL),
    }
