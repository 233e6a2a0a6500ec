"""Erases a listener: rows, lines, key and old versions; what is left is a tombstone.

Tables are rewritten by days or batches, never by a DELETE that names the listener: Delta's log keeps
the predicate of a DELETE.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from earshot.core import columns as c
from earshot.core.errors import ArgumentError
from earshot.core.memo_files import MEMO
from earshot.core.schemas import TABLES, TableSpec
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.core.tables import Tables, days_condition
from earshot.security.encryption import BatchCipher, is_encrypted
from earshot.security.keys import Keys
from earshot.security.landing_lines import names_listener, strike_lines
from earshot.security.pseudonyms import Pseudonymiser, is_pseudonym
from earshot.security.tombstones import TOMBSTONES, Buried, Tombstones
from earshot.security.traces import files_with
from earshot.security.vault import VAULT, Vault

BRONZE, LISTENS, LEDGER = "bronze.listens", "silver.listens", "ops.ledger"
_THEIRS, _ALL = "theirs", "all"
_TOLD_BY = 24

# Tables of a listener's rows; those of ops are handled one by one.
LISTENER_TABLES = tuple(
    spec for spec in TABLES.values() if c.LISTENER_ID in spec.column_names and not spec.name.startswith("ops.")
)
# Small tables whose texts may speak of a listener (a suspect's alert, a person's verdict).
SPEAKING_TABLES = ("gold.alerts", "ops.alert_outbox", "ops.feedback", "ops.silences", "ops.runs")


@dataclass(frozen=True)
class Listener:
    """Who is to be erased.

    Attributes:
        pseudonyms: One a version of the key, the one in use first.
        identity: The source's own; None where it was given as a pseudonym that the vault does not hold.
    """

    pseudonyms: tuple[str, ...]
    identity: str | None = field(repr=False)


@dataclass(frozen=True)
class Removed:
    """What was found in one place, and what is there now."""

    place: str
    before: int
    after: int


def find_listener(subject: str, keys: Keys, vault: Vault) -> Listener:
    """The listener with this identity or pseudonym.

    Raises:
        ArgumentError: The subject is empty.
    """
    subject = subject.strip()  # as the importers do
    if not subject:
        raise ArgumentError("No listener was named.", where="command line", remedy="Give an identity or a pseudonym.")
    identity = vault.reveal(subject) if is_pseudonym(subject) else subject
    given = [subject] if is_pseudonym(subject) else []
    versions = [(keys.key_version, keys.pseudonym_key), *keys.earlier.items()]
    known = [Pseudonymiser(key, version).token(identity) for version, key in versions] if identity else []
    return Listener(tuple(dict.fromkeys([*known, *given])), identity)


class Erasure:
    """The erasure of one listener.

    Args:
        listener: Who.
        settings: Where landing/, archive/ and exports lie.
        tables: The lake through Spark.
        small_tables: The lake, row by row.
        keys: For lines under a batch key, and for the tombstone.
    """

    def __init__(
        self, listener: Listener, settings: Settings, tables: Tables, small_tables: SmallTables, keys: Keys
    ) -> None:
        self._listener = listener
        self._settings = settings
        self._tables = tables
        self._small = small_tables
        self._keys = keys
        self._buried = Buried(keys.master_key)
        self._owned: set[str] = set()
        self._struck: dict[Path, int] = {}
        self._exports = 0

    def bury(self, at: datetime, run_id: str) -> str:
        """Leave the tombstone first: plays that arrive while the rest is going on are turned away.

        Returns:
            The tombstone, by which the audit trail names the listener.
        """
        there = Tombstones.load(self._small, self._keys.master_key)
        rows = [
            {c.LISTENER_ID: self._buried.token(pseudonym), c.ERASED_AT: at, c.RUN_ID: run_id}
            for pseudonym in self._listener.pseudonyms
            if pseudonym not in there
        ]
        self._small.append(TOMBSTONES, rows)
        return self._buried.token(self._listener.pseudonyms[0])

    def remove_rows(self) -> list[Removed]:
        """Take the listener's rows out of every table that has such; the ledger counts what silver lost.

        Killed half-way, a second call does the rest, and the ledger is right after it.
        """
        return [self._remove_from(spec) for spec in LISTENER_TABLES]

    def redact_texts(self) -> list[Removed]:
        """Put the tombstone in the place of the pseudonym in tables that only speak of the listener."""
        return [self._redact(name) for name in SPEAKING_TABLES]

    def destroy_key(self, vault: Vault) -> Removed:
        """Destroy the data key: what encrypted copies there are can never be opened again."""
        destroyed = sum(vault.destroy(pseudonym) for pseudonym in self._listener.pseudonyms)
        return Removed(VAULT, destroyed, 0)

    def strike_files(self) -> list[Removed]:
        """Take the listener's lines out of the archive and of experiments; remove other files that name them.

        These are reports, exports and memos, which are made anew without them.

        An archived file that names nobody, and all of whose accepted plays were theirs, is an export of
        their own: it went as a whole when their rows were removed.
        """
        for path in _files(self._settings.archive):
            self._strike(path)
        named = [name for name in (self._listener.identity, *self._listener.pseudonyms) if name]
        assigned = _files(self._settings.home / "catalogue" / "offers")
        offers = sum(strike_lines(path, name) for path in assigned for name in named)
        folders = [self._settings.home / folder for folder in ("reports", "exports")]
        shown = {path for folder in folders for path in files_with(folder, self._listener.pseudonyms)}
        names = [pseudonym.replace(":", "-") for pseudonym in self._listener.pseudonyms]
        shown |= {path for folder in folders for path in _files(folder) if any(name in path.name for name in names)}
        for path in shown:
            path.unlink()
        return [
            Removed("archive (lines)", sum(self._struck.values()), 0),
            Removed("archive (own exports)", self._exports, 0),
            Removed("catalogue/offers (lines)", offers, 0),
            Removed("reports and exports (files)", len(shown), 0),
            Removed("memos (files)", self._forget(), 0),
        ]

    def _forget(self) -> int:
        """Delete the memos of tables that name them; returns how many."""
        if "://" in self._settings.lake_root:
            return 0
        folders = [path for path in Path(self._settings.lake_root).glob(f"*/*/{MEMO}") if path.is_dir()]
        known = [path for folder in folders for path in files_with(folder, self._listener.pseudonyms)]
        for path in known:
            path.unlink(missing_ok=True)
        return len(known)

    def vacuum(self) -> int:
        """Remove the old files of every table that may ever have held the listener; returns how many."""
        names = [spec.name for spec in LISTENER_TABLES] + [*SPEAKING_TABLES, VAULT]
        return sum(len(self._small.vacuum(name, 0)) for name in names)

    def traces(self) -> list[Path]:
        """Files of HOME and the lake in which a pseudonym still stands; none is the proof."""
        roots = {self._settings.home.resolve()}
        if "://" not in self._settings.lake_root:
            roots.add(Path(self._settings.lake_root).resolve())
        skip = [self._settings.landing.resolve()]
        beginnings = [pseudonym[:_TOLD_BY] for pseudonym in self._listener.pseudonyms]  # statistics cut long texts
        return sorted({path for root in roots for path in files_with(root, beginnings, skip=skip)})

    def _remove_from(self, spec: TableSpec) -> Removed:
        if not self._tables.exists(spec.name):
            return Removed(spec.name, 0, 0)
        theirs = self._rows_of_listener(spec)
        group = spec.partition_by[0] if spec.partition_by else None
        by = [*([group] if group else []), *([c.BATCH_ID, c.SOURCE_FILE] if spec.name == LISTENS else [])]
        rows = self._tables.read(spec.name)
        counts = rows.groupBy(*by).agg(F.count_if(theirs).alias(_THEIRS), F.count("*").alias(_ALL)).collect()
        found = [row for row in counts if row[_THEIRS]]
        before = sum(row[_THEIRS] for row in found)
        if not before:
            return Removed(spec.name, 0, 0)
        where = _groups_condition(group, [row[group] for row in found]) if group else None
        metadata: dict[str, object] = {"erased": before}
        if spec.name == LISTENS:
            metadata["touched_days"] = sorted({row[c.LISTEN_DATE].isoformat() for row in found})
            self._count_in_ledger(counts)
            self._strike_owned()
        inside = rows.where(where) if where else rows
        kept = _filtered(inside, theirs) if spec.name == BRONZE else inside.where(~theirs)
        self._tables.overwrite(spec.name, kept, where=where, metadata=metadata)
        return Removed(spec.name, before, self._tables.read(spec.name).where(theirs).count())

    def _rows_of_listener(self, spec: TableSpec) -> Column:
        pseudonyms = list(self._listener.pseudonyms)
        conditions = [F.col(c.LISTENER_ID).isin(pseudonyms)]
        if c.RAW in spec.column_names:
            conditions += [F.col(c.RAW).contains(pseudonym) for pseudonym in pseudonyms]
            conditions += [
                (F.col(c.BATCH_ID) == batch) & (F.col(c.SOURCE_FILE) == file) & (F.col(c.SOURCE_LINE) == line)
                for batch, file, line in self._encrypted_lines(spec.name)
            ]
        return F.coalesce(reduce(or_, conditions), F.lit(False))

    def _encrypted_lines(self, name: str) -> list[tuple[str, str, int]]:
        """Lines that could not be parsed, and that speak of the listener once they are decrypted."""
        identity = self._listener.identity
        if identity is None or not self._tables.exists(name):
            return []
        rows = self._tables.read(name).where(F.col(c.RAW).startswith("enc1:"))
        ciphers: dict[str, BatchCipher] = {}
        found = []
        for row in rows.select(c.BATCH_ID, c.SOURCE_FILE, c.SOURCE_LINE, c.RAW).toLocalIterator():
            cipher = ciphers.setdefault(row.batch_id, BatchCipher(self._keys.master_key, row.batch_id))
            if is_encrypted(row.raw) and names_listener(cipher.decrypt(row.raw), identity):
                found.append((row.batch_id, row.source_file, row.source_line))
        return found

    def _count_in_ledger(self, counts: Sequence[Row]) -> None:
        """Set what of each file is erased: accepted plays that will not be in silver any more."""
        theirs, left = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for row in counts:
            theirs[row[c.BATCH_ID], row[c.SOURCE_FILE]] += row[_THEIRS]
            left[row[c.BATCH_ID], row[c.SOURCE_FILE]] += row[_ALL] - row[_THEIRS]
        ledger = self._small.rows(LEDGER)
        for entry in ledger:
            file = entry[c.BATCH_ID], entry[c.SOURCE_FILE]
            if theirs[file] and entry[c.ACCEPTED]:
                entry[c.ERASED] = entry[c.ACCEPTED] - left[file]
                self._owned |= {entry[c.CONTENT_SHA256]} if not left[file] else set()
        self._small.overwrite(LEDGER, ledger)

    def _strike_owned(self) -> None:
        """Do so before the rows go that tell whose files they are: killed after it, nobody could tell any more."""
        for path in _files(self._settings.archive):
            if path.name in self._owned and not self._strike(path):
                path.unlink()
                self._exports += 1

    def _strike(self, path: Path) -> int:
        """Take their lines out of a file, once; says how many there were."""
        if path not in self._struck:
            identity = self._listener.identity
            self._struck[path] = strike_lines(path, identity) if identity is not None else 0
        return self._struck[path]

    def _redact(self, name: str) -> Removed:
        rows = self._small.rows(name)
        spoken = [row for row in rows if any(pseudonym in str(row) for pseudonym in self._listener.pseudonyms)]
        if spoken:
            self._small.overwrite(name, [self._redacted(row) for row in rows])
        return Removed(name, len(spoken), 0)

    def _redacted(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._redacted(key): self._redacted(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._redacted(inner) for inner in value]
        if isinstance(value, str):
            for pseudonym in self._listener.pseudonyms:
                value = value.replace(pseudonym, self._buried.token(pseudonym))
        return value


def _filtered(rows: DataFrame, theirs: Column) -> DataFrame:
    """Lines of a batch that waits stay as lines, so that it still adds up, but say nothing: they are filtered."""
    kept = {c.BATCH_ID, c.SOURCE_FILE, c.SOURCE_LINE, c.SOURCE, c.INGESTED_AT, c.ARRIVED_AT}
    instead = {
        c.FILTERED_REASON: F.lit("erased listener"),
        c.FAILED_RULES: F.array().cast("array<string>"),
        c.QUARANTINE_RULES: F.array().cast("array<string>"),
    }
    return rows.select(
        *(
            name if name in kept else F.when(theirs, instead.get(name, F.lit(None))).otherwise(F.col(name)).alias(name)
            for name in rows.columns
        )
    )


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def _groups_condition(column: str, values: Sequence[date | str]) -> str:
    days = [value for value in values if isinstance(value, date)]
    if days:
        return days_condition(column, days)
    quoted = ", ".join(
        "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'" for value in sorted(set(values))
    )
    return f"{column} IN ({quoted})"
