"""Where more plays come from than landing/: object stores and databases, each under a name."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from earshot.core.addresses import without_secrets
from earshot.core.section import NotNegative, Section

_WORD = r"[A-Za-z_][A-Za-z0-9_$]*"
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?")
_DATABASE = re.compile(r"jdbc:[a-z][a-z0-9+]*:.+")
_OF_S3 = ("pattern", "endpoint_url", "region", "profile", "through")
_OF_JDBC = ("table", "query", "key", "overlap", "user_env", "password_env", "driver", "types")

SourceName = Annotated[str, Field(pattern="^[a-z][a-z0-9_-]{0,39}$")]
Word = Annotated[str, Field(pattern=f"^{_WORD}$")]
Variable = Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")]


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class SourceSettings(Section):
    """One source; what it brings lies in landing/NAME/ until it is ingested.

    Attributes:
        url: `s3://BUCKET/PREFIX` or `jdbc:...`; without user and password.
        required: Whether the job fails where the source cannot be reached; it ingests first what it has.
        pattern: Of s3: the keys below the prefix that are brought; `*` stands for any text, `/` included.
        endpoint_url: Of s3: another server than Amazon's.
        region: Of s3: of the bucket.
        profile: Of s3: of the AWS configuration files.
        through: Of s3: what reads the objects that boto3 lists, boto3 itself or Spark's S3A.
        table: Of jdbc: what is read.
        query: Of jdbc: what is read in its place.
        key: Of jdbc: one or more columns by which rows only ever grow, the first one first.
        overlap: Of jdbc: how far behind the last row rows are read again; seconds where the first column of
            the key is a time, else in its own unit.
        user_env: Of jdbc: the environment variable that holds the user.
        password_env: Of jdbc: the one that holds the password.
        driver: Of jdbc: class of the driver, where it is none that is known.
        types: Of jdbc: Spark types of columns whose own are not told right.
    """

    url: str
    required: bool = False
    pattern: str = "*"
    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    through: Literal["boto3", "s3a"] = "boto3"
    table: Annotated[str, Field(pattern=rf"^{_WORD}(\.{_WORD}){{0,2}}$")] | None = None
    query: str | None = None
    key: Annotated[tuple[Word, ...], BeforeValidator(_one_or_more)] = ()
    overlap: NotNegative = 0.0
    user_env: Variable | None = None
    password_env: Variable | None = None
    driver: str | None = None
    types: dict[Word, str] = Field(default={})

    @property
    def kind(self) -> Literal["s3", "jdbc"]:
        """What it is, by its address."""
        return "jdbc" if self.url.startswith("jdbc:") else "s3"

    @property
    def bucket(self) -> str:
        """Of s3: the bucket."""
        return self.url.removeprefix("s3://").split("/", 1)[0]

    @property
    def prefix(self) -> str:
        """Of s3: what keys begin with; a folder, so that `logs` does not mean `logs-old/`."""
        path = self.url.removeprefix("s3://").partition("/")[2]
        return path if not path or path.endswith("/") else f"{path}/"

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        if not (_BUCKET.fullmatch(url) or _DATABASE.fullmatch(url)):
            raise ValueError("s3://BUCKET/PREFIX or jdbc:DATABASE:ADDRESS")
        if without_secrets(url) != url:
            raise ValueError("an address without user and password; name their variables in user_env and password_env")
        return url

    @field_validator("endpoint_url")
    @classmethod
    def _endpoint(cls, url: str | None) -> str | None:
        if url is not None and (not url.startswith(("http://", "https://")) or "@" in url):
            raise ValueError("http://HOST:PORT or https://HOST:PORT, without user and password")
        return url

    @model_validator(mode="after")
    def _fits(self) -> Self:
        foreign = [name for name in (_OF_S3 if self.kind == "jdbc" else _OF_JDBC) if name in self.model_fields_set]
        if foreign:
            raise ValueError(f"no {foreign[0]}: a source of kind {self.kind} has none")
        if self.kind == "jdbc" and (self.table is None) == (self.query is None):
            raise ValueError("either table or query")
        if self.kind == "jdbc" and not self.key:
            raise ValueError('key, the columns by which rows grow, such as "id" or ["played_at", "id"]')
        return self
