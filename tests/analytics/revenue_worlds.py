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

from earshot.analytics.revenue.cells import CHOSEN, EARNS_EVERY, EARNS_ORGANIC, FLAGGED, KINDS
from earshot.analytics.revenue.listeners import FIGURES, KEYS, WEIGHTS, counts_of_listeners
from earshot.analytics.revenue.payouts import payouts_of_pool
from earshot.analytics.revenue.pool_streams import PoolStreams
from earshot.core.revenue_settings import RevenueSettings
from earshot.core.schemas import TABLES

MONTH = date(2026, 3, 1)
SCHEMA = to_arrow_schema(TABLES["gold.revenue"].schema, timezone="UTC")
_PARTS = pa.list_(pa.struct([("payee_id", pa.string()), ("millionths", pa.int64())]))
_PLAYS = pa.schema(
    [
        ("month", pa.date32()),
        *((name, pa.string()) for name in ("country", "tier", "artist_id", "work", "listener_id")),
        ("marks", pa.int8()),
    ]
)
_STREAMS = pa.schema(
    [
        ("artist_id", pa.string()),
        ("parts", _PARTS),
        *((f"streams_{kind}", pa.int64()) for kind in KINDS),
        *((f"is_boosted_{kind}", pa.bool_()) for kind in KINDS),
        *((name, pa.list_(pa.binary())) for name in WEIGHTS),
    ]
)


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
    is_earning: bool = True


def terms(*prices: tuple[str, str, str, str], share: float = 1.0, **others: Any) -> RevenueSettings:
    """Prices as (country, tier, currency, price)."""
    named = [dict(zip(("country", "tier", "currency", "price"), price, strict=True)) for price in prices]
    return RevenueSettings.model_validate({"prices": named, "share_to_rights_holders": share, **others})


def streams_of(
    plays: Iterable[Play], rules: RevenueSettings, splits: dict[str, list[tuple[str, int]]] | None = None
) -> dict[tuple[str, str], pa.Table]:
    """What `streams_of_pools` makes of the plays, by country and tier: two tasks' counts, put together in a loop."""
    splits, plays = splits or {}, list(plays)
    listeners = sorted({play.listener for play in plays})
    sums: dict[tuple[Any, ...], dict[str, Any]] = {}
    for of_task in (listeners[::2], listeners[1::2]):
        batch = pa.RecordBatch.from_pylist(
            [_play(play, splits) for play in plays if play.listener in of_task], schema=_PLAYS
        )
        for counts in counts_of_listeners(iter([batch]), rules.artist_centric):
            for row in counts.to_pylist():
                of_key = sums.setdefault(tuple(row[name] for name in KEYS), defaultdict(int))
                for name in FIGURES:
                    of_key[name] += row[name]
                for name in WEIGHTS:
                    of_key[name] = [*(of_key[name] or []), row[name]]
    heard: dict[str, Counter[str]] = defaultdict(Counter)
    for key, of_key in sums.items():
        for name in FIGURES:
            heard[key[3]][name] += of_key[name]
    pools: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for key, of_key in sums.items():
        parts = [{"payee_id": n, "millionths": m} for n, m in splits[key[4]]] if key[4] else None
        boosts = {
            f"is_boosted_{kind}": heard[key[3]][f"streams_{kind}"] >= rules.artist_centric.boost_streams
            and heard[key[3]][f"listeners_{kind}"] >= rules.artist_centric.boost_listeners
            for kind in KINDS
        }
        pools[key[1], key[2]].append({"artist_id": key[3], "parts": parts, **of_key, **boosts})
    return {place: pa.Table.from_pylist(rows, schema=_STREAMS) for place, rows in pools.items()}


def _play(play: Play, splits: dict[str, list[tuple[str, int]]]) -> dict[str, Any]:
    marks = FLAGGED * play.is_flagged + CHOSEN * play.is_chosen
    marks += (EARNS_EVERY + EARNS_ORGANIC) * play.is_earning
    return {
        "month": MONTH,
        "country": play.country,
        "tier": play.tier,
        "artist_id": play.artist,
        "work": play.track if play.track in splits else None,
        "listener_id": play.listener,
        "marks": marks,
    }


def paid(plays: Iterable[Play], with_terms: RevenueSettings, **options: Any) -> list[dict[str, Any]]:
    """Rows of gold.revenue."""
    found = [
        payouts_of_pool(
            PoolStreams.of_rows(rows), month=MONTH, country=country, tier=tier, terms=with_terms, schema=SCHEMA
        )
        for (country, tier), rows in streams_of(plays, with_terms, **options).items()
    ]
    return [row for rows in found if rows is not None for row in rows.to_pylist()]


def owed(
    plays: Iterable[Play],
    pool: Fraction,
    model: str,
    with_terms: RevenueSettings,
    *,
    of: tuple[str, str] = ("DE", "premium"),
    splits: dict[str, list[tuple[str, int]]] | None = None,
) -> dict[tuple[str, str], Fraction]:
    """What each payee of one pool is owed before rounding, straight from the definitions, play by play.

    Boosts and the cap look at the whole month, everything else at the pool.
    """
    month = list(plays)
    plays = [play for play in month if (play.country, play.tier) == of]
    rules, splits = with_terms.artist_centric, splits or {}
    of_listener, in_month = Counter(play.listener for play in plays), Counter(play.listener for play in month)
    of_artist = Counter(play.artist for play in month)
    fans = {artist: len({play.listener for play in month if play.artist == artist}) for artist in of_artist}
    counts: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for play in plays:
        boost = of_artist[play.artist] >= rules.boost_streams and fans[play.artist] >= rules.boost_listeners
        cap = rules.listener_cap or in_month[play.listener]
        worth = {
            "pro_rata": Fraction(int(play.is_earning)),
            "user_centric": Fraction(1, of_listener[play.listener]),
            "artist_centric": Fraction(rules.active_factor if play.is_chosen else 1)
            * (rules.boost_factor if boost else 1)
            * min(Fraction(1), Fraction(cap, in_month[play.listener])),
        }[model]
        for payee, millionths in splits.get(play.track or "", [(play.artist, 1_000_000)]):
            kind = "rights_holder" if play.track in splits else "artist"
            counts[kind, payee] += worth * millionths / 1_000_000
    total = sum(counts.values())
    return {payee: pool * count / total if total else Fraction(0) for payee, count in counts.items()}


def amounts(rows: Iterable[dict[str, Any]], **where: str) -> dict[str, Decimal]:
    """Amount by payee of the rows with these values."""
    return {row["payee_id"]: row["amount"] for row in rows if all(row[name] == value for name, value in where.items())}
