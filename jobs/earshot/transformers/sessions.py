"""Plays to sessions, and the exact repair of the sessions around days that changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from earshot.core import columns as c
from earshot.core.measures import counted
from earshot.core.settings import MartSettings
from earshot.core.stream_rule import SPOTIFY, StreamRule
from earshot.core.tables import days_condition
from earshot.transformers.session_rows import IS_COUNTED, ROWS, SessionBuilder
from earshot.transformers.skips import BY_BUTTON_OR_NEXT, SkipRule

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class SessionRules:
    """How plays become sessions.

    Attributes:
        gap_minutes: The longest pause within a session.
        stream: When a play is a counted stream.
        skip: When a play looks skipped where its source does not say.
        chosen: Values of reason_start with which the listener chose the play.
        autoplayed: Values of reason_start with which it began by itself.
    """

    gap_minutes: int = 30
    stream: StreamRule = SPOTIFY
    skip: SkipRule = BY_BUTTON_OR_NEXT
    chosen: tuple[str, ...] = ("clickrow", "playbtn", "backbtn", "uriopen", "search")
    autoplayed: tuple[str, ...] = ("trackdone", "autoplay")

    @classmethod
    def of(cls, settings: MartSettings) -> SessionRules:
        """The rules that are set."""
        return cls(
            settings.session_gap_minutes,
            settings.stream_rule,
            SkipRule(settings.skip_share, settings.skip_next_s, settings.skip_reasons),
            settings.chosen_reasons,
            settings.autoplay_reasons,
        )


def sessions(listens: DataFrame, *, rules: SessionRules) -> DataFrame:
    """Sessions of a listener across devices.

    A session ends where the next play starts more than a pause after the latest end (or start) of
    the plays before it. Device and country are those of its first play, the time zone that of the
    first play that names one of the time zone database. `skips` counts what sources say,
    `inferred_skips` what they leave open and `SkipRule` finds.

    Args:
        listens: Rows of silver.listens.
        rules: What counts as what.

    Returns:
        A row a session, with the columns of silver.sessions. One shuffle, by listener; then an Arrow task goes
        through the plays in their order.
    """
    builder = SessionBuilder(rules.gap_minutes * 60_000_000, rules.skip, rules.chosen, rules.autoplayed)
    plays = listens.select(
        c.LISTENER_ID,
        c.STARTED_AT,
        c.LISTEN_ID,
        F.greatest(c.STARTED_AT, c.ENDED_AT).alias(c.ENDED_AT),
        *(c.TRACK_ID, c.ARTIST_ID, c.DEVICE, c.COUNTRY, c.TIME_ZONE),
        *(c.PLAYED_MS, c.DURATION_MS, c.REASON_START, c.REASON_END, c.SKIPPED, c.START_FAILED),
        counted(rules.stream).alias(IS_COUNTED),
    )
    in_order = plays.repartition(c.LISTENER_ID).sortWithinPartitions(c.LISTENER_ID, c.STARTED_AT, c.LISTEN_ID)
    return in_order.mapInArrow(builder.sessions, from_arrow_schema(ROWS))


@dataclass(frozen=True)
class TouchedRun:
    """Touched days without a gap, and when the last play that started on them ends."""

    first: date
    last: date
    ends_at: datetime

    def disturbs(self, first: datetime, last: datetime, gap_minutes: int) -> bool:
        """Whether sessions between these moments may be `disturbed`."""
        gap = timedelta(minutes=gap_minutes)
        return last >= _midnight(self.first) - gap and first <= self.ends_at + gap


def touched_runs(ends: dict[date, datetime], days: Iterable[date]) -> list[TouchedRun]:
    """Touched days joined to runs.

    Args:
        ends: Latest end of the plays of a day, where it has plays.
        days: The touched days.
    """
    runs: list[TouchedRun] = []
    for day in sorted(days):
        midnight = _midnight(day + _DAY)
        ends_at = max(midnight, ends.get(day, midnight))
        if runs and runs[-1].last + _DAY == day:
            before = runs.pop()
            runs.append(TouchedRun(before.first, day, max(before.ends_at, ends_at)))
        else:
            runs.append(TouchedRun(day, day, ends_at))
    return runs


def disturbed(runs: Collection[TouchedRun], *, gap_minutes: int) -> Column:
    """Whether a session that was built before the change may differ after it.

    Plays outside of the touched days did not change, nor did the pauses between the sessions they
    made. So a session changes only if it held a play of a touched day or comes within a pause of
    one: everything else stays, however long the chains are.
    """
    gap = timedelta(minutes=gap_minutes)
    near = [
        (F.col(c.ENDED_AT) >= F.lit(_midnight(run.first) - gap)) & (F.col(c.STARTED_AT) <= F.lit(run.ends_at + gap))
        for run in runs
    ]
    return reduce(or_, near, F.lit(False))


def rejoined(listens: DataFrame, broken: DataFrame, *, days: Collection[date]) -> DataFrame:
    """The plays from which the disturbed sessions are built anew.

    Args:
        listens: silver.listens.
        broken: The disturbed sessions: listener_id, started_at, ended_at.
        days: The touched days.

    Returns:
        Rows of `listens`: those of the touched days, and those that the disturbed sessions held.
    """
    on_days = F.expr(days_condition(c.LISTEN_DATE, days))
    spans = broken.select(
        F.col(c.LISTENER_ID).alias("of"), F.col(c.STARTED_AT).alias("from"), F.col(c.ENDED_AT).alias("to")
    )
    held = (F.col(c.LISTENER_ID) == F.col("of")) & F.col(c.STARTED_AT).between(F.col("from"), F.col("to"))
    return listens.where(on_days).unionByName(listens.where(~on_days).join(spans, held, "leftsemi"))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
