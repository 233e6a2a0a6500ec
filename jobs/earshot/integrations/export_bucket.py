"""The prefix of a bucket that exports are written to, through boto3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Final

from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from earshot.core.errors import DependencyError, OvertakenError
from earshot.integrations.object_store import Bucket

_PART: Final = 16 << 20
_CHUNK: Final = 1 << 20
_AT_ONCE: Final = 1_000
_TAKEN: Final = (HTTPStatus.PRECONDITION_FAILED, HTTPStatus.CONFLICT)


class ExportBucket:
    """Objects below a prefix, for writing.

    Args:
        bucket: Where; its prefix is a folder of its own.
        part_bytes: Files are sent in parts of this size, four at a time.
    """

    def __init__(self, bucket: Bucket, *, part_bytes: int = _PART) -> None:
        self._bucket = bucket
        self._s3 = bucket.client
        self._name = bucket.source.bucket
        self._prefix = bucket.source.prefix
        self._parts = TransferConfig(multipart_threshold=part_bytes, multipart_chunksize=part_bytes, max_concurrency=4)

    @property
    def name(self) -> str:
        """Address of the prefix."""
        return f"s3://{self._name}/{self._prefix}"

    def names(self) -> Iterator[str]:
        """All keys, below the prefix."""
        return self.keys()

    def keys(self) -> Iterator[str]:
        """All keys, below the prefix.

        Raises:
            DependencyError: The store cannot be asked.
        """
        return (found.key for found in self._bucket.objects())

    def pieces(self, key: str) -> Iterator[bytes]:
        """The content of an object.

        Raises:
            DependencyError: It cannot be read.
        """
        with self._bucket.explained():
            answer = self._s3.get_object(Bucket=self._name, Key=self._prefix + key)
            with closing(answer["Body"]) as body:
                yield from body.iter_chunks(_CHUNK)

    def content(self, key: str) -> tuple[bytes, str] | None:
        """A small object and its ETag; None where there is none.

        Raises:
            DependencyError: The store cannot be asked.
        """
        with self._bucket.explained():
            try:
                answer = self._s3.get_object(Bucket=self._name, Key=self._prefix + key)
            except self._s3.exceptions.NoSuchKey:
                return None
            with closing(answer["Body"]) as body:
                return body.read(), answer["ETag"]

    def send(self, path: Path, key: str) -> None:
        """Upload a file, in parts where it is large; it is there whole or not at all.

        Raises:
            DependencyError: The store refused.
        """
        with self._bucket.explained():
            try:
                self._s3.upload_file(str(path), self._name, self._prefix + key, Config=self._parts)
            except S3UploadFailedError as error:
                if isinstance(error.__context__, ClientError):
                    raise error.__context__ from None
                raise DependencyError(
                    f"The bucket did not take {path.name}.", where=self.name, remedy="Export again."
                ) from None

    def put(self, key: str, body: bytes, *, replacing: str | None) -> None:
        """Write a small object, if the one there has this ETag (None: if none is there).

        Raises:
            OvertakenError: There is another.
            DependencyError: The store refused.
        """
        condition = {"IfNoneMatch": "*"} if replacing is None else {"IfMatch": replacing}
        with self._bucket.explained():
            try:
                self._s3.put_object(
                    Bucket=self._name,
                    Key=self._prefix + key,
                    Body=body,
                    ContentType="application/json",
                    **condition,
                )
            except ClientError as error:
                if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") in _TAKEN:
                    raise OvertakenError(f"the export in {self.name}", where=self.name) from None
                raise

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are not there are no error.

        Raises:
            DependencyError: The store refused.
        """
        with self._bucket.explained():
            for start in range(0, len(keys), _AT_ONCE):
                named = [{"Key": self._prefix + key} for key in keys[start : start + _AT_ONCE]]
                self._s3.delete_objects(Bucket=self._name, Delete={"Objects": named, "Quiet": True})

    def forget_uploads(self) -> None:
        """End uploads below the prefix that were begun and never completed.

        Raises:
            DependencyError: The store refused.
        """
        with self._bucket.explained():
            pages = self._s3.get_paginator("list_multipart_uploads").paginate(Bucket=self._name, Prefix=self._prefix)
            for upload in (upload for page in pages for upload in page.get("Uploads", ())):
                self._s3.abort_multipart_upload(Bucket=self._name, Key=upload["Key"], UploadId=upload["UploadId"])
