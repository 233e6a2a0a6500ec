"""The bucket of a source, as its settings want it read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from earshot.core.job import Job
from earshot.core.source_settings import SourceSettings
from earshot.integrations.object_store import Bucket, open_bucket
from earshot.integrations.s3a import S3aBucket


@contextmanager
def open_store(source: SourceSettings, job: Job) -> Iterator[Bucket | S3aBucket]:
    """The bucket of a source: listed by boto3, read by what `through` names.

    Raises:
        DependencyError: Its profile is none, or Spark has no S3A.
    """
    http = job.settings.http
    bucket = open_bucket(source, http)
    if source.through == "boto3":
        yield bucket
    else:
        with closing(S3aBucket(bucket, job.spark, http.attempts)) as through_spark:
            yield through_spark
