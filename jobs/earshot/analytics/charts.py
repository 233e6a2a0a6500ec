"""gold.charts: every track, artist and album, ranked by counted streams, with what it reached before."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Final

import pyarrow as pa

from earshot.analytics.all_time import Begun, Mark, remembered_until
from earshot.analytics.built_charts import CHARTS, BuiltCharts
from earshot.analytics.chart_marks import marks_of
from earshot.analytics.chart_periods import ALL_TIME_PERIOD, Period, days_to_read
from earshot.analytics.chart_rows import SCHEMA
from earshot.analytics.entity_charts import ENTITIES, ChartRules, charts_of_days
from earshot.analytics.flagged import FLAGGED, flags_of
from earshot.analytics.play_days import FiledPlays
from earshot.core import columns as c
from earshot.core.arrow_rows import ArrowTasks
from earshot.core.day_files import DayFiles
from earshot.core.errors import OvertakenError
from earshot.core.memo_files import MemoFiles

_TASKS: Final = (("track",), ("artist", "album"))
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
        memos: What is remembered of all time, so that not every day is read again; others than those that hold now
            are deleted.

    Returns:
        The columns of gold.charts: of the periods, and of the later ones whose past changed.
    """
    changed, standing = frozenset(periods), built or BuiltCharts()
    marks, remembered = dict[str, list[Mark]](), date.min
    if memos:
        marks = marks_of(ENTITIES, listens.files, suspects, rules=repr((rules.stream, rules.listener_cap)))
        memos.keep({mark.name for of_entity in marks.values() for mark in of_entity})
        remembered = min(remembered_until(memos, of_entity) for of_entity in marks.values())
    asked = days_to_read(changed - {ALL_TIME_PERIOD}, listens.files.days)
    # The names of all files would be most of what a task is sent.
    files = listens.files.of([day for day in listens.files.days if day > remembered or day in asked])

    def build(entities: Sequence[str]) -> Iterator[pa.Table]:
        ids = (ENTITIES[entity] for entity in entities)
        names = [*dict.fromkeys((c.LISTENER_ID, c.COUNTRY, c.TIER, c.TRACK_ID, *ids, c.PLAYED_MS, c.DURATION_MS))]
        begun = {entity: Begun.of(memos, marks[entity]) if memos else Begun() for entity in entities}
        until = min(of_entity.until for of_entity in begun.values())
        if until < remembered:  # another run has tidied up
            raise OvertakenError(CHARTS, where=memos.folder if memos else "")

        def days() -> Iterator[tuple[date, pa.Table]]:
            for day in sorted(files.days):
                if day <= until and day not in asked:
                    continue
                plays = files.read(day, names)
                yield day, plays.append_column(FLAGGED, pa.array(flags_of(plays, suspects, day)))

        return charts_of_days(days(), begun=begun, changed=changed, built=standing, rules=rules)

    return ArrowTasks(listens.spark, _TASKS, build, SCHEMA)
