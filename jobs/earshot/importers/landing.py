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
from earshot.importers.formats import importer_named, known_importers
from earshot.importers.names import member_shown, unsafe_member, written
from earshot.importers.shape import Importer, Limits, Part, Source
from earshot.importers.streams import DAMAGED, ZIP, is_compressed, is_utf16, members_of

PART_BYTES = 16 * 1024 * 1024
GROWING = "still growing: it changed while it was read; a later run takes it"

_CHUNK = 4 * 1024 * 1024
_ALWAYS_ALLOWED = 64 * 1024 * 1024
_HEAD = 64
_SAME_NAME = "another member of the zip has the same name; the last of them is read"
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
        modified_ns: When the file was last written, exactly.
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
    modified_ns: int = field(default=0, compare=False)

    @property
    def landing_path(self) -> str:
        """Path below landing/ of the file that holds it, as `names.written` writes it."""
        return self.source_file.removesuffix(f"!{member_shown(self.member)}") if self.member else self.source_file

    def as_manifest(self) -> dict[str, Any]:
        """What the bronze commit keeps of it."""
        kept = asdict(replace(self, parts=()))
        del kept["parts"], kept["modified_ns"]
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
    paths, scan = paths_up_to(settings.landing, day), _Scan(settings, known_importers())
    with ThreadPoolExecutor(2) as pool:
        scanned = pool.map(scan.files, paths)
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
    return f"{file.sha256}!{member_shown(file.member or '')}"


def limits_of(settings: Settings) -> Limits:
    """The limits of what is read."""
    given = settings.limits
    return Limits(
        given.max_line_bytes,
        given.max_text_chars,
        given.max_nesting,
        given.max_extra_keys,
        given.max_file_bytes,
        given.max_expansion,
    )


@dataclass(frozen=True)
class _Scan:
    """Looks at one file after the other."""

    settings: Settings
    importers: Sequence[Importer]

    def files(self, path: Path) -> list[LandingFile]:
        """The file, or its members where it is a zip; no file where it vanished meanwhile."""
        whole = LandingFile(written(path.relative_to(self.settings.landing)), None, "", 0, datetime.now(UTC))
        try:
            before = path.stat()
            arrived_at = datetime.fromtimestamp(before.st_mtime, UTC)
            whole = replace(whole, size=before.st_size, modified_ns=before.st_mtime_ns, arrived_at=arrived_at)
            digest, parts = _hash_and_cut(path)
            after = path.stat()
            if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
                return [replace(whole, reason=GROWING)]
            whole = replace(whole, sha256=digest)
            return self._looked_at(whole, path, parts)
        except FileNotFoundError:
            return []
        except DAMAGED as error:
            return [replace(whole, reason=f"cannot be opened: {_cause(error)}")]

    def _looked_at(self, whole: LandingFile, path: Path, parts: tuple[Part, ...]) -> list[LandingFile]:
        most = self.settings.limits.max_file_bytes
        if whole.size > most:
            return [replace(whole, reason=f"larger than limits.max_file_bytes ({most})")]
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
        if head.startswith((ZIP, b"PK\x05\x06")):
            return self._members(whole, path)
        parts = () if is_compressed(head) or is_utf16(head) else parts
        return [self._detected(whole, self._detect(path, None), parts)]

    def _members(self, whole: LandingFile, path: Path) -> list[LandingFile]:
        members, limits = members_of(str(path)), self.settings.limits
        total = sum(member.file_size for member in members)
        if len(members) > limits.max_archive_members or total > limits.max_file_bytes:
            return [replace(whole, reason="the zip holds more members or bytes than limits allow")]
        if total > _ALWAYS_ALLOWED and total > limits.max_expansion * whole.size:
            return [replace(whole, reason=f"the zip expands {total // whole.size:,} times (limits.max_expansion)")]
        if not members:
            return [replace(whole, reason="the zip holds no file")]
        found: dict[str, LandingFile] = {}
        for info in members:
            member = self._member(whole, path, info.filename)
            while member.source_file in found:
                member = replace(member, source_file=f"{member.source_file}#", reason=_SAME_NAME, parts=(), format="")
            found[member.source_file] = member
        return list(found.values())

    def _member(self, whole: LandingFile, path: Path, name: str) -> LandingFile:
        member = replace(whole, source_file=f"{whole.source_file}!{member_shown(name)}", member=name)
        if unsafe := unsafe_member(name):
            return replace(member, reason=unsafe)
        try:
            return self._detected(member, self._detect(path, name), ())
        except DAMAGED as error:
            return replace(member, reason=f"cannot be opened: {_cause(error)}")

    def _detect(self, path: Path, member: str | None) -> Detected:
        return detect(Source(str(path), member, limits_of(self.settings)), self.importers)

    def _detected(self, file: LandingFile, found: Detected, parts: tuple[Part, ...]) -> LandingFile:
        importer = importer_named(found.format, self.importers) if found.format else None
        if importer is None:
            return replace(file, reason=found.reason)
        whole = (Part(0, size=file.size),)
        return replace(file, format=found.format, parts=(parts or whole) if importer.splits_at_lines else whole)


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
    return (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__
