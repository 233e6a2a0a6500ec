"""Small months of listening for the tests of gold.revenue, and what each model owes, in fractions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.analytics.revenue.month import payouts_of_month
from earshot.core.revenue_settings import RevenueSettings
from earshot.core.schemas import TABLES

MONTH = date(2026, 3, 1)
SCHEMA = to_arrow_schema(TABLES["gold.revenue"].schema, timezone="UTC")
_PARTS = pa.list_(pa.struct([("payee_id", pa.string()), ("millionths", pa.int64())]))


@dataclass(frozen=True)
class Play:
    """One counted stream."""

    listener: str
    artist: str
    country: str = "DE"
    tier: str = "premium"
    is_flagged: bool = False
    is_chosen: bool = False
    track: str | None = None


def terms(*prices: tuple[str, str, str, str], share: float = 1.0, **others: Any) -> RevenueSettings:
    """Prices as (country, tier, currency, price)."""
    named = [dict(zip(("country", "tier", "currency", "price"), price, strict=True)) for price in prices]
    return RevenueSettings.model_validate({"prices": named, "share_to_rights_holders": share, **others})


def month_of(plays: Iterable[Play], splits: dict[str, list[tuple[str, int]]] | None = None) -> pa.Table:
    """What `streams_by_listener` makes of the plays, in plain Python."""
    splits = splits or {}
    cells: dict[tuple[str, str, str, str, str | None], list[Play]] = defaultdict(list)
    for play in plays:
        work = play.track if play.track in splits else None
        cells[play.listener, play.country, play.tier, play.artist, work].append(play)
    kinds = {"every": lambda play: True, "organic": lambda play: not play.is_flagged}
    counts = {
        kind: {
            "cell": {cell: sum(keep(play) for play in of_cell) for cell, of_cell in cells.items()},
            "pool": Counter(p[:3] for p, of_cell in cells.items() for play in of_cell if keep(play)),
            "month": Counter(p[0] for p, of_cell in cells.items() for play in of_cell if keep(play)),
        }
        for kind, keep in kinds.items()
    }
    seen: dict[str, set[tuple[str, str]]] = {kind: set() for kind in kinds}
    rows = []
    for cell, of_cell in cells.items():
        row: dict[str, Any] = {"country": cell[1], "tier": cell[2], "artist_id": cell[3]}
        row["parts"] = [{"payee_id": n, "millionths": m} for n, m in splits[cell[4]]] if cell[4] else None
        for kind, keep in kinds.items():
            streams = counts[kind]["cell"][cell]
            is_new = streams > 0 and (cell[0], cell[3]) not in seen[kind]
            seen[kind] |= {(cell[0], cell[3])} if is_new else set()
            row |= {
                f"streams_{kind}": streams,
                f"earning_{kind}": streams,
                f"chosen_{kind}": sum(keep(play) and play.is_chosen for play in of_cell),
                f"of_listener_{kind}": counts[kind]["pool"][cell[:3]],
                f"of_listener_month_{kind}": counts[kind]["month"][cell[0]],
                f"new_listener_{kind}": int(is_new),
            }
        rows.append(row)
    table = pa.Table.from_pylist(rows)
    return table.set_column(
        table.schema.get_field_index("parts"), "parts", pa.array([r["parts"] for r in rows], _PARTS)
    )


def paid(plays: Iterable[Play], with_terms: RevenueSettings, **options: Any) -> list[dict[str, Any]]:
    """Rows of gold.revenue."""
    rows: list[dict[str, Any]] = payouts_of_month(
        month_of(plays, **options), month=MONTH, terms=with_terms, schema=SCHEMA
    ).to_pylist()
    return rows


def owed(plays: Iterable[Play], pool: Fraction, model: str, with_terms: RevenueSettings) -> dict[str, Fraction]:
    """What each artist of one pool is owed before rounding, straight from the definitions, play by play."""
    plays = list(plays)
    rules = with_terms.artist_centric
    of_listener = Counter(play.listener for play in plays)
    of_artist = Counter(play.artist for play in plays)
    fans = {artist: len({play.listener for play in plays if play.artist == artist}) for artist in of_artist}
    counts: dict[str, Fraction] = defaultdict(Fraction)
    for play in plays:
        heard = of_listener[play.listener]
        boost = of_artist[play.artist] >= rules.boost_streams and fans[play.artist] >= rules.boost_listeners
        counts[play.artist] += {
            "pro_rata": Fraction(1),
            "user_centric": Fraction(1, heard),
            "artist_centric": Fraction(rules.active_factor if play.is_chosen else 1)
            * (rules.boost_factor if boost else 1)
            * min(Fraction(1), Fraction(rules.listener_cap, heard)),
        }[model]
    total = sum(counts.values())
    return {artist: pool * count / total for artist, count in counts.items()}


def amounts(rows: Iterable[dict[str, Any]], **where: str) -> dict[str, Decimal]:
    """Amount by payee of the rows with these values."""
    return {row["payee_id"]: row["amount"] for row in rows if all(row[name] == value for name, value in where.items())}
