"""Rows on their way out: batch after batch, of one version of a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Rows:
    """What is exported; can be gone through once.

    Attributes:
        table: `layer.noun`.
        schema: Columns and their Arrow types.
        batches: Record batches of that schema.
        version: Version of the Delta table that they are read from; None where it was never written.
        where: The conditions by which they were chosen, as a person wrote them.
    """

    table: str
    schema: pa.Schema
    batches: Iterable[pa.RecordBatch]
    version: int | None = None
    where: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, table: pa.Table) -> Rows:
        """Rows that are in memory."""
        return cls(name, table.schema, table.to_batches())
