"""A bucket on a real server, read by the S3A of Spark's own JVM."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from tests.importers.sources.conftest import s3, s3_server  # noqa: F401 - fixtures

from earshot.core.errors import DependencyError
from earshot.core.settings import HttpSettings
from earshot.core.source_settings import SourceSettings
from earshot.integrations.object_store import open_bucket
from earshot.integrations.s3a import S3aBucket
from source_servers import BUCKET, credentials_of_s3a

HTTP = HttpSettings(timeout_s=1.0, attempts=2)


@pytest.fixture
def through_spark(spark: SparkSession, s3_server: str) -> Iterator[Callable[..., Any]]:  # noqa: F811

    @contextmanager
    def opened(prefix: str = "", **changes: Any) -> Iterator[S3aBucket]:
        source = SourceSettings(url=f"s3://{BUCKET}/{prefix}", endpoint_url=s3_server, through="s3a", **changes)
        with closing(S3aBucket(open_bucket(source, HTTP), spark, HTTP.attempts)) as bucket:
            yield bucket

    with credentials_of_s3a(spark):
        yield opened


def test_what_is_listed_is_read_whatever_its_key_and_size(s3: Any, through_spark: Any, tmp_path: Path) -> None:  # noqa: F811
    bodies = {"a b+ü%20#?.jsonl": b"1\n" * 3, "empty": b"", "large": bytes(range(256)) * 40_000}
    for name, body in bodies.items():
        s3.put_object(Bucket=BUCKET, Key=f"in/{name}", Body=body)
    draft = tmp_path / "draft"
    with through_spark("in") as bucket:
        for found in bucket.objects():
            found.write_to(draft)
            assert draft.read_bytes() == bodies.pop(found.key)
    assert not bodies


def test_what_was_replaced_or_removed_since_it_was_listed_is_not_there(
    s3: Any,  # noqa: F811
    through_spark: Any,
    tmp_path: Path,
) -> None:
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"1")
    with through_spark() as bucket:
        (found,) = bucket.objects()
        s3.put_object(Bucket=BUCKET, Key="a", Body=b"2")
        for _ in range(2):
            with pytest.raises(FileNotFoundError):
                found.write_to(tmp_path / "draft")
            s3.delete_object(Bucket=BUCKET, Key="a")


def test_a_key_for_which_hadoop_has_no_name_is_refused_with_the_way_out(
    s3: Any,  # noqa: F811
    through_spark: Any,
    tmp_path: Path,
) -> None:
    s3.put_object(Bucket=BUCKET, Key="a//b", Body=b"1")
    with through_spark() as bucket:
        (found,) = bucket.objects()
        with pytest.raises(PermissionError, match="let boto3 read it"):
            found.write_to(tmp_path / "draft")


@pytest.mark.usefixtures("s3")
def test_a_spark_that_has_no_s3a_is_told_how_to_get_it(spark: SparkSession, s3_server: str) -> None:  # noqa: F811
    source = SourceSettings(url=f"s3://{BUCKET}", endpoint_url=s3_server, through="s3a")
    hadoop = spark.sparkContext._jsc.hadoopConfiguration()
    known = hadoop.get("fs.s3a.impl")
    hadoop.set("fs.s3a.impl", "org.example.NoSuchFileSystem")
    try:
        with pytest.raises(DependencyError, match="no S3A") as caught:
            S3aBucket(open_bucket(source, HTTP), spark, HTTP.attempts)
    finally:
        hadoop.set("fs.s3a.impl", known)
    assert "spark_jars s3a" in caught.value.remedy


def test_a_profile_counts_for_both_and_without_credentials_the_source_fails_rather_than_its_objects(
    s3: Any,  # noqa: F811
    spark: SparkSession,
    through_spark: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"1")
    (tmp_path / "profiles").write_text("[partner]\naws_access_key_id = AKID\naws_secret_access_key = s3cr3t\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "profiles"))
    with through_spark(profile="partner") as bucket:
        (found,) = bucket.objects()
        found.write_to(tmp_path / "draft")
    assert (tmp_path / "draft").read_bytes() == b"1"
    spark.sparkContext._jsc.hadoopConfiguration().unset("fs.s3a.secret.key")
    with through_spark() as bucket, pytest.raises(DependencyError, match="No AWS Credentials") as caught:
        found = next(bucket.objects())
        found.write_to(tmp_path / "draft")
    assert "spark.hadoop.fs.s3a" in caught.value.remedy
