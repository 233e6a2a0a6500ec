"""Real servers on loopback: an S3 that moto plays, a PostgreSQL, an SQLite file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from pyspark.sql import SparkSession

from earshot.automation.loading import load_job
from earshot.core.config import load_settings
from earshot.core.job import Job
from earshot.core.settings import Settings
from source_servers import BUCKET, Configure, Postgres, Sqlite, need_jars, postgres_binaries


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    server.stop()


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A client of the empty bucket; credentials in the environment, where boto3 finds them."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIDTEST",
        "AWS_SECRET_ACCESS_KEY": "s3cr3t-of-the-bucket",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    client = boto3.client("s3", endpoint_url=s3_server)
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield client
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for found in page.get("Contents", ()):
            client.delete_object(Bucket=BUCKET, Key=found["Key"])
    client.delete_bucket(Bucket=BUCKET)


@pytest.fixture
def put(s3: Any) -> Callable[[str, bytes], None]:
    return lambda key, body: s3.put_object(Bucket=BUCKET, Key=key, Body=body)


@pytest.fixture
def configured(home: Path) -> Configure:
    """Settings with these sources: `configured(shop={"url": ...}, ingest={...})`."""

    def configure(
        limits: dict[str, Any] | None = None, ingest: dict[str, Any] | None = None, **sources: Any
    ) -> Settings:
        overrides = {"home": str(home), "sources": sources, "limits": limits or {}, "ingest": ingest or {}}
        return load_settings(overrides=overrides | {"http": {"timeout_s": 2.0, "attempts": 2}})

    return configure


@pytest.fixture
def run_step(make_job: Callable[..., Job]) -> Callable[[str, Settings], Job]:
    """Run a job of the pipeline with these settings; returns it, with its summary."""

    def run(name: str, settings: Settings) -> Job:
        job = make_job(name, settings=settings)
        load_job(name)(job)
        return job

    return run


@pytest.fixture
def sqlite(spark: SparkSession, tmp_path: Path) -> Sqlite:
    need_jars(spark, "sqlite")
    return Sqlite(tmp_path / "shop.db")


@pytest.fixture(scope="module")
def postgres_server(spark: SparkSession) -> Iterator[Postgres]:
    need_jars(spark, "postgresql")
    binaries = postgres_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is NOT INSTALLED: apt-get install postgresql, and these tests run")
    server = Postgres(binaries)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def postgres(postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Postgres]:
    """The server with an empty table of plays; user and password in the environment."""
    monkeypatch.setenv("PLAYS_USER", "earshot")
    monkeypatch.setenv("PLAYS_PASSWORD", "hunter2")
    postgres_server.execute(
        "CREATE TABLE plays (id bigserial, listener text, started_at timestamptz, played_ms int, track_id text)"
    )
    yield postgres_server
    postgres_server.execute("DROP TABLE plays")
