"""Which verdict owes which action: HOME/reports/actions/owed/BATCH.json, and done/BATCH.json where none is left.

An action is owed from the moment of its verdict, so that a crash between the two loses nothing; it is struck off after
it was done, so that a crash between these two does it twice. The same verdict given again (after a crash, or as a
person admits the batch) owes nothing new.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from earshot.core.settings import Settings
from earshot.validators.verdicts import GateVerdict

UPDATE_DATA_DOCS = "update_data_docs"
"""Great Expectations' action that every verdict owes."""

_VOLATILE = ("meta", "exception_info")


@dataclass(frozen=True)
class Failure:
    """The last try of an action that failed."""

    at: str
    attempts: int
    error: str


@dataclass(frozen=True)
class OwedVerdict:
    """What became of the actions of a verdict.

    Attributes:
        batch_id: What was judged.
        verdict: Digest of what Great Expectations found.
        at: When it was judged, ISO 8601.
        owed: Actions that are still to do, by name.
        done: When each was done.
        failed: What went wrong with those that are tried again, and with those that were given up.
    """

    batch_id: str
    verdict: str
    at: str
    owed: tuple[str, ...]
    done: dict[str, str] = field(default_factory=dict)
    failed: dict[str, Failure] = field(default_factory=dict)

    def with_done(self, action: str, now: datetime) -> OwedVerdict:
        """Struck off, because it was done."""
        failed = {name: failure for name, failure in self.failed.items() if name != action}
        return replace(self.without(action), done={**self.done, action: now.isoformat()}, failed=failed)

    def with_failed(self, action: str, now: datetime, error: str) -> OwedVerdict:
        """Still owed, with what went wrong."""
        attempts = self.failed[action].attempts + 1 if action in self.failed else 1
        return replace(self, failed={**self.failed, action: Failure(now.isoformat(), attempts, error)})

    def without(self, *actions: str) -> OwedVerdict:
        """Struck off, because nobody wants it any more."""
        return replace(self, owed=tuple(name for name in self.owed if name not in actions))


class OwedVerdicts:
    """The records of a HOME.

    Args:
        settings: Where they lie, and the actions.
    """

    def __init__(self, settings: Settings) -> None:
        folder = settings.home / "reports" / "actions"
        self._open, self._closed = folder / "owed", folder / "done"
        self._actions = settings.quality.actions

    def owe(self, verdict: GateVerdict, now: datetime) -> None:
        """Note what a new verdict owes; nothing where the same was given before."""
        found = digest(verdict.to_json())
        known = self._read(self._open, verdict.batch_id) or self._read(self._closed, verdict.batch_id)
        if known and known.verdict == found:
            return
        outcome = "refused" if verdict.closed else "admitted"
        wanted = [action.called for action in self._actions if action.on in ("all", outcome)]
        self.keep(OwedVerdict(verdict.batch_id, found, now.isoformat(), (UPDATE_DATA_DOCS, *wanted)))

    def all(self) -> list[OwedVerdict]:
        """Those with something to do, the oldest verdict first."""
        names = sorted(path.stem for path in self._open.glob("*.json"))
        return sorted((owed for owed in map(self._opened, names) if owed), key=lambda owed: owed.at)

    def keep(self, owed: OwedVerdict) -> None:
        """Write a record, in one step; one that owes nothing is put away."""
        folder, other = (self._open, self._closed) if owed.owed else (self._closed, self._open)
        _write(folder / f"{owed.batch_id}.json", asdict(owed))
        (other / f"{owed.batch_id}.json").unlink(missing_ok=True)

    def _opened(self, batch_id: str) -> OwedVerdict | None:
        return self._read(self._open, batch_id)

    @staticmethod
    def _read(folder: Path, batch_id: str) -> OwedVerdict | None:
        try:
            content = json.loads((folder / f"{batch_id}.json").read_text(encoding="utf-8"))
            failed = {name: Failure(**failure) for name, failure in content["failed"].items()}
            return OwedVerdict(**{**content, "owed": tuple(content["owed"]), "failed": failed})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None


def digest(verdict: dict[str, Any]) -> str:
    """What Great Expectations found, in 16 characters: the same for the same figures under the same suite.

    Args:
        verdict: `GateVerdict.to_json`, or the file that it was kept in.
    """
    text = json.dumps([verdict["fingerprint"], *_found(verdict["result"]["results"])], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _found(results: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for result in results:
        yield {key: value for key, value in result.items() if key not in _VOLATILE}


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    os.replace(unfinished, path)
