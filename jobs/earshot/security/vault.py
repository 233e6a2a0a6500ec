"""The identities behind the pseudonyms, encrypted; one data key a listener, wrapped by the master key.

Destroying a listener's data key makes every copy of the identity unreadable, old versions included.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from earshot.core.columns import CREATED_AT, IDENTITY, KEY_VERSION, LISTENER_ID, WRAPPED_KEY
from earshot.core.errors import IntegrityError
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.security.encryption import seal, unseal
from earshot.security.keys import load_keys

VAULT = "ops.vault"
_KEY_BYTES = 32


class Sealer:
    """Encrypts identities. Can be sent to Spark executors; its `repr` hides the key.

    Args:
        master_key: 32 bytes that wrap the data keys.
        key_version: Version of the pseudonym key.
    """

    def __init__(self, master_key: bytes, key_version: int) -> None:
        self._master_key = master_key
        self.key_version = key_version

    def __repr__(self) -> str:
        """The version, never the key."""
        return f"Sealer(key_version={self.key_version})"

    def seal(self, pseudonym: str, identity: str) -> dict[str, Any]:
        """A row of ops.vault without created_at: a fresh data key, wrapped, and the identity under it."""
        data_key = os.urandom(_KEY_BYTES)
        bound_to = pseudonym.encode()
        return {
            LISTENER_ID: pseudonym,
            KEY_VERSION: self.key_version,
            WRAPPED_KEY: seal(self._master_key, data_key, bound_to),
            IDENTITY: seal(data_key, identity.encode("utf-8", "surrogatepass"), bound_to),
        }

    def open(self, row: Mapping[str, Any]) -> str:
        """The identity in a row that `seal` made.

        Raises:
            IntegrityError: The master key is another one, or the row was changed.
        """
        bound_to = str(row[LISTENER_ID]).encode()
        data_key = unseal(self._master_key, row[WRAPPED_KEY], bound_to)
        return unseal(data_key, row[IDENTITY], bound_to).decode("utf-8", "surrogatepass")


class Vault:
    """ops.vault.

    Args:
        settings: Where the keys are found.
        small_tables: The lake.
        clock: Wall time, UTC.
    """

    def __init__(
        self, settings: Settings, small_tables: SmallTables, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        keys = load_keys(settings)
        self.sealer = Sealer(keys.master_key, keys.key_version)
        self._tables = small_tables
        self._clock = clock

    def seal(self, pseudonym: str, identity: str) -> dict[str, Any]:
        """A row of ops.vault, not yet written."""
        return self.sealer.seal(pseudonym, identity)

    def unseen(self, pseudonyms: Iterable[str]) -> set[str]:
        """Those of the pseudonyms that the vault does not hold."""
        return set(pseudonyms) - self._held()

    def remember(self, identities: Mapping[str, str]) -> int:
        """Keep the identities (pseudonym -> identity) that are not held yet; returns how many.

        Listeners that were erased must not be given: see `erasure.Tombstones`.
        """
        unseen = self.unseen(identities)
        return self._append(self.sealer.seal(pseudonym, identities[pseudonym]) for pseudonym in sorted(unseen))

    def remember_sealed(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Keep rows that a `Sealer` made, of listeners that are not held yet; returns how many."""
        by_pseudonym = {str(row[LISTENER_ID]): row for row in rows}
        return self._append(by_pseudonym[pseudonym] for pseudonym in sorted(self.unseen(by_pseudonym)))

    def reveal(self, pseudonym: str) -> str | None:
        """The identity behind the pseudonym; None where the vault holds none.

        Raises:
            IntegrityError: The row was changed, or the master key is another one.
        """
        rows = self._tables.rows(VAULT, filters=[(LISTENER_ID, "=", pseudonym)])
        if not rows:
            return None
        try:
            return self.sealer.open(rows[0])
        except IntegrityError as error:
            raise IntegrityError(error.what, where=f"{VAULT}, {pseudonym}", remedy=error.remedy) from None

    def reveal_all(self) -> dict[str, str]:
        """Every pseudonym with its identity: for whoever must find a listener by more than one key version."""
        return {str(row[LISTENER_ID]): self.sealer.open(row) for row in self._tables.rows(VAULT)}

    def destroy(self, pseudonym: str) -> bool:
        """Delete the listener's row, data key included; whether there was one.

        Old versions of the table keep it until a vacuum.
        """
        if pseudonym not in self._held():
            return False
        kept = [row for row in self._tables.rows(VAULT) if row[LISTENER_ID] != pseudonym]
        self._tables.overwrite(VAULT, kept)
        return True

    def _held(self) -> set[str]:
        column: pa.ChunkedArray = self._tables.arrow(VAULT, columns=[LISTENER_ID]).column(LISTENER_ID)
        return set(column.to_pylist())

    def _append(self, rows: Iterable[Mapping[str, Any]]) -> int:
        now = self._clock()
        dated = [{**row, CREATED_AT: row.get(CREATED_AT) or now} for row in rows]
        self._tables.append(VAULT, dated)
        return len(dated)
