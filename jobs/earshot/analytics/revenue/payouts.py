"""The payouts of one pool, from the streams of its artists, as NumPy arrays and Python's integers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa

from earshot.analytics.flagged import EXCLUDED, INCLUDED
from earshot.analytics.plays import Integers
from earshot.analytics.revenue.cells import EVERY, ORGANIC
from earshot.analytics.revenue.models import ARTIST_CENTRIC, MODELS, USER_CENTRIC
from earshot.analytics.revenue.pool_streams import PAYEE_TYPES, SUSPENSE, PoolStreams, Shares, StreamsOfKind
from earshot.analytics.revenue.pools import Pool, pool_of
from earshot.analytics.revenue.rounding import LARGEST, Exact, Weights, divided, integer_weights, totals
from earshot.analytics.revenue.splits import MILLIONTHS
from earshot.core import columns as c
from earshot.core.revenue_settings import RevenueSettings

PROVISIONAL: Final = "provisional"


def payouts_of_pool(
    streams: PoolStreams, *, month: date, country: str, tier: str, terms: RevenueSettings, schema: pa.Schema
) -> pa.Table | None:
    """Rows of gold.revenue of a pool; None where nothing has a price.

    Args:
        streams: Those of the pool.
        month: Its first day.
        country: Of the plays.
        tier: Of the plays.
        terms: Prices, pools, thresholds.
        schema: Columns of gold.revenue; texts come as dictionary arrays.
    """
    every, organic = streams.kinds[EVERY], streams.kinds[ORGANIC]
    listeners = _listeners(every.weights[USER_CENTRIC])
    pool = pool_of(terms, month=month, country=country, tier=tier, listeners=listeners)
    if pool is None:
        return None
    included = list(_payouts(every, streams.shares, pool, terms))
    excluded = included if every.equals(organic) else list(_payouts(organic, streams.shares, pool, terms))
    paid = [*included, *(replace(payout, suspects=EXCLUDED) for payout in excluded)]
    of_pool = {c.MONTH: month, c.COUNTRY: country, c.TIER: tier, c.CURRENCY: pool.currency}
    return _table(paid, streams.shares, of_pool, pool, schema)


@dataclass(frozen=True)
class _Payout:
    """The payouts of a pool by one model, in minor units; a payee that the shares do not have is `suspense`."""

    model: str
    payees: Integers
    streams: Integers
    minor: Exact
    suspects: str = INCLUDED


def _listeners(shares: Weights) -> int:
    """How many listeners there are: of n streams, one with d in all is n/d, so their sum counts them."""
    sizes, code = np.unique(shares.denominator, return_inverse=True)
    return int((totals(code, shares.numerator, size=len(sizes)) // sizes).sum())


def _payouts(of: StreamsOfKind, shares: Shares, pool: Pool, terms: RevenueSettings) -> Iterator[_Payout]:
    counts = totals(shares.payee, of.streams[shares.row], size=len(shares.names))
    present = np.flatnonzero(counts > 0)
    place = np.cumsum(counts > 0) - 1
    boost = np.where(of.is_boosted, terms.artist_centric.boost_factor, 1)
    for model in MODELS:
        weights = _of_payees(of.weights[model], boost if model == ARTIST_CENTRIC else None, shares, place)
        minor = divided(pool.minor, integer_weights(weights, parts=len(present)))
        if minor is not None:
            yield _Payout(model, present, counts[present], minor)
        else:
            held = np.append(present, len(shares.names)), np.append(counts[present], 0)
            yield _Payout(model, *held, np.array([0] * len(present) + [pool.minor], np.int64))


def _of_payees(of_rows: Weights, boost: Integers | None, shares: Shares, place: Integers) -> Weights:
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


def _table(paid: list[_Payout], shares: Shares, of_pool: dict[str, Any], pool: Pool, schema: pa.Schema) -> pa.Table:
    sizes = [len(payout.payees) for payout in paid]
    payee = np.concatenate([payout.payees for payout in paid])
    names = pa.concat_arrays([shares.names.cast(pa.string()), pa.array([SUSPENSE])]).dictionary_encode()
    types = np.append(shares.types, PAYEE_TYPES.index(SUSPENSE))
    steps = int(pool.unit.scaleb(schema.field(c.AMOUNT).type.scale))
    columns: dict[str, pa.Array] = {
        c.PAYEE_TYPE: _texts(types[payee], PAYEE_TYPES),
        c.PAYEE_ID: names.take(pa.array(payee)),
        c.STREAMS: pa.array(np.concatenate([payout.streams for payout in paid])),
        c.AMOUNT: _decimals([payout.minor for payout in paid], steps, schema.field(c.AMOUNT).type),
    }
    for name, values in ((c.MODEL, [of.model for of in paid]), (c.SUSPECTS, [of.suspects for of in paid])):
        columns[name] = _texts(np.repeat(np.arange(len(paid)), sizes), values)
    constant = {**of_pool, c.POOL: pool.minor * pool.unit, c.STATUS: PROVISIONAL}
    for field in schema:
        value = constant.get(field.name)
        if isinstance(value, str):
            columns[field.name] = _texts(np.zeros(len(payee), np.int64), [value])
        elif field.name not in columns:
            columns[field.name] = pa.repeat(pa.scalar(value, field.type), len(payee))
    return pa.table({name: columns[name] for name in schema.names})


def _texts(places: Integers, values: Sequence[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32)), pa.array(list(values), pa.string()))


def _decimals(minor: Sequence[Exact], steps: int, kind: pa.Decimal128Type) -> pa.Array:
    """Amounts of minor units as decimals: their sixteen bytes, without an object each."""
    buffers = []
    for amounts in minor:
        if int(amounts.max(initial=0)) * steps < LARGEST:
            pairs = np.zeros((len(amounts), 2), np.int64)
            pairs[:, 0] = amounts.astype(np.int64) * steps
            buffers.append(pairs.tobytes())
        else:
            buffers += [(int(one) * steps).to_bytes(16, "little", signed=True) for one in amounts]
    return pa.Array.from_buffers(kind, sum(map(len, minor)), [None, pa.py_buffer(b"".join(buffers))])
