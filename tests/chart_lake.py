"""gold.charts in a lake of its own, built from hand-made plays as build_marts does it, without Spark."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

import mart_definitions as definitions
from earshot.analytics.built_charts import CHARTS, BuiltCharts
from earshot.analytics.chart_periods import Period, days_to_read, periods_of_days
from earshot.analytics.charts import charts
from earshot.analytics.entity_charts import ChartRules
from earshot.analytics.play_days import FiledPlays
from earshot.core.arrow_rows import ArrowTasks
from earshot.core.commits import DeltaLog
from earshot.core.day_files import DayFiles
from earshot.core.memo_files import MemoFiles
from earshot.core.partitions import Partition, replace_partitions
from earshot.core.small_tables import SmallTables
from earshot.core.staging import Stage, StagedFile
from earshot.core.tables import Tables
from second_opinion import Rows, SecondOpinion

_LISTENS, _SUSPECTS = "silver.listens", "gold.suspect_listens"


@dataclass(frozen=True)
class Stream:
    """A play, counted by default; flagged where its listener, track and day are."""

    day: date
    track: str
    listener: str = "anna"
    country: str = "DE"
    tier: str = "free"
    artist: str = "The Tides"
    album: str = "Undertow"
    flagged: bool = False
    counted: bool = True


class _Written(ArrowTasks):
    """Tables that are written by this process."""

    def write(self, stage: Stage) -> list[StagedFile]:
        return [file for task in self.tasks for table in self.build(task) for file in stage.write(table)]


class ChartLake:
    """Streams that come and go, and the charts that follow them."""

    def __init__(self, root: Path, rules: ChartRules | None = None, *, least: int = 1_000_000) -> None:
        self.small = SmallTables(str(root))
        self.memos = MemoFiles.of(str(root), CHARTS, least=least)
        self.rules = rules or ChartRules()
        self.streams: list[Stream] = []

    def publish(self, streams: Iterable[Stream]) -> None:
        """Further streams, and the charts of their days."""
        new = list(streams)
        self.streams += new
        self.rebuild({stream.day for stream in new})

    def withdraw(self, streams: Iterable[Stream]) -> None:
        """These streams are gone."""
        gone = list(streams)
        for stream in gone:
            self.streams.remove(stream)
        self.rebuild({stream.day for stream in gone})

    def rebuild(self, days: set[date], *, whole: bool = False) -> set[Partition]:
        """Bring the charts up to the streams, given the days that changed; the partitions that were written."""
        self._file(days)
        periods = periods_of_days({stream.day for stream in self.streams} if whole else days)
        built = BuiltCharts() if whole else BuiltCharts.now(self.small.root, periods)
        before = {path for paths in BuiltCharts.now(self.small.root).files.values() for path in paths}
        tasks = self.tasks(periods, built)
        replace_partitions(
            cast(Tables, self.small),
            CHARTS,
            _Written(tasks.spark, tasks.tasks, tasks.build, tasks.schema),
            None if whole else {(period.kind, period.start) for period in periods | built.after(periods)},
            metadata={},
            since=built.version,
        )
        now = BuiltCharts.now(self.small.root).files
        return {(period.kind, period.start) for period, paths in now.items() if not before.intersection(paths)}

    def tasks(self, periods: Set[Period], built: BuiltCharts) -> ArrowTasks:
        """What ranks the streams of these periods."""
        listens, suspects = (DayFiles.now(self.small.root, table) for table in (_LISTENS, _SUSPECTS))
        plays = FiledPlays(cast(Any, None), listens.of(days_to_read(periods, listens.days)))
        return charts(plays, suspects, periods=periods, rules=self.rules, built=built, memos=self.memos)

    def rows(self, *filters: tuple[str, str, object]) -> list[dict[str, Any]]:
        """Rows of gold.charts, by period and rank."""
        found = self.small.rows(CHARTS, list(filters) or None)
        return sorted(found, key=lambda row: (row["period"], row["period_start"], row["rank"]))

    def weeks(self, track: str) -> list[tuple[Any, ...]]:
        """Of the weeks of a track: start, rank, previous rank, peak, weeks on chart, entry."""
        names = ("period_start", "rank", "previous_rank", "peak_rank", "periods_on_chart", "entry")
        where = (("period", "=", "week"), ("entity_id", "=", track), ("country", "=", "ALL"), ("tier", "=", "ALL"))
        rows = self.rows(*where, ("entity", "=", "track"), ("suspects", "=", "included"))
        return [tuple(row[name] for name in names) for row in rows]

    def differences(self) -> Rows:
        """What DuckDB, from the same streams and in one go, has otherwise."""
        opinion = SecondOpinion()
        flagged = {_flagged_by(stream) for stream in self.streams if stream.flagged}
        rows = [
            {
                **{"country": stream.country, "tier": stream.tier, "flagged": _flagged_by(stream) in flagged},
                **{"listener_id": stream.listener, "listen_date": stream.day, "counted": stream.counted},
                **{"track_id": stream.track, "artist_id": stream.artist, "album_title": stream.album},
            }
            for stream in self.streams
        ]
        opinion.take("plays", pa.Table.from_pylist(rows))
        opinion.take(CHARTS.replace(".", "_"), self.small.arrow(CHARTS))
        rules = definitions.charts(places=self.rules.places, listener_cap=self.rules.listener_cap)
        return opinion.differences(rules, definitions.CHARTS_FOUND)

    def _file(self, days: set[date]) -> None:
        """Put the streams of these days, and the verdicts on them, in the place of the files that they have."""
        plays, verdicts = self.streams, [_flagged_by(stream) for stream in self.streams if stream.flagged]
        rows = [
            {
                **{"listener_id": stream.listener, "country": stream.country, "tier": stream.tier},
                **{"track_id": stream.track, "artist_id": stream.artist, "album_title": stream.album},
                **{"listen_date": stream.day, "played_ms": None if stream.counted else 0},
            }
            for stream in plays
        ]
        told = [
            {"listener_id": listener, "track_id": track, "listen_date": day, "verdict": "suspect"}
            for listener, track, day in sorted(set(verdicts))
        ]
        for table, found in ((_LISTENS, rows), (_SUSPECTS, told)):
            log = DeltaLog(self.small.root, table)
            schema, now = log.stage("").schema, log.contents()
            old = [file for file in now.files if date.fromisoformat(str(file.partition["listen_date"])) in days]
            new = pa.Table.from_pylist([row for row in found if row["listen_date"] in days], schema=schema)
            if old or new.num_rows:
                staged = log.stage(uuid.uuid4().hex).write(new)
                log.replace(old, staged, since=now.version, app_id="chart_lake", metadata={})


def _flagged_by(stream: Stream) -> tuple[str, str, date]:
    return stream.listener, stream.track, stream.day
