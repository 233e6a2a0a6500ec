"""Which format a file has, by its content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from earshot.importers.parquet_rows import parquet_columns
from earshot.importers.shape import Importer, Sample, Source
from earshot.importers.streams import DAMAGED, GZIP, PARQUET, ZIP, ZSTD, head_of

EMPTY = "canonical"

_SURE_ENOUGH = 0.5
_TAR_MARK, _TAR_AT = b"ustar", 257
_OTHERS = (
    (ZIP, "a zip within an archive; unpack it"),
    ((GZIP, ZSTD), "compressed more than once; unpack it"),
    (b"%PDF", "a PDF"),
    ((b"<!DOCTYPE html", b"<html"), "a web page"),
    (b"<?xml", "XML"),
    (b"SQLite format 3", "an SQLite database"),
    ((b"\x89PNG", b"\xff\xd8\xff", b"GIF8"), "a picture"),
    (b"PAR1", "Parquet"),
)
_TEXT_CONTROLS = frozenset(b"\t\n\r\f\x1b")
_FEW = 512
_MANY_CONTROLS = 0.05


@dataclass(frozen=True)
class Detected:
    """The format, or why there is none and which one is nearest."""

    format: str
    reason: str = ""


def detect(source: Source, importers: Sequence[Importer]) -> Detected:
    """The format of a file, or of a member of a zip; a file without content is of the first format that there is."""
    try:
        sample = sample_of(source)
    except FileNotFoundError:
        raise
    except DAMAGED as error:
        return Detected("", f"cannot be read: {error or type(error).__name__}")
    if not sample.head.strip(b" \t\r\n\0\xef\xbb\xbf"):
        return Detected(EMPTY) if b"\0" not in sample.head else Detected("", "it holds nothing but zeros")
    confidence, best = max(((one.confidence(sample), one.name) for one in importers), key=lambda pair: pair[0])
    if confidence >= _SURE_ENOUGH:
        return Detected(best)
    what = f" ({kind})" if (kind := _kind(sample)) else ""
    guess = f"; nearest: {best} ({confidence:.0%})" if confidence > 0 else ""
    remedy = "" if what else "; `earshot map FILE` starts a mapping"
    return Detected("", f"unknown format{what}{guess}{remedy}")


def sample_of(source: Source) -> Sample:
    """The beginning of a file.

    Raises:
        OSError: It is gone or damaged; the others of `streams.DAMAGED`.
    """
    head = head_of(source)
    return Sample(head, parquet_columns(source) if head.startswith(PARQUET) else ())


def _kind(sample: Sample) -> str:
    """What a file of no log format is, if that can be said."""
    head = sample.head
    if head[_TAR_AT : _TAR_AT + len(_TAR_MARK)] == _TAR_MARK:
        return "a tar archive; unpack it"
    for marks, kind in _OTHERS:
        if not sample.columns and head.lstrip().startswith(marks):
            return kind
    begin = head[:_FEW]
    controls = sum(byte < 0x20 and byte not in _TEXT_CONTROLS for byte in begin)  # noqa: PLR2004 (below: controls)
    return "binary data" if controls > len(begin) * _MANY_CONTROLS else ""
