"""The payouts of one pool, from the streams of its artists, as NumPy arrays and Python's integers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.analytics.flagged import EXCLUDED, INCLUDED
from earshot.analytics.plays import Integers, numbered
from earshot.analytics.revenue.listeners import EVERY, ORGANIC
from earshot.analytics.revenue.models import ARTIST_CENTRIC, MODELS, USER_CENTRIC
from earshot.analytics.revenue.packing import unpacked
from earshot.analytics.revenue.pools import Pool, pool_of
from earshot.analytics.revenue.rounding import LARGEST, Exact, Weights, divided, integer_weights, totals
from earshot.analytics.revenue.splits import MILLIONTHS, PARTS
from earshot.core import columns as c
from earshot.core.arrow_columns import flags
from earshot.core.revenue_settings import RevenueSettings

ARTIST: Final = "artist"
RIGHTS_HOLDER: Final = "rights_holder"
SUSPENSE: Final = "suspense"
PROVISIONAL: Final = "provisional"

_SUSPECTS: Final = {EVERY: INCLUDED, ORGANIC: EXCLUDED}


def payouts_of_pool(
    rows: pa.Table, *, month: date, country: str, tier: str, terms: RevenueSettings, schema: pa.Schema
) -> pa.Table:
    """Rows of gold.revenue of a pool.

    Args:
        rows: Columns of `streams.streams_of_pools`, of this pool.
        month: Its first day.
        country: Of the plays.
        tier: Of the plays.
        terms: Prices, pools, thresholds.
        schema: Columns of gold.revenue.
    """
    listeners = _listeners(_weights(rows, f"{USER_CENTRIC}_{EVERY}"))
    pool = pool_of(terms, month=month, country=country, tier=tier, listeners=listeners)
    if pool is None:
        return schema.empty_table()
    shares = _shares(rows)
    paid = [payout for kind in _SUSPECTS for payout in _payouts(rows, kind, shares, pool, terms)]
    return _table(paid, {c.MONTH: month, c.COUNTRY: country, c.TIER: tier, c.CURRENCY: pool.currency}, pool, schema)


@dataclass(frozen=True)
class _Shares:
    """A row for each payee of each row of streams.

    Attributes:
        row: Row of the streams, ascending.
        payee: Place in `names`.
        millionths: The payee's part of it.
        names: payee_type and payee_id, sorted by payee_id.
    """

    row: Integers
    payee: Integers
    millionths: Integers
    names: list[tuple[str, str]]


@dataclass(frozen=True)
class _Payout:
    """The payouts of a pool by one model, in minor units."""

    payees: list[tuple[str, str]]
    streams: list[int]
    minor: list[int]
    same: dict[str, Any]


def _weights(rows: pa.Table, name: str) -> Weights:
    return unpacked(rows[name].combine_chunks())


def _listeners(shares: Weights) -> int:
    """How many listeners there are: of n streams, one with d in all is n/d, so their sum counts them."""
    sizes, code = np.unique(shares.denominator, return_inverse=True)
    return int((totals(code, shares.numerator, size=len(sizes)) // sizes).sum())


def _shares(rows: pa.Table) -> _Shares:
    """Artists of tracks without splits, rights holders of the others."""
    number = pa.array(np.arange(rows.num_rows))
    is_split = pc.is_valid(rows[PARTS]).combine_chunks()
    alone = rows[c.ARTIST_ID].filter(pc.invert(is_split))
    parts = rows[PARTS].filter(is_split).combine_chunks()
    part = parts.flatten()
    payees = pa.table(
        {
            "row": pa.concat_arrays(
                [number.filter(pc.invert(is_split)), number.filter(is_split).take(pc.list_parent_indices(parts))]
            ),
            c.PAYEE_TYPE: [ARTIST] * len(alone) + [RIGHTS_HOLDER] * len(part),
            c.PAYEE_ID: pa.chunked_array([*alone.chunks, part.field(c.PAYEE_ID)], pa.string()),
            "millionths": pa.chunked_array([pa.repeat(MILLIONTHS, len(alone)), part.field("millionths")], pa.int64()),
        }
    ).sort_by("row")
    kind, name = numbered(payees[c.PAYEE_TYPE]), numbered(payees[c.PAYEE_ID])
    keys, payee = np.unique(name.codes * len(kind) + kind.codes, return_inverse=True)
    kinds, names = kind.names.to_pylist(), name.names.to_pylist()
    return _Shares(
        payees["row"].to_numpy(),
        payee,
        payees["millionths"].to_numpy(),
        [(kinds[key % len(kind)], names[key // len(kind)]) for key in keys.tolist()],
    )


def _payouts(rows: pa.Table, kind: str, shares: _Shares, pool: Pool, terms: RevenueSettings) -> Iterator[_Payout]:
    streams: Integers = rows[f"streams_{kind}"].to_numpy()
    counts = totals(shares.payee, streams[shares.row], size=len(shares.names))
    present = np.flatnonzero(counts > 0)
    place = np.cumsum(counts > 0) - 1
    payees = [shares.names[payee] for payee in present.tolist()]
    boost = np.where(flags(rows[f"is_boosted_{kind}"]), terms.artist_centric.boost_factor, 1)
    for model in MODELS:
        same = {c.MODEL: model, c.SUSPECTS: _SUSPECTS[kind]}
        of_rows = _weights(rows, f"{model}_{kind}")
        weights = _of_payees(of_rows, boost if model == ARTIST_CENTRIC else None, shares, place)
        minor = divided(pool.minor, integer_weights(weights, parts=len(payees)))
        if minor is not None:
            yield _Payout(payees, counts[present].tolist(), minor, same)
        else:
            held = [*payees, (SUSPENSE, SUSPENSE)]
            yield _Payout(held, [*counts[present].tolist(), 0], [0] * len(payees) + [pool.minor], same)


def _of_payees(of_rows: Weights, boost: Integers | None, shares: _Shares, place: Integers) -> Weights:
    """What the rows count, for each of their payees: `place` is where a payee of `shares` stands in the result."""
    numerator = of_rows.numerator if boost is None else _product(of_rows.numerator, boost[of_rows.part])
    if bool((shares.millionths == MILLIONTHS).all()):
        payee_of_row = np.empty(int(shares.row.max(initial=-1)) + 1, np.int64)
        payee_of_row[shares.row] = place[shares.payee]
        return Weights(payee_of_row[of_rows.part], numerator, of_rows.denominator)
    opening = np.searchsorted(shares.row, of_rows.part)
    many = np.searchsorted(shares.row, of_rows.part, side="right") - opening
    pair = np.repeat(np.arange(len(many)), many)
    share = np.arange(len(pair)) - np.repeat(np.cumsum(many) - many, many) + opening[pair]
    numerator = _product(numerator[pair], shares.millionths[share])
    return Weights(place[shares.payee[share]], numerator, of_rows.denominator[pair])


def _product(left: Exact, right: Integers) -> Exact:
    """The exact product: as Python's integers where eight bytes may not hold it."""
    if float(left.max(initial=0)) * float(right.max(initial=0)) < LARGEST:
        return left * right
    product: Exact = left.astype(object) * right.astype(object)
    return product


def _table(paid: list[_Payout], of_pool: dict[str, Any], pool: Pool, schema: pa.Schema) -> pa.Table:
    sizes = np.array([len(payout.payees) for payout in paid], np.int64)
    which = pa.array(np.repeat(np.arange(len(paid)), sizes))
    each: dict[str, pa.Array] = {
        c.PAYEE_TYPE: pa.array([kind for payout in paid for kind, _ in payout.payees], pa.string()),
        c.PAYEE_ID: pa.array([name for payout in paid for _, name in payout.payees], pa.string()),
        c.STREAMS: pa.array([count for payout in paid for count in payout.streams], pa.int64()),
        c.AMOUNT: _decimals([one for payout in paid for one in payout.minor], pool.unit, schema.field(c.AMOUNT).type),
    }
    constant = {**of_pool, c.POOL: pool.minor * pool.unit, c.STATUS: PROVISIONAL, c.REASON: None, c.BOOKED_ON: None}

    def column(field: pa.Field) -> pa.Array:
        if field.name in each:
            return each[field.name]
        if field.name in constant:
            return pa.repeat(pa.scalar(constant[field.name], field.type), len(which))
        return pa.array([payout.same[field.name] for payout in paid], field.type).take(which)

    return pa.table([column(field) for field in schema], schema=schema)


def _decimals(minor: list[int], unit: Decimal, kind: pa.Decimal128Type) -> pa.Array:
    """Amounts of minor units as decimals: their sixteen bytes, without an object each."""
    steps = int(unit.scaleb(kind.scale))
    buffer = b"".join([(one * steps).to_bytes(16, "little", signed=True) for one in minor])
    return pa.Array.from_buffers(kind, len(minor), [None, pa.py_buffer(buffer)])
