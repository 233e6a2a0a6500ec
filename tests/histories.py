"""Histories of a lake, step by step through the real jobs, and the control: all that is left of it, built at once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from earshot.automation.loading import load_job
from earshot.automation.pipeline import PIPELINE
from earshot.core.config import load_settings
from earshot.core.errors import JobSkippedError
from earshot.core.job import Job
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.core.tables import Tables, spec_of
from earshot.detectors.verdicts import subject_of
from earshot.security.keys import load_keys
from earshot.security.pseudonyms import Pseudonymiser
from second_opinion import Rows, SecondOpinion

START = datetime(2026, 3, 28, 21, tzinfo=UTC)
"""Saturday evening: soon the clocks of Europe go forward, a week begins, then a month."""

_NAMES = [spec.name for spec in PIPELINE]
ARRIVE = _NAMES[_NAMES.index("ingest_listens") : _NAMES.index("publish_listens") + 1]
BUILD = _NAMES[_NAMES.index("publish_listens") + 1 : _NAMES.index("build_marts") + 1]

WITHOUT = frozenset({"gold.quality_kpis"})
"""Figures of batches, not of plays: the contract compares their totals."""

OF_PROCESSING = frozenset(
    """batch_id run_id source_file source_line ingested_at arrived_at measured_at computed_at built_at updated_at
    tellings booked_on""".split()
)
"""Columns that say how and when a row came about, not what is true."""

RULES: dict[str, Any] = {
    "marts": {
        "cube_minimum_volume": 2,
        "cube_hourly_minimum_volume": 3,
        "cube_deep_minimum_volume": 4,
        "remembered_from": 1,
    },
    "manipulation": {"minimum_streams": 3, "suspect_score": 0.35},
    "revenue": {"artist_centric": {"boost_streams": 4, "boost_listeners": 2, "listener_cap": 6}},
}
"""Thresholds that a handful of plays reaches."""

Play = dict[str, Any]


def play(listener: str, minute: float, track: int, **told: Any) -> Play:
    """What a client tells: the listener's home, and quality, follow from the track and the minute where not given."""
    number, at = ord(listener[0]), START + timedelta(minutes=minute)
    whole = int(minute)
    row = {
        "listener": listener,
        "started_at": at.isoformat(timespec="milliseconds"),
        "played_ms": 40_000 + 1_000 * track,
        "duration_ms": 60_000 + 3_000 * track,
        "track_id": f"trk:{track}",
        "artist_id": f"art:{track // 2}",
        "album_title": f"Album {track // 3}",
        "country": ("DE", "US", "JP")[number % 3],
        "tier": ("premium", "free")[number % 2],
        "time_zone": ("Europe/Berlin", "America/New_York", "Asia/Kolkata")[number % 3],
        "device": ("ios", "web")[whole % 2],
        "platform": ("iOS", "Linux")[whole % 2],
        "app_version": "8.1",
        "cdn": ("alpha", "beta")[track % 2],
        "context": ("playlist", "search", "album")[track % 3],
        "reason_start": ("clickrow", "trackdone")[whole % 2],
        "reason_end": ("trackdone", "fwdbtn")[track % 2],
        "skipped": track % 2 == 1,
        "startup_ms": 200 + 977 * (whole % 5),
        "rebuffer_count": whole % 3,
        "rebuffer_ms": 333 * (whole % 3),
        "bitrate_kbps": (96, 160, 320)[track % 3],
    }
    return {name: value for name, value in (row | told).items() if value is not None}


@dataclass(frozen=True)
class Arrival:
    """A file of plays.

    Attributes:
        plays: What it tells; a text stands as it is.
        hours_early: It arrived so long before `START` that its plays seem to lie in the future: they are set aside.
    """

    plays: Sequence[Play | str]
    is_early: bool = False


@dataclass(frozen=True)
class Verdict:
    """What a person says of a listener's streams; None = every track, every day."""

    listener: str
    verdict: str
    track: int | None = None
    day: date | None = None


@dataclass(frozen=True)
class Repair:
    """Quarantined lines are judged again, with a clock that is trusted."""


@dataclass(frozen=True)
class Erasure:
    """A listener is erased."""

    listener: str


@dataclass(frozen=True)
class Build:
    """Sessions, verdicts and marts are brought up to date."""


Step = Arrival | Verdict | Repair | Erasure | Build


@dataclass
class Lake:
    """A home through which steps go.

    Attributes:
        spark: The session.
        settings: Of the home.
        day: Logical date of the jobs.
    """

    spark: SparkSession
    settings: Settings
    day: date = date(2026, 5, 1)
    _steps: int = field(default=0, init=False)

    @classmethod
    def at(cls, spark: SparkSession, home: Path, keys: Path, **overrides: Any) -> Lake:
        """A fresh home; homes with the same keys give a listener the same pseudonym."""
        home.mkdir()
        (home / "keys").symlink_to(keys)
        settings = load_settings(overrides={**RULES, **overrides, "home": str(home)})
        settings.landing.mkdir()
        return cls(spark, settings)

    @property
    def small(self) -> SmallTables:
        return SmallTables(self.settings.lake_root)

    def take(self, *steps: Step) -> None:
        """Go through the steps."""
        for step in steps:
            self._steps += 1
            match step:
                case Arrival(plays, is_early):
                    self._land(plays, START - timedelta(hours=2) if is_early else START + timedelta(days=60))
                    self.run(*ARRIVE)
                case Verdict():
                    self._say(step)
                case Repair():
                    self.run("replay_quarantine", settings=_trusting(self.settings))
                case Erasure(listener):
                    self.run("erase_listeners", listener=listener)
                case Build():
                    self.run(*BUILD)

    def run(self, *names: str, settings: Settings | None = None, **arguments: str) -> None:
        """Run jobs, one after the other."""
        for name in names:
            tables = Tables(self.spark, self.settings.lake_root)
            job = Job(name, f"{name}-{self._steps}", self.day, settings or self.settings, self.spark, tables)
            job.arguments = arguments
            try:
                load_job(name)(job)
            except JobSkippedError:
                continue

    def pseudonym(self, listener: str) -> str:
        """What the lake calls a listener."""
        keys = load_keys(self.settings)
        return Pseudonymiser(keys.pseudonym_key, keys.key_version).token(listener)

    def versions(self) -> dict[str, int]:
        """The latest commit of every table."""
        logs = Path(self.settings.lake_root).glob("*/*/_delta_log")
        return {f"{log.parent.parent.name}.{log.parent.name}": len(list(log.glob("*.json"))) for log in logs}

    def _land(self, plays: Sequence[Play | str], at: datetime) -> None:
        path = self.settings.landing / f"{self._steps:03}.jsonl"
        lines = (one if isinstance(one, str) else json.dumps(one) for one in plays)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        os.utime(path, (at.timestamp(), at.timestamp()))

    def _say(self, said: Verdict) -> None:
        track = None if said.track is None else f"trk:{said.track}"
        subject = subject_of(self.pseudonym(said.listener), track, said.day)
        at = START + timedelta(days=30, minutes=self._steps)
        row = {"subject_kind": "suspect", "subject": subject, "verdict": said.verdict, "author": "a test", "at": at}
        self.small.append("ops.feedback", [row])


def control(spark: SparkSession, home: Path, keys: Path, steps: Iterable[Step], **overrides: Any) -> Lake:
    """A fresh home in which everything that the steps leave arrives in one file and is built at once."""
    steps = list(steps)
    gone = {step.listener for step in steps if isinstance(step, Erasure)}
    repaired = max((n for n, step in enumerate(steps) if isinstance(step, Repair)), default=-1)
    told = [
        one
        for n, step in enumerate(steps)
        if isinstance(step, Arrival) and not (step.is_early and n > repaired)
        for one in step.plays
        if isinstance(one, str) or one["listener"] not in gone
    ]
    lake = Lake.at(spark, home, keys, **overrides)
    lake.take(*(step for step in steps if isinstance(step, Verdict) and step.listener not in gone))
    lake.take(Arrival(told), Build())
    return lake


def differences(found: Lake, expected: Lake, *, without: Iterable[str] = ()) -> dict[str, Rows]:
    """Up to ten rows by table that the one lake has and the other does not; every table that the plays make."""
    left_out = {*WITHOUT, *without}
    names = sorted({"silver.listens", "silver.sessions", *_gold(found), *_gold(expected)} - left_out)
    told = {name: _apart(name, found.small.arrow(name), expected.small.arrow(name)) for name in names}
    return {name: rows for name, rows in told.items() if rows}


def _gold(lake: Lake) -> set[str]:
    return {f"gold.{path.name}" for path in Path(lake.settings.lake_root, "gold").glob("*") if path.is_dir()}


def _apart(name: str, found: pa.Table, expected: pa.Table) -> Rows:
    columns = ", ".join(column for column in spec_of(name).column_names if column not in OF_PROCESSING)
    opinion = SecondOpinion()
    opinion.take("found", found)
    opinion.take("expected", expected)
    return opinion.differences(f"SELECT {columns} FROM expected", f"SELECT {columns} FROM found")  # noqa: S608 (our own SQL)


def _trusting(settings: Settings) -> Settings:
    quality = settings.quality.model_copy(update={"future_tolerance_s": 90 * 86_400.0})
    return settings.model_copy(update={"quality": quality})
