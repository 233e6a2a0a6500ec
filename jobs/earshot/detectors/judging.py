"""Which days are judged again (those with new plays, and those of which people said something new), and how."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from earshot.core import columns as c
from earshot.core.changes import TouchedDays
from earshot.core.settings import ManipulationSettings
from earshot.core.table_history import TableHistory
from earshot.core.tables import Tables, days_condition
from earshot.detectors.manipulation import suspects_among
from earshot.detectors.strange_days import chosen_days, strange_days
from earshot.detectors.verdict_model import VerdictModel
from earshot.detectors.verdict_training import with_probability
from earshot.detectors.verdicts import Verdict, days_to_judge_again, with_verdicts

LISTENS: Final = "silver.listens"
SUSPECTS: Final = "gold.suspect_listens"
FEEDBACK: Final = "ops.feedback"


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
    listens: DataFrame, said: Collection[Verdict], model: VerdictModel | None, settings: ManipulationSettings
) -> list[dict[str, Any]]:
    """Rows of gold.suspect_listens of some days.

    Args:
        listens: Rows of silver.listens of these days.
        said: The verdicts, in the order in which they were said.
        model: What was learnt from verdicts; None before there was enough.
        settings: Thresholds.
    """
    known = {verdict.listener_id for verdict in said}
    chosen = chosen_days(listens, settings=settings, known_listeners=known).toArrow()
    if not chosen.num_rows:
        return []
    theirs = listens.where(days_condition(c.LISTEN_DATE, set(chosen[c.LISTEN_DATE].to_pylist())))
    picked = strange_days(theirs, listens.sparkSession.createDataFrame(chosen), settings=settings)
    strange = picked.toArrow().to_pylist()
    return with_verdicts(with_probability(suspects_among(strange, settings), model, settings), said)


def _days_without_a_row(tables: Tables, said: Iterable[Verdict], rows: Iterable[Mapping[str, Any]]) -> set[date]:
    """Days of listeners of whom people spoke as a whole, on which nothing was suspect by itself."""
    of_all_days = {verdict.listener_id for verdict in said if verdict.listen_date is None and verdict.track_id is None}
    if not of_all_days:
        return set()
    there = {(row[c.LISTENER_ID], row[c.LISTEN_DATE]) for row in rows if row[c.TRACK_ID] is None}
    theirs = tables.read(LISTENS).where(F.col(c.LISTENER_ID).isin(*sorted(of_all_days)))
    heard = theirs.select(c.LISTENER_ID, c.LISTEN_DATE).distinct().collect()
    return {row[c.LISTEN_DATE] for row in heard if tuple(row) not in there}
