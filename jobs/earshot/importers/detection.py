"""Which format a file has, by its content."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from earshot.importers.formats import IMPORTERS
from earshot.importers.shape import Sample
from earshot.importers.streams import DAMAGED, PARQUET, head_of, open_content

_SURE_ENOUGH = 0.5


@dataclass(frozen=True)
class Detected:
    """The format, or why there is none and which one is nearest."""

    format: str
    reason: str = ""


def detect(path: str, member: str | None = None) -> Detected:
    """The format of a file, or of a member of a zip."""
    try:
        sample = _sample(path, member)
    except DAMAGED as error:
        return Detected("", f"cannot be read: {error or type(error).__name__}")
    if not sample.head.strip():
        return Detected(IMPORTERS[0].name)
    confidence, best = max(((i.confidence(sample), i.name) for i in IMPORTERS), key=lambda pair: pair[0])
    if confidence >= _SURE_ENOUGH:
        return Detected(best)
    guess = f"; nearest: {best} ({confidence:.0%})" if confidence > 0 else ""
    return Detected("", f"unknown format{guess}")


def _sample(path: str, member: str | None) -> Sample:
    head = head_of(path, member)
    if not head.startswith(PARQUET):
        return Sample(head)
    try:
        with open_content(path, member) as stream:
            return Sample(head, tuple(pq.ParquetFile(pa.PythonFile(stream, "r")).schema_arrow.names))
    except pa.ArrowException as error:
        raise OSError(f"damaged Parquet ({type(error).__name__})") from None
