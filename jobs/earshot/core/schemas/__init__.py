"""Every table: the contract in code.

`docs/tables.md` is generated from here and a test compares it with the contract.
"""

from __future__ import annotations

from earshot.core.schemas import bronze_and_silver, gold, ops
from earshot.core.schemas.bronze_and_silver import LISTEN_COLUMNS
from earshot.core.schemas.spec import ColumnSpec, TableSpec

__all__ = ["LISTEN_COLUMNS", "TABLES", "ColumnSpec", "TableSpec"]

TABLES: dict[str, TableSpec] = {spec.name: spec for spec in (*bronze_and_silver.SPECS, *gold.SPECS, *ops.SPECS)}
