"""Exports into a bucket, on a server that moto plays: large files in parts, the manifest last, two at once, kills."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.importers.sources.conftest import s3, s3_server  # noqa: F401 - fixtures

from earshot.core.errors import ArgumentError, DependencyError, IntegrityError, OvertakenError
from earshot.core.settings import HttpSettings
from earshot.core.source_settings import SourceSettings
from earshot.exporters.bucket import BucketFolder, of_another_export
from earshot.exporters.files import export_files
from earshot.exporters.verification import verify_export
from earshot.integrations.export_bucket import ExportBucket
from earshot.integrations.object_store import open_bucket
from exporters.export_worlds import AT, TEXTS, nasty, rows
from source_servers import BUCKET

_EXPORTER = """
import sys
from datetime import UTC, datetime
import pyarrow as pa
from earshot.core.settings import HttpSettings
from earshot.core.source_settings import SourceSettings
from earshot.exporters.bucket import BucketFolder
from earshot.exporters.files import export_files
from earshot.exporters.rows import Rows
from earshot.integrations.export_bucket import ExportBucket
from earshot.integrations.object_store import open_bucket
source = SourceSettings(url="s3://plays/out", endpoint_url=sys.argv[1])
store = ExportBucket(open_bucket(source, HttpSettings(timeout_s=5.0, attempts=2)), part_bytes=5 << 20)
tables = [pa.table({"n": range(size)}) for size in (200, 1_500_000)]
turn = 0
print("ready", flush=True)
while True:
    turn = 1 - turn
    export_files(Rows.of("gold.x", tables[turn]), BucketFolder(store), format="jsonl", at=datetime.now(UTC))
"""


def _store(server: str, **changes: Any) -> ExportBucket:
    source = SourceSettings(url=f"s3://{BUCKET}/out", endpoint_url=server).model_copy(update=changes)
    return ExportBucket(open_bucket(source, HttpSettings(timeout_s=5.0, attempts=2)), part_bytes=5 << 20)


def _keys(client: Any) -> list[str]:
    return [found["Key"] for found in client.list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def test_the_manifest_names_the_objects_and_they_hold_the_rows(s3: Any, s3_server: str, tmp_path: Path) -> None:  # noqa: F811
    store = _store(s3_server)
    manifest = export_files(rows(), BucketFolder(store), format="parquet", at=AT)
    assert manifest.target == f"s3://{BUCKET}/out/"
    (told,) = json.loads(s3.get_object(Bucket=BUCKET, Key="out/manifest.json")["Body"].read())["files"]
    assert told["name"].endswith("/gold_x.parquet")
    s3.download_file(BUCKET, f"out/{told['name']}", str(tmp_path / "x"))
    assert pq.read_table(tmp_path / "x").schema.equals(nasty().schema)
    assert verify_export(store, of_another_export).rows == len(TEXTS)


def test_a_large_file_goes_in_parts(s3: Any, s3_server: str) -> None:  # noqa: F811
    large = pa.table({"n": range(1_500_000)})
    export_files(rows(large), BucketFolder(_store(s3_server)), format="jsonl", at=AT)
    (key,) = [key for key in _keys(s3) if key.endswith(".jsonl")]
    told = s3.head_object(Bucket=BUCKET, Key=key)
    parts = math.ceil(told["ContentLength"] / (5 << 20))
    assert parts > 2
    assert told["ETag"].strip('"').endswith(f"-{parts}")  # S3's mark of an object in so many parts
    assert verify_export(_store(s3_server), of_another_export).rows == 1_500_000


def test_the_export_before_stays_for_its_readers_and_the_one_before_that_goes(s3: Any, s3_server: str) -> None:  # noqa: F811
    told = []
    for size in (3, 2, 1):
        export_files(rows(nasty()[:size]), BucketFolder(_store(s3_server)), format="csv", at=AT)
        told.append(
            json.loads(s3.get_object(Bucket=BUCKET, Key="out/manifest.json")["Body"].read())["files"][0]["name"]
        )
    assert set(_keys(s3)) == {"out/manifest.json", f"out/{told[1]}", f"out/{told[2]}"}


def test_of_two_exports_at_once_the_second_is_refused_and_the_first_stays_whole(s3: Any, s3_server: str) -> None:  # noqa: F811
    for _ in range(2):  # into an empty prefix, and over an export
        slow, fast = BucketFolder(_store(s3_server)), _store(s3_server)

        class _Overtaken(BucketFolder):
            def publish(self, place: Path, manifest: Any) -> None:
                export_files(rows(nasty()[:2]), BucketFolder(fast), format="csv", at=AT)  # noqa: B023 (called below)
                super().publish(place, manifest)

        slow = _Overtaken(_store(s3_server))
        with pytest.raises(OvertakenError):
            export_files(rows(), slow, format="csv", at=AT)
        assert verify_export(_store(s3_server), of_another_export).rows == 2


@pytest.mark.usefixtures("s3")
def test_killed_at_any_moment_the_manifest_names_a_whole_export(s3: Any, s3_server: str) -> None:  # noqa: F811
    found = set()
    export_files(rows(pa.table({"n": range(200)})), BucketFolder(_store(s3_server)), format="jsonl", at=AT)
    for moment in range(8):
        command = [sys.executable, "-c", _EXPORTER, s3_server]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ)) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(0.2 + 0.23 * moment)
            process.send_signal(signal.SIGKILL)
            process.wait()
        found.add(verify_export(_store(s3_server), of_another_export).rows)
    assert found <= {200, 1_500_000}
    export_files(rows(), BucketFolder(_store(s3_server)), format="csv", at=AT)
    assert len(_keys(s3)) == 3  # the manifest, this export, the one before: what the dead left is gone
    assert s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []


def test_a_prefix_with_something_else_in_it_is_not_written_to(s3: Any, s3_server: str) -> None:  # noqa: F811
    s3.put_object(Bucket=BUCKET, Key="out/thesis.doc", Body=b"x")
    with pytest.raises(ArgumentError, match=r"no export: thesis\.doc"):
        export_files(rows(), BucketFolder(_store(s3_server)), format="csv", at=AT)
    assert _keys(s3) == ["out/thesis.doc"]


def test_an_object_that_was_replaced_is_found(s3: Any, s3_server: str) -> None:  # noqa: F811
    export_files(rows(), BucketFolder(_store(s3_server)), format="csv", at=AT)
    (key,) = [key for key in _keys(s3) if key.endswith(".csv")]
    s3.put_object(Bucket=BUCKET, Key=key, Body=s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()[::-1])
    with pytest.raises(IntegrityError, match="another checksum"):
        verify_export(_store(s3_server), of_another_export)


@pytest.mark.usefixtures("s3")
def test_a_bucket_that_is_not_there_is_told_with_a_remedy(s3_server: str) -> None:  # noqa: F811
    with pytest.raises(DependencyError, match="NoSuchBucket") as caught:
        export_files(rows(), BucketFolder(_store(s3_server, url="s3://nowhere/out")), format="csv", at=AT)
    assert "bucket" in caught.value.remedy
