"""However files are ordered and cut into batches, silver tells the same, and the ledger adds up to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from earshot.automation.loading import load_job
from earshot.core.config import load_settings
from earshot.core.job import Job
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.core.tables import Tables

pytestmark = pytest.mark.interpreted

DAY = date(2026, 3, 29)
START = datetime(2026, 3, 29, 9, 0, tzinfo=UTC).timestamp()
TRACK = "spotify:track:4uLU6hMCjMI75M1A2tKUQC"
MakeJob = Callable[..., Job]
Land = Callable[[str, Sequence[dict[str, Any]]], None]


def told(seconds: float, played_ms: int, *, device: str = "ios", track: str = TRACK) -> dict[str, Any]:
    """What a client says of a play of the listener `me`."""
    at = datetime.fromtimestamp(START + seconds, UTC).isoformat(timespec="milliseconds")
    return {"listener": "me", "started_at": at, "played_ms": played_ms, "track_id": track, "device": device}


def exported(seconds: float, played_ms: int) -> dict[str, Any]:
    """What the Spotify export says of it: `ts` is the stop."""
    stop = datetime.fromtimestamp(START + seconds + played_ms / 1000, UTC)
    return {
        "ts": stop.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "ms_played": played_ms,
        "spotify_track_uri": TRACK,
        "master_metadata_track_name": "Undertow",
        "master_metadata_album_artist_name": "The Tides",
        "platform": "ios",
    }


@pytest.fixture
def land(settings: Settings) -> Land:
    def write(name: str, events: Sequence[dict[str, Any]]) -> None:
        path = settings.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = json.dumps(list(events)) if name.endswith(".json") else "\n".join(map(json.dumps, events))
        path.write_text(whole, encoding="utf-8")

    return write


@pytest.fixture
def publish(make_job: MakeJob) -> Callable[[], None]:
    def steps() -> None:
        for name in ("ingest_listens", "publish_listens"):
            load_job(name)(make_job(name))

    return steps


def silver(settings: Settings) -> list[tuple[Any, ...]]:
    rows = SmallTables(settings.lake_root).rows("silver.listens")
    return sorted((row["started_at"], row["played_ms"], row["device"], tuple(row["sources"])) for row in rows)


def assert_the_ledger_adds_up(settings: Settings) -> None:
    small = SmallTables(settings.lake_root)
    lines = [row["source_file"] for row in small.rows("silver.listens")]
    for row in small.rows("ops.ledger"):
        assert row["read"] == row["accepted"] + row["duplicate"] + row["quarantined"] + row["filtered"]
        assert row["accepted"] == lines.count(row["source_file"])


FILES = {
    "phone.jsonl": [told(0, 40_000), told(600, 50_000), told(900, 31_000, track="other")],
    "desk.jsonl": [told(3, 60_000, device="desktop"), told(598, 20_000, device="desktop")],
    "again.jsonl": [told(600, 50_000), told(3, 60_000, device="desktop")],
}


@pytest.mark.parametrize(
    "batches",
    [
        [["phone.jsonl", "desk.jsonl", "again.jsonl"]],
        [["phone.jsonl"], ["desk.jsonl"], ["again.jsonl"]],
        [["again.jsonl"], ["desk.jsonl"], ["phone.jsonl"]],
    ],
    ids=["at once", "one by one", "backwards"],
)
def test_the_telling_that_is_kept_does_not_depend_on_the_batch_it_came_in(
    settings: Settings, land: Land, publish: Callable[[], None], batches: Sequence[Sequence[str]]
) -> None:
    for batch in batches:
        for name in batch:
            land(name, FILES[name])
        publish()
    assert [row[1:3] for row in silver(settings)] == [(60_000, "desktop"), (50_000, "ios"), (31_000, "ios")]
    assert_the_ledger_adds_up(settings)


@pytest.mark.parametrize("order", [("app.jsonl", "endsong_0.json"), ("endsong_0.json", "app.jsonl")])
@pytest.mark.parametrize("exported_ms", [30_000, 50_000])
def test_sources_name_all_that_tell_of_a_play_whichever_came_first(
    settings: Settings, land: Land, publish: Callable[[], None], order: Sequence[str], exported_ms: int
) -> None:
    files = {"app.jsonl": [told(0, 40_000)], "endsong_0.json": [exported(2, exported_ms)]}
    for name in order:
        land(name, files[name])
        publish()
    ((_, played_ms, _, sources),) = silver(settings)
    assert (played_ms, sources) == (max(40_000, exported_ms), ("canonical", "spotify"))
    assert_the_ledger_adds_up(settings)


def test_a_publication_that_died_before_it_amended_silver_is_finished(
    settings: Settings, land: Land, publish: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    land("phone.jsonl", FILES["phone.jsonl"])
    publish()
    land("desk.jsonl", FILES["desk.jsonl"])

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("earshot.importers.publication.Publication.amend", die)
        with pytest.raises(KeyboardInterrupt):
            publish()
    publish()
    assert [row[1:3] for row in silver(settings)] == [(60_000, "desktop"), (50_000, "ios"), (31_000, "ios")]
    assert_the_ledger_adds_up(settings)


LINES = [
    *FILES["phone.jsonl"],
    *FILES["desk.jsonl"],
    *FILES["again.jsonl"],
    told(1_202, 30_000),
    told(1_206, 35_000, device="car"),
    told(1_210, 20_000, device="watch"),
    told(-40_000, 31_000),
    told(0, -5, track="broken"),
    {"listener": "me"},
]


@pytest.fixture(scope="module")
def arrive(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """Let batches of lines arrive in a home of their own; says what the tables hold in the end."""
    keys = tmp_path_factory.mktemp("keys")

    def through(batches: Sequence[Sequence[dict[str, Any]]]) -> dict[str, Any]:
        home = tmp_path_factory.mktemp("home")
        (home / "keys").symlink_to(keys)
        settings = load_settings(overrides={"home": str(home)})
        settings.landing.mkdir()
        for number, lines in enumerate(batches):
            text = "".join(json.dumps(line) + "\n" for line in lines)
            (settings.landing / f"{number}.jsonl").write_text(text, encoding="utf-8")
            for name in ("ingest_listens", "publish_listens"):
                tables = Tables(spark, settings.lake_root)
                load_job(name)(Job(name, f"test-{name}", DAY, settings, spark, tables))
        assert_the_ledger_adds_up(settings)
        small = SmallTables(settings.lake_root)
        fates = ("read", "accepted", "duplicate", "quarantined", "filtered")
        return {
            "silver": silver(settings),
            "quarantine": sorted(tuple(row["failed_rules"]) for row in small.rows("silver.quarantine")),
            "ledger": {fate: sum(row[fate] for row in small.rows("ops.ledger")) for fate in fates},
        }

    return through


@settings_of_hypothesis(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.permutations(LINES), st.lists(st.integers(0, len(LINES)), min_size=2, max_size=2))
def test_neither_the_order_of_lines_nor_their_split_into_batches_changes_what_the_tables_say(
    arrive: Callable[..., dict[str, Any]], lines: list[dict[str, Any]], cuts: list[int]
) -> None:
    first, second = sorted(cuts)
    assert arrive([lines[:first], lines[first:second], lines[second:]]) == arrive([LINES])


def test_a_batch_of_one_line_and_one_of_none_change_nothing(arrive: Callable[..., dict[str, Any]]) -> None:
    assert arrive([[], LINES[:1], [], LINES[1:]]) == arrive([LINES])
