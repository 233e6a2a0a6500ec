"""Objects of a bucket on a real server come into landing/ once, and from there all the way into silver."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from earshot.core.errors import DependencyError
from earshot.core.job import Job
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.importers.sources import deliveries
from earshot.importers.sources.bringing import bring
from earshot.importers.sources.deliveries import open_deliveries
from earshot.integrations.object_store import S3Object
from earshot.integrations.s3a import S3aObject
from earshot.integrations.source_store import open_store
from source_servers import BUCKET, Configure, credentials_of_s3a, ledger, lines, told_of

Put = Callable[[str, bytes], None]
OBJECTS: dict[str, Any] = {"boto3": S3Object, "s3a": S3aObject}
NO_NAME_IN_HADOOP = ("../../etc/passwd", "/abs.jsonl")
RunStep = Callable[[str, Settings], Job]


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture(params=["boto3", "s3a"])
def source(request: pytest.FixtureRequest, spark: SparkSession, s3_server: str) -> Iterator[dict[str, str]]:
    with credentials_of_s3a(spark) if request.param == "s3a" else nullcontext():
        yield {"url": f"s3://{BUCKET}/logs", "endpoint_url": s3_server, "through": request.param}


@pytest.fixture
def brought(make_job: Callable[..., Job]) -> Callable[[Settings], dict[str, str]]:
    """Bring, and say which sources failed."""
    return lambda settings: bring(make_job("ingest_listens", settings=settings), open_store)


def landed(settings: Settings) -> dict[str, bytes]:
    """What landing/ shows: paths and contents of the files that ingest would see."""
    paths = (path for path in settings.landing.rglob("*") if path.is_file())
    found = {path.relative_to(settings.landing).as_posix(): path.read_bytes() for path in paths}
    return {name: body for name, body in found.items() if not any(part[0] in "._" for part in name.split("/"))}


def test_an_object_becomes_rows_of_silver_and_comes_no_second_time(
    put: Put, configured: Configure, source: dict[str, str], run_step: RunStep
) -> None:
    put("logs/2026/03/a.jsonl", lines(1, 2, 3))
    put("logs-old/x.jsonl", lines(9))
    settings = configured(partner=source)
    assert run_step("ingest_listens", settings).summary.facts["brought from partner"] == 1
    run_step("publish_listens", settings)
    silver = SmallTables(settings.lake_root).rows("silver.listens")
    assert {row["source_file"] for row in silver} == {"partner/2026/03/a.jsonl"}
    assert sorted(row["source_line"] for row in silver) == [1, 2, 3]
    assert landed(settings) == {}

    put("logs/copy.jsonl", lines(1, 2, 3))
    again = run_step("ingest_listens", settings)
    run_step("publish_listens", settings)
    assert again.summary.facts["brought from partner"] == 1
    assert ledger(settings) == {
        "partner/2026/03/a.jsonl": ("committed", 3, 0),
        "partner/copy.jsonl": ("committed", 0, 3),
    }
    third = run_step("ingest_listens", settings)
    assert third.summary.facts == {"files": 0}


def test_a_replaced_object_is_brought_beside_the_one_that_nobody_has_read_yet(
    put: Put, configured: Configure, source: dict[str, str], brought: Callable[..., Any]
) -> None:
    settings = configured(partner=source)
    for body in (lines(1), lines(2), lines(2)):
        put("logs/a.b.jsonl", body)
        brought(settings)
    first, second = sorted(landed(settings))
    assert first == "partner/a.b.jsonl"
    assert re.fullmatch(r"partner/a~[0-9a-f]{8}\.b\.jsonl", second)
    assert landed(settings)[first] == lines(1)
    assert landed(settings)[second] == lines(2)


def test_an_object_that_is_replaced_between_listing_and_reading_waits_for_the_next_listing(
    s3: Any, put: Put, source: dict[str, str], configured: Configure, brought: Callable[..., Any]
) -> None:
    put("logs/a.jsonl", lines(1))
    settings = configured(partner=source)
    kind = OBJECTS[source["through"]]
    original = kind.write_to

    def late(found: Any, to: Any) -> None:
        put("logs/a.jsonl", lines(2))
        original(found, to)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(kind, "write_to", late)
        assert brought(settings) == {}
    assert (landed(settings), told_of(settings)) == ({}, [])
    brought(settings)
    assert landed(settings) == {"partner/a.jsonl": lines(2)}


@pytest.mark.parametrize("moment", ["fetched", "recorded", "moved once"])
def test_a_run_that_dies_loses_and_doubles_nothing(
    moment: str, put: Put, configured: Configure, source: dict[str, str], brought: Callable[..., Any]
) -> None:
    bodies = {f"partner/{n}.jsonl": lines(n) for n in range(3)}
    for n in range(3):
        put(f"logs/{n}.jsonl", lines(n))
    settings = configured(partner=source)
    with pytest.MonkeyPatch.context() as patched:
        _die(patched, moment)
        with pytest.raises(Killed):
            brought(settings)
    assert len(landed(settings)) == (moment == "moved once")
    assert brought(settings) == {}
    assert landed(settings) == bodies
    assert [status for _, status, _ in told_of(settings)] == ["brought"] * 3
    assert [path.name for path in (settings.landing / "partner" / ".drafts").iterdir()] == [".lock"]


def _die(patched: pytest.MonkeyPatch, moment: str) -> None:
    append, replace = SmallTables.append, deliveries.os.replace
    moves = 0

    def dying_append(tables: SmallTables, name: str, rows: Any) -> None:
        if moment == "recorded":
            append(tables, name, rows)
        raise Killed

    def dying_replace(one: Path, other: Path) -> None:
        nonlocal moves
        moves += 1
        if moves > 1:
            raise Killed
        replace(one, other)

    if moment == "moved once":
        patched.setattr(deliveries.os, "replace", dying_replace)
    else:
        patched.setattr(SmallTables, "append", dying_append)


def test_hostile_keys_stay_below_the_folder_of_the_source(
    put: Put, configured: Configure, source: dict[str, str], brought: Callable[..., Any]
) -> None:
    keys = [
        "../../etc/passwd",
        "/abs.jsonl",
        "C:\\x.jsonl",
        "con.jsonl",
        "a/b",
        "a",
        "A/B",
        "x" * 300,
        "date=1%2F2/y!z",
    ]
    for n, key in enumerate(keys):
        put(f"logs/{key}", lines(n))
    put("logs/_temporary/part", lines(90))
    put("logs/.hidden", lines(91))
    put("logs/folder/", b"")
    settings = configured(partner=source)
    assert brought(settings) == {}
    found = landed(settings)
    refused = NO_NAME_IN_HADOOP if source["through"] == "s3a" else ()
    assert sorted(found.values()) == sorted(lines(n) for n, key in enumerate(keys) if key not in refused)
    assert sorted(item for _, status, item in told_of(settings) if status == "refused") == sorted(refused)
    assert all(name.startswith("partner/") and ".." not in name and "\\" not in name for name in found)
    assert {path.name for path in settings.landing.iterdir()} == {"partner"}


def test_what_is_too_large_or_does_not_fit_the_pattern_stays_and_is_told_once(
    put: Put, configured: Configure, source: dict[str, str], brought: Callable[..., Any]
) -> None:
    put("logs/large.jsonl", lines(*range(50)))
    put("logs/deep/small.jsonl", lines(1))
    put("logs/readme.txt", b"hello")
    settings = configured(limits={"max_file_bytes": 1_000}, partner=source | {"pattern": "*.jsonl"})
    for _ in range(2):
        brought(settings)
    assert list(landed(settings)) == ["partner/deep/small.jsonl"]
    (refused,) = [row for row in SmallTables(settings.lake_root).rows("ops.sources") if row["status"] == "refused"]
    assert (refused["item"], refused["reason"]) == ("large.jsonl", "larger than limits.max_file_bytes (1000)")
    brought(configured(partner=source | {"pattern": "*.jsonl"}))
    assert "partner/large.jsonl" in landed(settings)


def test_objects_that_may_not_be_read_are_told_once_and_hold_up_no_other(
    put: Put, configured: Configure, source: dict[str, str], brought: Callable[..., Any]
) -> None:
    for n in range(4):
        put(f"logs/{n}.jsonl", lines(n))
    settings = configured(ingest={"max_files_per_batch": 2}, partner=source)
    kind = OBJECTS[source["through"]]
    original = kind.write_to

    def forbidden(found: Any, to: Any) -> None:
        if found.key in {"0.jsonl", "1.jsonl"}:
            raise PermissionError("these credentials may not read it")
        original(found, to)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(kind, "write_to", forbidden)
        for _ in range(3):
            assert brought(settings) == {}
    assert sorted(landed(settings)) == ["partner/2.jsonl", "partner/3.jsonl"]
    assert [status for _, status, _ in told_of(settings)].count("refused") == 2
    brought(settings)
    assert len(landed(settings)) == 4


def test_a_file_arrived_when_its_object_was_written_and_the_oldest_come_first(
    s3: Any, put: Put, configured: Configure, source: dict[str, str], brought: Callable[..., Any]
) -> None:
    for n in range(3):
        put(f"logs/{n}.jsonl", lines(n))
    settings = configured(ingest={"max_files_per_batch": 2}, partner=source)
    brought(settings)
    assert sorted(landed(settings)) == ["partner/0.jsonl", "partner/1.jsonl"]
    written = s3.head_object(Bucket=BUCKET, Key="logs/0.jsonl")["LastModified"]
    assert datetime.fromtimestamp((settings.landing / "partner/0.jsonl").stat().st_mtime, UTC) == written
    brought(settings)
    assert len(landed(settings)) == 3


def test_a_source_that_fails_stops_neither_the_others_nor_landing_and_is_told_until_it_answers(
    put: Put, s3_server: str, configured: Configure, source: dict[str, str], run_step: RunStep
) -> None:
    put("logs/a.jsonl", lines(1))
    settings = configured(broken=source | {"url": "s3://no-such-bucket"}, partner=source)
    (settings.landing).mkdir()
    (settings.landing / "own.jsonl").write_bytes(lines(2))
    job = run_step("ingest_listens", settings)
    assert job.summary.facts["files"] == 2
    assert "NoSuchBucket" in str(job.summary.facts["source broken failed"])
    assert [row[:2] for row in told_of(settings)] == [("broken", "failed"), ("partner", "brought")]
    run_step("ingest_listens", configured(broken=source))
    run_step("ingest_listens", configured(broken=source))
    assert [status for name, status, _ in told_of(settings) if name == "broken"] == ["failed", "brought"]


def test_a_required_source_that_fails_fails_the_job_once_the_rest_is_ingested(
    put: Put, configured: Configure, source: dict[str, str], run_step: RunStep, s3: Any
) -> None:
    put("logs/a.jsonl", lines(1))
    settings = configured(broken=source | {"url": "s3://no-such-bucket", "required": True}, partner=source)
    with pytest.raises(DependencyError, match="NoSuchBucket") as caught:
        run_step("ingest_listens", settings)
    assert caught.value.where == "sources.broken"
    assert SmallTables(settings.lake_root).arrow("bronze.listens").num_rows == 1


def test_of_two_runs_at_once_one_brings(
    put: Put, configured: Configure, source: dict[str, str], brought: Callable[..., Any]
) -> None:
    put("logs/a.jsonl", lines(1))
    settings = configured(partner=source)
    small = SmallTables(settings.lake_root)
    with open_deliveries("partner", settings.landing, small, lambda: datetime.now(UTC)) as held:
        assert held is not None
        assert brought(settings) == {}
        assert landed(settings) == {}
    brought(settings)
    assert len(landed(settings)) == 1
