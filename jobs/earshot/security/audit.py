"""ops.audit: a hash chain over everything that people may later have to account for.

The hash of an entry is SHA-256 over its canonical JSON (RFC 8785 for the values used here: sorted
keys, no spaces, UTF-8), the hash of the entry before included. Every change, insertion or
reordering inside the chain breaks it. What a chain alone cannot show is that its end is missing:
therefore the head (last sequence and hash) is kept beside the keys, sealed with the master key.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from earshot.core.columns import ACTION, ACTOR, AT, DETAIL, HASH, PREVIOUS_HASH, SEQUENCE, SUBJECT
from earshot.core.errors import IntegrityError
from earshot.core.small_tables import SmallTables
from earshot.security.keys import derive
from earshot.security.tombstones import Buried

AUDIT = "ops.audit"
GENESIS = "0" * 64
_HASHED = (SEQUENCE, AT, ACTOR, ACTION, SUBJECT, DETAIL, PREVIOUS_HASH)

Entry = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """Something that must not be: what, and at which entry (None: the chain as a whole)."""

    what: str
    sequence: int | None = None


@dataclass(frozen=True)
class Head:
    """The end of the chain."""

    sequence: int = 0
    hash: str = GENESIS


def hash_of(entry: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of the entry without its own hash, hex."""
    values = {name: entry[name] for name in _HASHED}
    at: datetime = values[AT]
    values[AT] = at.astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(_canonical(values).encode()).hexdigest()


def problems_of(entries: Sequence[Mapping[str, Any]]) -> list[Problem]:
    """What is wrong inside a chain, in the order of its sequence numbers."""
    found: list[Problem] = []
    before = Head()
    for entry in sorted(entries, key=lambda entry: entry[SEQUENCE] or 0):
        sequence = entry[SEQUENCE] or 0
        if sequence <= before.sequence:
            found.append(Problem(f"entry {sequence} is there more than once", sequence))
        elif sequence != before.sequence + 1:
            found.append(Problem(f"{sequence - before.sequence - 1} entries before {sequence} are missing", sequence))
        elif entry[PREVIOUS_HASH] != before.hash:
            found.append(Problem(f"entry {sequence} does not follow entry {before.sequence}: order changed", sequence))
        if entry[AT] is None or hash_of(entry) != entry[HASH]:
            found.append(Problem(f"entry {sequence} was changed", sequence))
        before = Head(sequence, entry[HASH])
    return found


class AuditChain:
    """Writes and verifies ops.audit.

    Processes that share HOME may write at the same time: a lock file in HOME/keys puts them in order.

    Args:
        small_tables: The lake.
        actor: Who acts.
        clock: Wall time, UTC.
        master_key: What the head is sealed with.
        home: The head and the lock lie in its folder keys/.
    """

    def __init__(
        self,
        small_tables: SmallTables,
        actor: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        master_key: bytes,
        home: Path,
    ) -> None:
        self._tables = small_tables
        self._actor = actor
        self._clock = clock
        self._folder = home / "keys"
        self._seal_key = derive(master_key, b"earshot audit head")
        self._buried = Buried(master_key)

    def record(self, action: str, subject: str, detail: Mapping[str, object]) -> None:
        """Append one entry: one commit.

        Args:
            action: What was done, for example `run`, `erase`, `promote`.
            subject: On what; never an identity. Pseudonyms become tombstones, here and in the detail.
            detail: Anything that JSON can hold; dates become text.
        """
        with self._alone():
            head = self._end_of_chain()
            entry: Entry = {
                SEQUENCE: head.sequence + 1,
                AT: self._clock().astimezone(UTC),
                ACTOR: self._actor,
                ACTION: action,
                SUBJECT: self._buried.without_pseudonyms(subject),
                DETAIL: self._buried.without_pseudonyms(_canonical(detail)),
                PREVIOUS_HASH: head.hash,
            }
            entry[HASH] = hash_of(entry)
            self._tables.append(AUDIT, [entry])
            self._write_head(Head(entry[SEQUENCE], entry[HASH]))
            self._note_files()

    def verify(self) -> list[Problem]:
        """What is wrong: changed, missing, doubled or reordered entries, and changed bytes of files."""
        with self._alone():
            try:
                entries = self._tables.rows(AUDIT)
            except Exception as error:
                return [Problem(f"the table cannot be read ({type(error).__name__})"), *self._changed_files()]
            return [*problems_of(entries), *self._problems_of_the_end(entries), *self._changed_files()]

    def _problems_of_the_end(self, entries: Sequence[Mapping[str, Any]]) -> list[Problem]:
        last = max(entries, key=lambda entry: entry[SEQUENCE] or 0, default=None)
        try:
            head = self._read_head()
        except IntegrityError as error:
            return [Problem(error.what)]
        if head is None:
            return [Problem("the sealed head of the chain is missing")] if last else []
        sequence = (last[SEQUENCE] or 0) if last else 0
        if sequence < head.sequence:
            return [Problem(f"the last {head.sequence - sequence} entries are missing", head.sequence)]
        at_head = next((entry for entry in entries if entry[SEQUENCE] == head.sequence), None)
        if at_head and at_head[HASH] != head.hash:
            return [Problem(f"entry {head.sequence} is not the one that the sealed head names", head.sequence)]
        # A writer that was killed between table and head leaves one entry more, which is in order.
        if sequence > head.sequence + 1:
            return [Problem(f"{sequence - head.sequence} entries follow the sealed head", sequence)]
        return []

    def _end_of_chain(self) -> Head:
        try:
            head = self._read_head() or Head()
        except IntegrityError:
            head = Head()
        later = self._tables.rows(AUDIT, filters=[(SEQUENCE, ">", head.sequence)])
        last = max(later, key=lambda entry: entry[SEQUENCE], default=None)
        return Head(last[SEQUENCE], last[HASH]) if last else head

    @property
    def _head_file(self) -> Path:
        return self._folder / "audit.head"

    def _read_head(self) -> Head | None:
        try:
            stored = json.loads(self._head_file.read_text(encoding="utf-8"))
            head = Head(int(stored["sequence"]), str(stored["hash"]))
            seal = str(stored["seal"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            raise IntegrityError("the sealed head of the chain cannot be read", where=str(self._head_file)) from None
        if not hmac.compare_digest(seal.encode(), self._seal(head).encode()):
            raise IntegrityError("the seal of the chain's head is broken", where=str(self._head_file))
        return head

    def _write_head(self, head: Head) -> None:
        draft = self._head_file.with_suffix(".draft")
        with open(draft, "w", encoding="utf-8", opener=_for_the_owner) as file:
            json.dump({"sequence": head.sequence, "hash": head.hash, "seal": self._seal(head)}, file)
        os.replace(draft, self._head_file)

    def _seal(self, head: Head) -> str:
        return hmac.digest(self._seal_key, f"{head.sequence} {head.hash}".encode(), "sha256").hex()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self._folder / "audit.lock", "w", opener=_for_the_owner) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _note_files(self) -> None:
        """Keep the digests of the files that the last commit wrote, where the lake is a local folder."""
        root = Path(self._tables.path(AUDIT))
        commits = sorted((root / "_delta_log").glob("*.json"))[-1:]
        written = [root / path for commit in commits for path in _added(commit)]
        with open(self._folder / "audit.files", "a+", encoding="utf-8", opener=_for_the_owner) as notes:
            notes.seek(max(0, notes.seek(0, os.SEEK_END) - 1))
            if notes.read() not in {"", "\n"}:  # a full disk cut the last line
                notes.write("\n")
            for path in [*commits, *written]:
                notes.write(f"{_digest(path)}  {path.relative_to(root)}\n")

    def _changed_files(self) -> list[Problem]:
        root = Path(self._tables.path(AUDIT))
        notes = self._folder / "audit.files"
        lines = notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []
        noted = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
        return [
            Problem(f"bytes of {name} were changed")
            for name, digest in noted.items()
            if (root / name).is_file() and _digest(root / name) != digest
        ]


def _for_the_owner(path: str, flags: int) -> int:
    """Open a file that nobody else may read, as all in HOME/keys."""
    return os.open(path, flags, 0o600)


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _added(commit: Path) -> list[str]:
    actions = (json.loads(line) for line in commit.read_text(encoding="utf-8").splitlines())
    return [action["add"]["path"] for action in actions if "add" in action]
