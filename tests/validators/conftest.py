"""Judged rows for the validators' tests: canonical plays with one thing wrong each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from earshot.core.schemas import TABLES

ARRIVED = datetime(2026, 3, 30, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "listener_id": "v1:aa",
    "track_id": "trk:17",
    "started_at": ARRIVED - timedelta(hours=5),
    "ended_at": ARRIVED - timedelta(hours=5) + timedelta(seconds=184),
    "played_ms": 184_000,
    "duration_ms": 201_000,
    "country": "DE",
    "tier": "premium",
    "context": "playlist",
    "startup_ms": 320,
    "rebuffer_ms": 0,
    "rebuffer_count": 0,
    "bitrate_kbps": 256,
    "bitrate_switches": 1,
    "source": "canonical",
    "source_file": "2026-03-29/a.jsonl",
    "arrived_at": ARRIVED,
    "parse_faults": [],
}
UNREADABLE: dict[str, Any] = {
    "source": "canonical",
    "source_file": "2026-03-29/a.jsonl",
    "arrived_at": ARRIVED,
    "parse_faults": ["readable_line"],
}

# rule -> what is wrong with a play that fails it
FAULTS: dict[str, dict[str, Any]] = {
    "typed_fields": {"parse_faults": ["typed_fields"], "played_ms": None},
    "within_limits": {"parse_faults": ["within_limits"], "track_title": None},
    "listener_present": {"parse_faults": ["listener_present"], "listener_id": None},
    "time_present": {"parse_faults": ["time_present"], "started_at": None, "ended_at": None},
    "time_readable": {"parse_faults": ["time_readable"], "started_at": None, "ended_at": None},
    "track_present": {"parse_faults": ["track_present"], "track_id": None},
    "played_ms_present": {"parse_faults": ["played_ms_present"], "played_ms": None},
    "played_ms_not_negative": {"played_ms": -1},
    "played_within_duration": {"played_ms": 226_101},
    "duration_plausible": {"duration_ms": 86_400_001},
    "ordered_times": {"ended_at": ARRIVED - timedelta(hours=6)},
    "not_in_future": {
        "started_at": ARRIVED + timedelta(seconds=3601),
        "ended_at": ARRIVED + timedelta(seconds=3800),
    },
    "not_before_2002": {
        "started_at": datetime(2002, 9, 30, 23, 59, 59, tzinfo=UTC),
        "ended_at": datetime(2002, 10, 1, tzinfo=UTC),
    },
    "known_country": {"country": "QQ"},
    "known_tier": {"tier": "gold"},
    "known_context": {"context": "shower"},
    "startup_not_negative": {"startup_ms": -5},
    "rebuffer_not_negative": {"rebuffer_ms": -5},
    "rebuffer_count_not_negative": {"rebuffer_count": -1},
    "bitrate_switches_not_negative": {"bitrate_switches": -1, "bitrate_kbps": None},
    "bitrate_plausible": {"bitrate_kbps": 10_001},
    "isrc_well_formed": {"isrc": "nonsense"},
    "mbid_well_formed": {"recording_mbid": "nonsense"},
}


Row = dict[str, Any]


@pytest.fixture
def good_play() -> Row:
    return dict(GOOD)


@pytest.fixture
def unreadable_line() -> Row:
    return dict(UNREADABLE)


@pytest.fixture
def faults() -> dict[str, Row]:
    """What is wrong with a play that fails the rule, by rule."""
    return {rule: {**GOOD, **fault} for rule, fault in FAULTS.items()}


@pytest.fixture
def make_plays(spark: SparkSession) -> Callable[[list[Row]], DataFrame]:
    """A frame of silver.listens' columns with parse_faults; missing keys are null."""
    schema = StructType(
        [
            *TABLES["silver.listens"].schema.fields,
            StructField("parse_faults", ArrayType(StringType())),
            StructField("filtered_reason", StringType()),
        ]
    )

    def make(rows: list[Row]) -> DataFrame:
        numbered = [{**row, "source_line": number} for number, row in enumerate(rows, start=1)]
        return spark.createDataFrame([tuple(row.get(name) for name in schema.names) for row in numbered], schema)

    return make


@pytest.fixture
def rows(
    make_plays: Callable[[list[Row]], DataFrame], good_play: Row, unreadable_line: Row, faults: dict[str, Row]
) -> DataFrame:
    """A good play, a line that cannot be read, a filtered play, one without anything, and one of each fault."""
    podcast = {**good_play, "country": "QQ", "filtered_reason": "podcast"}
    empty = {"parse_faults": [], "arrived_at": good_play["arrived_at"]}
    return make_plays([good_play, unreadable_line, podcast, empty, *faults.values()])
