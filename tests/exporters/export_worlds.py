"""Rows that test what exports do with them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa

from earshot.exporters.rows import Rows

AT = datetime(2026, 3, 29, 12, tzinfo=UTC)
FORMULAS = ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\tx", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠x"]  # noqa: RUF001
HARMLESS = ["plain", 'quo"te,comma\nline', "", None, "a=b", " ='", "\\n \x01 \u2028 \x7f é 音"]
TEXTS = [*FORMULAS, *HARMLESS]


def nasty() -> pa.Table:
    """Every text, with numbers, decimals, times, maps and structs beside it."""
    count = len(TEXTS)
    moment = datetime(2026, 3, 29, 1, 59, 59, 999_000, tzinfo=UTC)
    return pa.table(
        {
            "title": TEXTS,
            "amount": pa.array([Decimal("-1.10")] * count, pa.decimal128(28, 6)),
            "share": pa.array([0.1, float("nan"), float("inf"), None, *[1e-7] * (count - 4)], pa.float64()),
            "n": list(range(-1, count - 1)),
            "met": pa.array([True, False, None] * count, pa.bool_())[:count],
            "day": [date(2026, 3, 29)] * count,
            "at": pa.array([moment] * count, pa.timestamp("us", "UTC")),
            "dimensions": pa.array([[("country", "DE")]] * count, pa.map_(pa.string(), pa.string())),
            "signals": pa.array([[{"name": "x", "value": 1.5}]] * count),
        }
    )


def rows(table: pa.Table | None = None, version: int | None = 7) -> Rows:
    """The nasty ones, or these, of version 7 of gold.x."""
    chosen = nasty() if table is None else table
    return Rows("gold.x", chosen.schema, chosen.to_batches(), version)
