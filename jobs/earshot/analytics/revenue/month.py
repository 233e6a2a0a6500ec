"""The payouts of one month, from the streams of its listeners, as NumPy arrays."""

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
from earshot.analytics.revenue.models import MODELS, Streams, boosted
from earshot.analytics.revenue.pools import Pool, pool_of
from earshot.analytics.revenue.rounding import Weights, divided, integer_weights
from earshot.analytics.revenue.splits import MILLIONTHS, PARTS
from earshot.analytics.revenue.streams import EVERY, ORGANIC
from earshot.core import columns as c
from earshot.core.revenue_settings import RevenueSettings

ARTIST: Final = "artist"
RIGHTS_HOLDER: Final = "rights_holder"
SUSPENSE: Final = "suspense"
PROVISIONAL: Final = "provisional"

_SUSPECTS: Final = {EVERY: INCLUDED, ORGANIC: EXCLUDED}


def payouts_of_month(rows: pa.Table, *, month: date, terms: RevenueSettings, schema: pa.Schema) -> pa.Table:
    """Rows of gold.revenue of a month.

    Args:
        rows: Columns of `streams.streams_by_listener`, of this month.
        month: Its first day.
        terms: Prices, pools, thresholds.
        schema: Columns of gold.revenue.
    """
    rows = rows.sort_by([(c.COUNTRY, "ascending"), (c.TIER, "ascending")])
    shares = _shares(rows)
    kinds = {kind: _streams(rows, kind, terms) for kind in _SUSPECTS}
    paid = [
        payout
        for country, tier, first, last in _pools(rows)
        for place in (slice(*np.searchsorted(shares.row, (first, last))),)
        for pool in (_pool(kinds[EVERY].of(np.arange(first, last)), terms, month, country, tier),)
        if pool is not None
        for kind, suspects in _SUSPECTS.items()
        for payout in _payouts(
            shares.of(place), kinds[kind], pool, terms, {c.COUNTRY: country, c.TIER: tier, c.SUSPECTS: suspects}
        )
    ]
    return _table(paid, month, schema)


@dataclass(frozen=True)
class _Shares:
    """A row for each payee of each row of streams.

    Attributes:
        row: Row of the streams, ascending.
        payee: Place in `names`.
        millionths: The payee's part of it.
        names: payee_type and payee_id, sorted.
    """

    row: Integers
    payee: Integers
    millionths: Integers
    names: list[tuple[str, str]]

    def of(self, place: slice | Integers) -> _Shares:
        return _Shares(self.row[place], self.payee[place], self.millionths[place], self.names)


@dataclass(frozen=True)
class _Payout:
    """The payouts of a pool by one model, and what is the same in all of them."""

    payees: list[tuple[str, str]]
    streams: list[int]
    amounts: list[Decimal]
    same: dict[str, Any]


def _streams(rows: pa.Table, kind: str, terms: RevenueSettings) -> Streams:
    def of(field: str) -> Integers:
        values: Integers = rows[f"{field}_{kind}"].to_numpy().astype(np.int64)
        return values

    is_boosted = boosted(numbered(rows[c.ARTIST_ID]).codes, of("streams"), of("new_listener"), terms.artist_centric)
    return Streams(of("streams"), of("earning"), of("chosen"), of("of_listener"), of("of_listener_month"), is_boosted)


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


def _pools(rows: pa.Table) -> Iterator[tuple[str, str, int, int]]:
    """Country, tier, and first and last row of each pool."""
    country, tier = numbered(rows[c.COUNTRY]), numbered(rows[c.TIER])
    key = country.codes * len(tier) + tier.codes
    opening = np.flatnonzero(np.diff(key, prepend=-1))
    for first, last in zip(opening.tolist(), [*opening[1:].tolist(), len(key)], strict=True):
        yield country.names[int(country.codes[first])].as_py(), tier.names[int(tier.codes[first])].as_py(), first, last


def _pool(streams: Streams, terms: RevenueSettings, month: date, country: str, tier: str) -> Pool | None:
    """The pool of these streams: of n streams, a listener with d in all is n/d, so their sum counts the listeners."""
    sizes, code = np.unique(streams.of_listener, return_inverse=True)
    of_size = np.zeros(len(sizes), np.int64)
    np.add.at(of_size, code, streams.streams)
    return pool_of(terms, month=month, country=country, tier=tier, listeners=int((of_size // sizes).sum()))


def _payouts(
    shares: _Shares, streams: Streams, pool: Pool, terms: RevenueSettings, same: dict[str, Any]
) -> Iterator[_Payout]:
    shares = shares.of(np.flatnonzero(streams.streams[shares.row] > 0))
    present, part = np.unique(shares.payee, return_inverse=True)
    payees = [shares.names[payee] for payee in present.tolist()]
    counts = np.zeros(len(payees), np.int64)
    np.add.at(counts, part, streams.streams[shares.row])
    is_split = bool((shares.millionths != MILLIONTHS).any())
    unit, whole = pool.unit, pool.minor * pool.unit
    for model, counting in MODELS.items():
        of_model = {**same, c.MODEL: model, c.CURRENCY: pool.currency, c.POOL: whole}
        numerator, denominator = counting(streams.of(shares.row), terms.artist_centric)
        weights = Weights(part, numerator * shares.millionths if is_split else numerator, denominator)
        minor = divided(pool.minor, integer_weights(weights, parts=len(payees)))
        if minor is not None:
            yield _Payout(payees, counts.tolist(), [one * unit for one in minor], of_model)
        else:
            held, amounts = (SUSPENSE, SUSPENSE), [Decimal(0)] * len(payees)
            yield _Payout([*payees, held], [*counts.tolist(), 0], [*amounts, whole], of_model)


def _table(paid: list[_Payout], month: date, schema: pa.Schema) -> pa.Table:
    sizes = np.array([len(payout.payees) for payout in paid], np.int64)
    which = pa.array(np.repeat(np.arange(len(paid)), sizes))
    each: dict[str, list[Any]] = {
        c.PAYEE_TYPE: [kind for payout in paid for kind, _ in payout.payees],
        c.PAYEE_ID: [name for payout in paid for _, name in payout.payees],
        c.STREAMS: [count for payout in paid for count in payout.streams],
        c.AMOUNT: [amount for payout in paid for amount in payout.amounts],
    }
    constant: dict[str, Any] = {c.MONTH: month, c.STATUS: PROVISIONAL, c.REASON: None, c.BOOKED_ON: None}

    def column(field: pa.Field) -> pa.Array:
        if field.name in each:
            return pa.array(each[field.name], field.type)
        if field.name in constant:
            return pa.repeat(pa.scalar(constant[field.name], field.type), len(which))
        return pa.array([payout.same[field.name] for payout in paid], field.type).take(which)

    return pa.table([column(field) for field in schema], schema=schema)
