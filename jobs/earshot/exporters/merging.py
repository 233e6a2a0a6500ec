"""The SQL by which rows that lie beside a table enter it, in the dialect of its database."""

# ruff: noqa: S608 (names are checked by `database`, values never stand in the text)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ROW_KEY: Final = "earshot_key"
"""Column that identifies a row: SHA-256 of the table's key. A unique index over the key itself would hold two rows for
different whose key has a null (a revenue without a reason, a suspect of all tracks)."""

_ON_CONFLICT: Final = ("postgresql", "sqlite")
_ON_DUPLICATE: Final = ("mysql", "mariadb")


@dataclass(frozen=True)
class Dialect:
    """How a database writes what SQL leaves open.

    Attributes:
        database: NAME of `jdbc:NAME:...`.
    """

    database: str

    def quoted(self, column: str) -> str:
        """The name of a column, in the case in which Spark makes it."""
        mark = "`" if self.database in _ON_DUPLICATE else '"'
        return f"{mark}{column}{mark}"

    def rename(self, table: str, to: str) -> str:
        """Give a table another name."""
        if self.database == "derby":
            return f"RENAME TABLE {table} TO {to}"
        return f"ALTER TABLE {table} RENAME TO {to}"

    def index(self, table: str) -> str:
        """Let a row key occur once."""
        return f"CREATE UNIQUE INDEX {table}_{ROW_KEY} ON {table} ({self.quoted(ROW_KEY)})"

    def insert(self, table: str, incoming: str, columns: Sequence[str]) -> str:
        """Append the rows."""
        names = self._list(columns)
        return f"INSERT INTO {table} ({names}) SELECT {names} FROM {incoming}"

    def upsert(self, table: str, incoming: str, columns: Sequence[str]) -> str:
        """Update the rows whose key is there, and append the others."""
        others = [column for column in columns if column != ROW_KEY]
        if self.database in _ON_CONFLICT:
            taken = ", ".join(f"{self.quoted(c)} = excluded.{self.quoted(c)}" for c in others)
            # Without WHERE, SQLite takes ON for that of a join.
            inserted = f"{self.insert(table, incoming, columns)} WHERE true"
            return f"{inserted} ON CONFLICT ({self.quoted(ROW_KEY)}) DO UPDATE SET {taken}"
        if self.database in _ON_DUPLICATE:
            taken = ", ".join(f"{self.quoted(c)} = VALUES({self.quoted(c)})" for c in others)
            return f"{self.insert(table, incoming, columns)} ON DUPLICATE KEY UPDATE {taken}"
        taken = ", ".join(f"{self.quoted(c)} = i.{self.quoted(c)}" for c in others)
        given = ", ".join(f"i.{self.quoted(c)}" for c in columns)
        key = self.quoted(ROW_KEY)
        return (
            f"MERGE INTO {table} t USING {incoming} i ON t.{key} = i.{key} WHEN MATCHED THEN UPDATE SET {taken} "
            f"WHEN NOT MATCHED THEN INSERT ({self._list(columns)}) VALUES ({given})"
        )

    def _list(self, columns: Sequence[str]) -> str:
        return ", ".join(map(self.quoted, columns))
