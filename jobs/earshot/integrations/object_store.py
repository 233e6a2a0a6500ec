"""Buckets of Amazon S3, and of servers that speak as it does, through boto3; credentials from its own chain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, Final

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    ResponseStreamingError,
)

from earshot.core.errors import DependencyError
from earshot.core.settings import HttpSettings
from earshot.core.source_settings import SourceSettings

_CHUNK, _CONNECTIONS, _PATIENCE_S = 1 << 20, 16, 60
_CREDENTIALS = (
    "Give boto3 credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or the role of the machine."
)
_REMEDIES: Final = {
    "NoSuchBucket": "Check the bucket in the source's url, and its region.",
    "AccessDenied": "Let these credentials list the bucket and get its objects (s3:ListBucket, s3:GetObject).",
    "403": "Let these credentials list the bucket and get its objects (s3:ListBucket, s3:GetObject).",
    "InvalidAccessKeyId": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "ExpiredToken": "Sign in again: the credentials have expired.",
    "PermanentRedirect": "Set the source's region to that of the bucket.",
    "AuthorizationHeaderMalformed": "Set the source's region to that of the bucket.",
    "IllegalLocationConstraintException": "Set the source's region to that of the bucket.",
}
_BROKEN_OFF = (ResponseStreamingError, ReadTimeoutError, IncompleteReadError)
_QUERY = re.compile(r"/[^/\s\"]*\?[^\s\"]*")
_GONE = {"NoSuchKey", "404", "PreconditionFailed", "412"}
_OF_THE_OBJECT = {
    "AccessDenied": "these credentials may not read it",
    "403": "these credentials may not read it",
    "InvalidObjectState": "it is in cold storage; restore it",
}


@dataclass(frozen=True)
class S3Object:
    """An object as a listing tells of it.

    Attributes:
        bucket: Where it lies.
        key: Below the prefix.
        etag: Changes with the content.
        size: In bytes.
        modified_at: When it was written.
    """

    bucket: Bucket
    key: str
    etag: str
    size: int
    modified_at: datetime

    def write_to(self, path: Path) -> None:
        """Write the content that was listed into a file: of another, and of a part, nothing is kept.

        Raises:
            FileNotFoundError: It was replaced or removed meanwhile.
            PermissionError: This object cannot be had, others may.
            DependencyError: The store cannot be asked.
        """
        self.bucket.fetch(self, path)


class Bucket:
    """The objects of a bucket below a prefix.

    Args:
        source: Address, region, profile.
        http: Patience and tries.

    Attributes:
        source: Address, region, profile.
        client: boto3's.

    Raises:
        DependencyError: The profile is none.
    """

    def __init__(self, source: SourceSettings, http: HttpSettings) -> None:
        self.source = source
        self._where = f"{source.url}{f' at {source.endpoint_url}' if source.endpoint_url else ''}"
        self._attempts = http.attempts
        config = Config(
            retries={"mode": "standard", "max_attempts": http.attempts},
            connect_timeout=http.timeout_s,
            read_timeout=max(http.timeout_s, _PATIENCE_S),
            max_pool_connections=_CONNECTIONS,
            s3={"addressing_style": "path"} if source.endpoint_url else {},
        )
        with self.explained():
            session = boto3.Session(profile_name=source.profile, region_name=source.region)
            self.client: Any = session.client("s3", endpoint_url=source.endpoint_url, config=config)

    def objects(self) -> Iterator[S3Object]:
        """All of them, page by page.

        Raises:
            DependencyError: The store cannot be asked.
        """
        with self.explained():
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.source.bucket, Prefix=self.source.prefix
            )
            for page in pages:
                for found in page.get("Contents", ()):
                    yield S3Object(
                        self,
                        found["Key"].removeprefix(self.source.prefix),
                        found["ETag"].strip('"'),
                        found["Size"],
                        found["LastModified"].astimezone(UTC),
                    )

    def fetch(self, found: S3Object, path: Path) -> None:
        """See `S3Object.write_to`."""
        with self.explained(), path.open("wb") as to:
            for left in reversed(range(self._attempts)):
                try:
                    self._stream(found, to)
                    return
                except ClientError as error:
                    _tell_of_the_object(found, error)
                    raise
                except _BROKEN_OFF:
                    if not left:
                        raise
                    to.seek(0)
                    to.truncate()

    def probe(self) -> str:
        """What a single call says: whether it answers, and whether it may be listed.

        Raises:
            DependencyError: It does not.
        """
        with self.explained():
            page = self.client.list_objects_v2(Bucket=self.source.bucket, Prefix=self.source.prefix, MaxKeys=1)
        return f"{self._where} answers" + ("" if page.get("KeyCount") else "; it holds nothing below the prefix")

    def _stream(self, found: S3Object, to: BinaryIO) -> None:
        key = f"{self.source.prefix}{found.key}"
        answer = self.client.get_object(Bucket=self.source.bucket, Key=key, IfMatch=f'"{found.etag}"')
        with closing(answer["Body"]) as body:
            for piece in body.iter_chunks(_CHUNK):
                to.write(piece)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """What boto3 raises in the block, as an error of ours.

        Raises:
            DependencyError: The store refused, or does not answer.
        """
        try:
            yield
        except (ClientError, BotoCoreError) as error:
            what, remedy = _explanation(error)
            raise DependencyError(what, where=self._where, remedy=remedy) from None


def open_bucket(source: SourceSettings, http: HttpSettings) -> Bucket:
    """The bucket of a source.

    Raises:
        DependencyError: Its profile is none.
    """
    return Bucket(source, http)


def _tell_of_the_object(found: S3Object, error: ClientError) -> None:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code in _GONE or status == HTTPStatus.PRECONDITION_FAILED:
        raise FileNotFoundError(found.key) from None
    if code in _OF_THE_OBJECT:
        raise PermissionError(_OF_THE_OBJECT[code]) from None


def _explanation(error: ClientError | BotoCoreError) -> tuple[str, str]:
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return "There are no credentials for the bucket.", _CREDENTIALS
    if isinstance(error, ProfileNotFound):
        return f"{error}.", "Name a profile of the AWS configuration files, or none."
    if isinstance(error, _BROKEN_OFF):
        said = str(error).splitlines()[0].rstrip(".")
        return f"An object broke off, several times: {said}.", "Run the job again; check the network if it stays so."
    if isinstance(error, EndpointConnectionError | HTTPClientError):
        said = _QUERY.sub("", str(error).splitlines()[0]).rstrip(".")
        return f"{said}.", "Check endpoint_url and region of the source, and the network."
    if isinstance(error, ClientError):
        told = error.response.get("Error", {})
        code = str(told.get("Code", ""))
        remedy = _REMEDIES.get(code, "Check the source's url, region and credentials.")
        return f"The bucket refused: {code}, {str(told.get('Message', '')).rstrip('.')}.", remedy
    return f"{str(error).rstrip('.')}.", "Check the source's url, region and credentials."
