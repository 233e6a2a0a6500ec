"""Which days are judged again (those with new plays, and those of which people said something new), and how.

silver.listens is partitioned by day, and nobody's day depends on another's: a task of Spark gets the names of a day's
files, reads them, judges, and hands back finished rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import BooleanType, StructType

from earshot.core import columns as c
from earshot.core.arrow_rows import ArrowTasks
from earshot.core.changes import TouchedDays
from earshot.core.day_files import DayFiles
from earshot.core.settings import ManipulationSettings
from earshot.core.table_history import TableHistory
from earshot.core.tables import Tables, spec_of
from earshot.detectors.manipulation import BY_RULE, suspects_among
from earshot.detectors.strange_days import strange_days
from earshot.detectors.verdict_model import VerdictModel
from earshot.detectors.verdict_training import with_probability
from earshot.detectors.verdicts import Verdict, days_to_judge_again, with_verdicts

LISTENS: Final = "silver.listens"
SUSPECTS: Final = "gold.suspect_listens"
FEEDBACK: Final = "ops.feedback"

_BEFORE_VERDICTS: Final = (c.LISTENER_ID, c.TRACK_ID, c.LISTEN_DATE, c.SIGNALS, c.SCORE, c.STREAMS)
_ROWS: Final = StructType([spec_of(SUSPECTS).schema[name] for name in _BEFORE_VERDICTS]).add(BY_RULE, BooleanType())
_ARROW: Final = to_arrow_schema(_ROWS, timezone="UTC")


def to_judge(
    tables: Tables, touched: TouchedDays, said: Collection[Verdict], rows: Collection[Mapping[str, Any]]
) -> TouchedDays:
    """The days to judge; what the commit says of them tells the marts which days new verdicts touch.

    Args:
        tables: The lake.
        touched: What new plays touched.
        said: The verdicts, in the order in which they were said.
        rows: gold.suspect_listens as it stands.
    """
    told = TableHistory(tables.root, FEEDBACK).version
    consumed = {**touched.consumed, FEEDBACK: -1 if told is None else told}
    days = touched.days | days_to_judge_again(said, rows)
    position = TableHistory(tables.root, SUSPECTS).consumed or {}
    if not touched.complete and position.get(FEEDBACK) != consumed[FEEDBACK]:
        days |= _days_without_a_row(tables, said, rows)
    return replace(touched, days=frozenset(days), consumed=consumed)


def judged(
    spark: SparkSession,
    plays: DayFiles,
    said: Collection[Verdict],
    model: VerdictModel | None,
    settings: ManipulationSettings,
) -> list[dict[str, Any]]:
    """Rows of gold.suspect_listens of some days.

    Args:
        spark: The session whose tasks read and judge, a day each.
        plays: Files of silver.listens of these days.
        said: The verdicts, in the order in which they were said.
        model: What was learnt from verdicts; None before there was enough.
        settings: Thresholds.
    """
    known = frozenset(verdict.listener_id for verdict in said)

    def of_day(day: date) -> Iterator[pa.Table]:
        looked_at = strange_days(partial(plays.read, day), settings=settings, known_listeners=known)
        yield pa.Table.from_pylist(suspects_among(day, looked_at, settings), _ARROW)

    days = sorted(plays.days)
    found = ArrowTasks(spark, days, of_day, _ROWS).frame().toArrow().to_pylist() if days else []
    rows = sorted(found, key=lambda row: (row[c.LISTENER_ID], row[c.LISTEN_DATE]))
    return with_verdicts(with_probability(rows, model, settings), said)


def _days_without_a_row(tables: Tables, said: Iterable[Verdict], rows: Iterable[Mapping[str, Any]]) -> set[date]:
    """Days of listeners of whom people spoke as a whole, on which nothing was suspect by itself."""
    of_all_days = {verdict.listener_id for verdict in said if verdict.listen_date is None and verdict.track_id is None}
    if not of_all_days:
        return set()
    there = {(row[c.LISTENER_ID], row[c.LISTEN_DATE]) for row in rows if row[c.TRACK_ID] is None}
    theirs = tables.read(LISTENS).where(F.col(c.LISTENER_ID).isin(*sorted(of_all_days)))
    heard = theirs.select(c.LISTENER_ID, c.LISTEN_DATE).distinct().collect()
    return {row[c.LISTEN_DATE] for row in heard if tuple(row) not in there}
