"""gold.charts: every track, artist and album, ranked by counted streams, with what it reached before."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Final

import pyarrow as pa

from earshot.analytics.built_charts import BuiltCharts
from earshot.analytics.chart_marks import Marks, Remembered, marks_of
from earshot.analytics.chart_memory import Memory
from earshot.analytics.chart_periods import Period, days_to_read
from earshot.analytics.chart_rows import SCHEMA
from earshot.analytics.entity_charts import ENTITIES, ChartRules, charts_of_days
from earshot.analytics.flagged import FLAGGED, flags_of
from earshot.analytics.play_days import FiledPlays
from earshot.core import columns as c
from earshot.core.arrow_rows import ArrowTasks
from earshot.core.day_files import DayFiles
from earshot.core.memo_files import MemoFiles

_TASKS: Final[tuple[tuple[str, ...], ...]] = (("track",), ("artist", "album"))
"""Tracks take about as long as artists and albums, which share what they read."""


def charts(
    listens: FiledPlays,
    suspects: DayFiles,
    *,
    periods: Collection[Period],
    rules: ChartRules,
    built: BuiltCharts | None = None,
    memos: MemoFiles | None = None,
) -> ArrowTasks:
    """Charts of the periods, by country and ALL, tier and ALL, with and without suspect streams.

    Streams are counted streams; rank is by streams desc, listeners desc, entity_id asc, without
    gaps or ties. previous_rank is the rank in the period directly before, in the same chart;
    peak_rank and periods_on_chart look at all periods up to this one, whatever lies between them;
    an entry is new or, after a pause, a re_entry. All time has no period before it: there, careers
    tell what the entity reached by day, week and month. An album is known by its title alone, as
    silver.listens has no id of albums; what has no id is `unknown`.

    Two tasks read the plays, day by day, and count and rank by sorting integers: 8 groupings a period and their
    distinct listeners from one sort of its plays.

    Args:
        listens: Rows of silver.listens of the periods.
        suspects: Rows of gold.suspect_listens.
        periods: What to rank.
        rules: What counts.
        built: The charts so far, of which later ones are repaired; None where all are built anew.
        memos: What is remembered, so that not every day is read again; what does not hold any more is deleted.

    Returns:
        The columns of gold.charts: of the periods, and of the later ones whose past changed.
    """
    changed, standing = frozenset(periods), built or BuiltCharts()
    existing, marks, remembered = listens.files.days, dict[str, Marks](), dict[str, Remembered]()
    if memos:
        marks = marks_of(ENTITIES, listens.files, suspects, rules=repr((rules.stream, rules.listener_cap)))
        memos.keep({name for of_entity in marks.values() for name in of_entity.of_use(memos)})
        remembered = {entity: of_entity.remembered(memos, changed) for entity, of_entity in marks.items()}

    def needed(entities: Sequence[str]) -> set[date]:
        if not marks:
            return set(days_to_read(changed, existing))
        every = (marks[entity].reads(changed, existing, remembered[entity].until) for entity in entities)
        return set().union(*every)

    days = {entities: needed(entities) for entities in _TASKS}
    # The names of all files would be most of what a task is sent.
    files = listens.files.of(set().union(*days.values()))

    def build(entities: tuple[str, ...]) -> Iterator[pa.Table]:
        ids = (ENTITIES[entity] for entity in entities)
        names = [*dict.fromkeys((c.LISTENER_ID, c.COUNTRY, c.TIER, c.TRACK_ID, *ids, c.PLAYED_MS, c.DURATION_MS))]
        memories = {
            entity: Memory.of(memos, marks[entity], remembered[entity]) if memos and marks else Memory()
            for entity in entities
        }

        def each_day() -> Iterator[tuple[date, pa.Table]]:
            for day in sorted(days[entities]):
                plays = files.read(day, names)
                yield day, plays.append_column(FLAGGED, pa.array(flags_of(plays, suspects, day)))

        return charts_of_days(each_day(), memories=memories, changed=changed, built=standing, rules=rules)

    return ArrowTasks(listens.spark, _TASKS, build, SCHEMA)
