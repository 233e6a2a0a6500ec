"""Objects of a bucket through S3A, the file system of Spark's own JVM: with its credentials and its options.

What `spark.hadoop.fs.s3a.*` says in the settings of Spark holds (keys of a role, encryption, requester pays, a proxy);
the options of one bucket, `fs.s3a.bucket.NAME.*`, win over those of the source.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from earshot.core.errors import DependencyError
from earshot.integrations.object_store import Bucket, S3Object

_FETCH: Final = (
    "Run `python -m earshot.automation.spark_jars s3a` with this Python; on a cluster give spark-submit "
    "`--packages org.apache.hadoop:hadoop-aws:VERSION OF ITS HADOOP`."
)
_LOOK: Final = "Check region, endpoint_url and the credentials that Spark has (spark.hadoop.fs.s3a.*)."
_NOT_THE_SAME: Final = ("RemoteFileChangedException", "FileNotFoundException", "NoSuchFileException")
_NO_CREDENTIALS: Final = ("NoAuthWithAWSException", "CredentialInitializationException")
_ANOTHER: Final = "Status Code: 412"
_WHOLE_FILES: Final = {"input.stream.type": "classic", "experimental.input.fadvise": "sequential"}


@dataclass(frozen=True)
class S3aObject:
    """An object that boto3 listed and S3A reads.

    Attributes:
        bucket: Where it lies.
        listed: What the listing tells of it.
    """

    bucket: S3aBucket
    listed: S3Object

    @property
    def key(self) -> str:
        """Below the prefix."""
        return self.listed.key

    @property
    def etag(self) -> str:
        """Changes with the content."""
        return self.listed.etag

    @property
    def size(self) -> int:
        """In bytes."""
        return self.listed.size

    @property
    def modified_at(self) -> datetime:
        """When it was written."""
        return self.listed.modified_at

    def write_to(self, path: Path) -> None:
        """Write the content that was listed into a file.

        Raises:
            FileNotFoundError: It was replaced or removed meanwhile.
            PermissionError: This object cannot be had, others may.
            DependencyError: The store cannot be asked.
        """
        self.bucket.fetch(self.listed, path)


class S3aBucket:
    """The objects of a bucket below a prefix: boto3 lists them, S3A reads them, within the JVM.

    Args:
        listed: The bucket for boto3.
        spark: The session whose S3A reads.
        attempts: How often a request is tried.

    Raises:
        DependencyError: Spark has no S3A, or the bucket cannot be asked.
    """

    def __init__(self, listed: Bucket, spark: SparkSession, attempts: int) -> None:
        self._listed = listed
        jvm: Any = spark._jvm
        gateway: Any = spark.sparkContext._gateway
        self._jvm, self._gateway = jvm, gateway
        source = listed.source
        options = {**_WHOLE_FILES, "attempts.maximum": str(attempts), "retry.limit": str(attempts)}
        if source.endpoint_url:
            options |= {"endpoint": source.endpoint_url, "path.style.access": "true"}
        if region := source.region or listed.client.meta.region_name:
            options["endpoint.region"] = region
        if source.profile:
            provider = "org.apache.hadoop.fs.s3a.auth.ProfileAWSCredentialsProvider"
            options |= {"aws.credentials.provider": provider, "auth.profile.name": source.profile}
            if file := os.environ.get("AWS_SHARED_CREDENTIALS_FILE"):
                options["auth.profile.file"] = file
        conf = jvm.org.apache.hadoop.conf.Configuration(spark.sparkContext._jsc.hadoopConfiguration())
        for name, value in options.items():
            conf.set(f"fs.s3a.{name}", value)
        self._root = f"s3a://{source.bucket}/"
        try:
            self._files = jvm.org.apache.hadoop.fs.FileSystem.newInstance(jvm.java.net.URI(self._root), conf)
        except Py4JJavaError as error:
            missing = any(name in str(error.java_exception) for name in ("ClassNotFound", "No FileSystem for scheme"))
            what = "Spark has no S3A here." if missing else _said(error)
            raise DependencyError(what, where=self._root, remedy=_FETCH if missing else _LOOK) from None

    def objects(self) -> Iterator[S3aObject]:
        """All of them, page by page.

        Raises:
            DependencyError: The store cannot be asked.
        """
        return (S3aObject(self, found) for found in self._listed.objects())

    def fetch(self, found: S3Object, path: Path) -> None:
        """See `S3aObject.write_to`."""
        try:
            there = self._path(found.key)
            status = self._files.getFileStatus(there)
            if status.getEtag().strip('"') != found.etag:
                raise FileNotFoundError(found.key)
            self._copy(self._files.openFile(there).withFileStatus(status).build().get(), path)
        except Py4JJavaError as error:
            kinds = _kinds(error)
            if not kinds.isdisjoint(_NOT_THE_SAME) or _ANOTHER in str(error.java_exception):
                raise FileNotFoundError(found.key) from None
            if "AccessDeniedException" in kinds and kinds.isdisjoint(_NO_CREDENTIALS):
                raise PermissionError(f"Spark's S3A may not read it: {_said(error)}") from None
            raise DependencyError(_said(error), where=self._root, remedy=_LOOK) from None

    def close(self) -> None:
        """Let go of its connections."""
        self._files.close()

    def _path(self, key: str) -> Any:
        source = self._listed.source
        whole = f"/{source.prefix}{key}"
        # Its parts keep what a text would lose: blanks, `%` and `#` are letters of a key.
        path = self._jvm.org.apache.hadoop.fs.Path(self._jvm.java.net.URI("s3a", source.bucket, whole, None, None))
        if path.toUri().getPath() != whole:
            raise PermissionError("Spark's S3A has no name for this key; let boto3 read it")
        return path

    def _copy(self, stream: Any, path: Path) -> None:
        files, java = self._jvm.java.nio.file.Files, self._jvm.java
        to = java.nio.file.Path.of(str(path), self._gateway.new_array(java.lang.String, 0))
        over = self._gateway.new_array(java.nio.file.CopyOption, 1)
        over[0] = java.nio.file.StandardCopyOption.REPLACE_EXISTING
        try:
            files.copy(stream, to, over)
        finally:
            stream.close()


def _kinds(error: Py4JJavaError) -> set[str]:
    """The classes of a Java exception and its causes, without their packages."""
    kinds, thrown = set[str](), error.java_exception
    while thrown is not None:
        kinds.add(str(thrown.getClass().getSimpleName()))
        thrown = thrown.getCause()
    return kinds


def _said(error: Py4JJavaError) -> str:
    return str(error.java_exception.getMessage()).splitlines()[0].rstrip(".") + "."
