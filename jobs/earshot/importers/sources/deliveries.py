"""How a source's files come into landing/: written beside it, recorded in ops.sources, then moved; each once.

A draft lies in `landing/SOURCE/.drafts/`, which nobody reads. The commit of ops.sources decides: whatever dies before
it has brought nothing, and the drafts are thrown away; after it, the next run moves the drafts to their places.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from earshot.core import columns as c
from earshot.core.small_tables import SmallTables
from earshot.importers.sources.names import Landed

SOURCES = "ops.sources"
BROUGHT, REFUSED, FAILED, REACHED, DROPPED = "brought", "refused", "failed", "reached", "dropped"
_DRAFTS, _LOCK = ".drafts", ".lock"


@dataclass(frozen=True)
class Draft:
    """A whole file beside its place.

    Attributes:
        item: What it is of.
        fingerprint: Which content of that it is.
        path: Where it lies.
        watermark: For rows: JSON of the key up to which they were read.
    """

    item: str
    fingerprint: str
    path: Path
    watermark: str | None = None


@dataclass
class Deliveries:
    """What one source brought before, and brings now; made by `open_deliveries`.

    Attributes:
        source: Its name.
        folder: Where its files land.
        watermark: Of the last rows that were read.
        has_failed: Whether its last run failed.
        files: How many were brought now.
        bytes: How large they are.
        refused: Reasons by item, of this run.
    """

    source: str
    folder: Path
    watermark: str | None = None
    has_failed: bool = False
    files: int = 0
    bytes: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    _small: SmallTables = field(kw_only=True)
    _clock: Callable[[], datetime] = field(kw_only=True)
    _known: set[tuple[str, str, int]] = field(default_factory=set)
    _refused: dict[tuple[str, str], str] = field(default_factory=dict)
    _landed: Landed = field(default_factory=lambda: Landed(()))

    def has(self, item: str, fingerprint: str, size: int) -> bool:
        """Whether this content was brought before."""
        return (item, fingerprint, size) in self._known

    def was_refused(self, item: str, fingerprint: str) -> bool:
        """Whether this content was refused when it was last tried."""
        return (item, fingerprint) in self._refused

    def draft_path(self) -> Path:
        """A new place for a draft."""
        drafts = self.folder / _DRAFTS
        drafts.mkdir(parents=True, exist_ok=True)
        return drafts / f"_{uuid.uuid4().hex}"

    def bring(self, drafts: Sequence[Draft]) -> None:
        """Let whole drafts land: recorded in one commit, then moved."""
        rows = []
        for draft in drafts:
            size = draft.path.stat().st_size
            landed_as = f"{self.source}/{self._place(draft)}"
            rows.append(self._row(BROUGHT, draft.item, draft.fingerprint, size, landed_as, watermark=draft.watermark))
            draft.path.rename(draft.path.with_name(_draft_name(landed_as)))
        self._small.append(SOURCES, rows)
        for draft, row in zip(drafts, rows, strict=True):
            _move(self.folder, row[c.LANDED_AS])
            self._known.add((draft.item, draft.fingerprint, row[c.BYTES]))
            self.files, self.bytes = self.files + 1, self.bytes + row[c.BYTES]
            self.watermark = draft.watermark or self.watermark

    def refuse(self, item: str, fingerprint: str, size: int, reason: str) -> None:
        """Leave an object where it is; told once for each content and reason, tried again in every run."""
        self.refused[item] = reason
        if self._refused.get((item, fingerprint)) != reason:
            self._small.append(SOURCES, [self._row(REFUSED, item, fingerprint, size, reason=reason)])

    def failed(self, reason: str) -> None:
        """Tell that the source could not be read."""
        self._small.append(SOURCES, [self._row(FAILED, reason=reason)])

    def ended(self) -> None:
        """Tell that the source answers again, where it did not before and had nothing new to tell it by."""
        if self.has_failed and not self.files:
            self._small.append(SOURCES, [self._row(REACHED)])

    def _place(self, draft: Draft) -> str:
        place = self._landed.place(draft.item, draft.fingerprint)
        while (self.folder / place).exists():
            place = self._landed.place(draft.item, draft.fingerprint + uuid.uuid4().hex)
        return place

    def _row(
        self,
        status: str,
        item: str | None = None,
        fingerprint: str | None = None,
        size: int | None = None,
        landed_as: str | None = None,
        *,
        reason: str | None = None,
        watermark: str | None = None,
    ) -> dict[str, Any]:
        return {
            c.SOURCE: self.source,
            c.STATUS: status,
            c.ITEM: item,
            c.FINGERPRINT: fingerprint,
            c.BYTES: size,
            c.LANDED_AS: landed_as,
            c.REASON: reason,
            c.WATERMARK: watermark,
            c.AT: self._clock(),
        }


@contextmanager
def open_deliveries(
    source: str, landing: Path, small: SmallTables, clock: Callable[[], datetime]
) -> Iterator[Deliveries | None]:
    """What the source brought before, once what a killed run left is in order; None while another run brings.

    Args:
        source: Name of the source.
        landing: Where its folder is.
        small: Holds ops.sources.
        clock: Wall time.
    """
    folder = landing / source
    drafts = folder / _DRAFTS
    drafts.mkdir(parents=True, exist_ok=True)
    with (drafts / _LOCK).open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        rows = small.arrow(SOURCES, [(c.SOURCE, "=", source)]).sort_by(c.AT).to_pylist()
        _put_in_order(folder, rows)
        brought = [row for row in rows if row[c.STATUS] == BROUGHT]
        yield Deliveries(
            source,
            folder,
            next((row[c.WATERMARK] for row in reversed(brought) if row[c.WATERMARK]), None),
            bool(rows) and rows[-1][c.STATUS] == FAILED,
            _small=small,
            _clock=clock,
            _known={(row[c.ITEM], row[c.FINGERPRINT], row[c.BYTES]) for row in brought},
            _refused={(r[c.ITEM], r[c.FINGERPRINT]): r[c.REASON] for r in rows if r[c.STATUS] == REFUSED},
            _landed=Landed(row[c.LANDED_AS].partition("/")[2] for row in brought),
        )


def drop_others(names: Collection[str], small: SmallTables, clock: Callable[[], datetime]) -> None:
    """Tell of sources that failed last and are none of these any more, so that nobody waits for them."""
    told = small.arrow(SOURCES, columns=[c.SOURCE, c.STATUS, c.AT]).sort_by(c.AT).to_pylist()
    last = {row[c.SOURCE]: row[c.STATUS] for row in told}
    gone = [name for name, status in last.items() if status == FAILED and name not in names]
    small.append(SOURCES, [{c.SOURCE: name, c.STATUS: DROPPED, c.AT: clock()} for name in gone])


def _put_in_order(folder: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Move the drafts that are recorded, remove the others."""
    left = {path.name: path for path in (folder / _DRAFTS).iterdir() if path.name != _LOCK}
    if not left:
        return
    for row in rows:
        if row[c.STATUS] == BROUGHT and _draft_name(row[c.LANDED_AS]) in left:
            del left[_draft_name(row[c.LANDED_AS])]
            _move(folder, row[c.LANDED_AS])
    for path in left.values():
        path.unlink(missing_ok=True)


def _move(folder: Path, landed_as: str) -> None:
    place = folder.parent / landed_as
    place.parent.mkdir(parents=True, exist_ok=True)
    os.replace(folder / _DRAFTS / _draft_name(landed_as), place)


def _draft_name(landed_as: str) -> str:
    return hashlib.sha256(json.dumps(landed_as).encode()).hexdigest()
