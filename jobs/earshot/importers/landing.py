"""The landing folder: which files are new, what they are, and how they are cut into parts.

Every file below it belongs to it, except those whose name (or folder) begins with `.` or `_`; dated
folders (YYYY-MM-DD) count up to the logical date.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from earshot.core.settings import Settings
from earshot.importers.detection import Detected, detect
from earshot.importers.formats import importer_named
from earshot.importers.shape import Part
from earshot.importers.streams import DAMAGED, ZIP, is_compressed, members_of

PART_BYTES = 16 * 1024 * 1024
_CHUNK = 4 * 1024 * 1024
_DATED = re.compile(r"^(\d{4}-\d{2}-\d{2})/")


@dataclass(frozen=True)
class LandingFile:
    """A file of a batch, or a member of a zip, as its manifest names it.

    Attributes:
        source_file: Path below landing/, members as `a.zip!member`.
        sha256: Hash of the bytes of the file in landing/ (of the zip, for a member).
        arrived_at: When the file was last written.
        format: Name of the importer; empty if none knows it.
        reason: Why it is set aside; empty if it is not.
        copy_of: Another file of the same bytes, which is read in its place.
        parts: What tasks read.
    """

    source_file: str
    member: str | None
    sha256: str
    size: int
    arrived_at: datetime
    format: str = ""
    reason: str = ""
    copy_of: str | None = None
    parts: tuple[Part, ...] = field(default=(), compare=False)

    @property
    def landing_path(self) -> str:
        """Path below landing/ of the file that holds it."""
        return self.source_file.removesuffix(f"!{self.member}") if self.member else self.source_file

    def as_manifest(self) -> dict[str, Any]:
        """What the bronze commit keeps of it."""
        kept = asdict(replace(self, parts=()))
        del kept["parts"]
        return kept | {"arrived_at": self.arrived_at.isoformat()}

    @classmethod
    def from_manifest(cls, kept: Mapping[str, Any]) -> LandingFile:
        """The file that `as_manifest` described."""
        return cls(**{**kept, "arrived_at": datetime.fromisoformat(kept["arrived_at"])})


@dataclass(frozen=True)
class Known:
    """What the manifest holds: files that were taken, and those whose bytes were."""

    taken: frozenset[tuple[str, str]] = frozenset()
    content: Mapping[str, str] = field(default_factory=dict)

    def with_files(self, files: Iterable[LandingFile]) -> Known:
        """Also these; a file that was set aside may come again."""
        read = [f for f in files if not f.reason]
        return Known(
            self.taken | {(f.source_file, f.sha256) for f in read},
            {**self.content, **{_content_key(f): f.source_file for f in read if not f.copy_of}},
        )


def paths_up_to(landing: Path, day: date) -> list[Path]:
    """The files that count on a logical date, in the order of their names."""
    found: list[Path] = []
    for folder, subfolders, names in os.walk(landing):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith((".", "_")))
        found += [Path(folder, name) for name in sorted(names) if not name.startswith((".", "_"))]
    return [path for path in found if _counts(path.relative_to(landing).as_posix(), day) and path.is_file()]


def new_files(settings: Settings, day: date, known: Known) -> list[LandingFile]:
    """The files of the next batch: hashed, detected and cut, those that are known left out.

    Args:
        settings: Where landing/ is, limits, and how many files a batch may have.
        day: The logical date.
        known: What the manifest holds.
    """
    paths = paths_up_to(settings.landing, day)
    with ThreadPoolExecutor(2) as pool:
        scanned = pool.map(lambda path: _scan(path, settings), paths)
        files: list[LandingFile] = []
        for listed in scanned:
            unknown = [f for f in listed if (f.source_file, f.sha256) not in known.taken]
            files += unknown
            if len(files) >= settings.ingest.max_files_per_batch:
                break
    return _without_copies(files, known)


def batch_id_of(files: Sequence[LandingFile]) -> str:
    """Deterministic: the same files make the same batch, in whatever order they were found."""
    digest = hashlib.sha256()
    for key in sorted(f"{f.sha256} {f.source_file}" for f in files):
        digest.update(key.encode("utf-8", "surrogateescape") + b"\n")
    return digest.hexdigest()[:24]


def _counts(relative: str, day: date) -> bool:
    dated = _DATED.match(relative)
    return dated is None or dated[1] <= day.isoformat()


def _without_copies(files: list[LandingFile], known: Known) -> list[LandingFile]:
    first: dict[str, str] = dict(known.content)
    result = []
    for file in sorted(files, key=lambda f: f.source_file):
        original = first.setdefault(_content_key(file), file.source_file) if not file.reason else file.source_file
        result.append(file if original == file.source_file else replace(file, copy_of=original, parts=()))
    return result


def _content_key(file: LandingFile) -> str:
    return f"{file.sha256}!{file.member or ''}"


def _scan(path: Path, settings: Settings) -> list[LandingFile]:
    """The file, or its members where it is a zip; no file where it vanished meanwhile."""
    try:
        stat = path.stat()
        digest, parts = _hash_and_cut(path)
    except FileNotFoundError:
        return []
    whole = LandingFile(
        source_file=path.relative_to(settings.landing).as_posix(),
        member=None,
        sha256=digest,
        size=stat.st_size,
        arrived_at=datetime.fromtimestamp(stat.st_mtime, UTC),
    )
    limit = settings.limits
    if stat.st_size > limit.max_file_bytes:
        return [replace(whole, reason=f"larger than limits.max_file_bytes ({limit.max_file_bytes})")]
    try:
        with path.open("rb") as stream:
            is_zip = stream.read(4).startswith(ZIP)
        return _members(whole, path, settings) if is_zip else [_detected(whole, detect(str(path)), path, parts)]
    except DAMAGED as error:
        return [replace(whole, reason=f"cannot be opened: {_cause(error)}")]


def _members(whole: LandingFile, path: Path, settings: Settings) -> list[LandingFile]:
    members, limit = members_of(str(path)), settings.limits
    if len(members) > limit.max_archive_members or sum(m.file_size for m in members) > limit.max_file_bytes:
        return [replace(whole, reason="the zip holds more members or bytes than limits allow")]
    if not members:
        return [replace(whole, reason="the zip holds no file")]
    return [_member(whole, path, info.filename) for info in members]


def _member(whole: LandingFile, path: Path, name: str) -> LandingFile:
    member = replace(whole, source_file=f"{whole.source_file}!{name}", member=name)
    try:
        return _detected(member, detect(str(path), name), path, ())
    except (*DAMAGED, RuntimeError, NotImplementedError) as error:  # encrypted, or compressed in an unknown way
        return replace(member, reason=f"cannot be opened: {_cause(error)}")


def _detected(file: LandingFile, found: Detected, path: Path, parts: tuple[Part, ...]) -> LandingFile:
    if not found.format:
        return replace(file, reason=found.reason)
    splits = importer_named(found.format).splits_at_lines and file.member is None
    with path.open("rb") as stream:
        splits = splits and not is_compressed(stream.read(4))
    cut = parts if splits else (Part(0, size=file.size),)
    return replace(file, format=found.format, parts=cut)


def _hash_and_cut(path: Path) -> tuple[str, tuple[Part, ...]]:
    """SHA-256 of the bytes, and parts of about 16 MiB that begin at the beginning of a line."""
    digest = hashlib.sha256()
    parts: list[Part] = []
    start, line, lines_here, offset = 0, 1, 0, 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            cut = chunk.rfind(b"\n") + 1 if offset + len(chunk) - start >= PART_BYTES else 0
            if cut:
                lines_here += chunk.count(b"\n", 0, cut)
                parts.append(Part(0, start, offset + cut, line, offset + cut - start))
                start, line, lines_here = offset + cut, line + lines_here, chunk.count(b"\n", cut)
            else:
                lines_here += chunk.count(b"\n")
            offset += len(chunk)
    if offset > start or not parts:
        parts.append(Part(0, start, offset, line, offset - start))
    return digest.hexdigest(), tuple(parts)


def _cause(error: BaseException) -> str:
    return str(error) or type(error).__name__
