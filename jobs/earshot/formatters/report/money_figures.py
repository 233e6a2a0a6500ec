"""What the report shows of money: the latest month by three models, and what suspect listens move."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from earshot.core.small_tables import SmallTables
from earshot.core.table_history import TableHistory

MODELS: Final = ("pro_rata", "user_centric", "artist_centric")
_SHOWN: Final = 10
_MOVED: Final = 6
_REVENUE: Final = "gold.revenue"
_KEYS: Final = ("currency", "model", "suspects", "payee_type", "payee_id")
_SUSPENSE: Final = "suspense"
_ZERO: Final = Decimal(0)


@dataclass(frozen=True)
class PayeeOfMonth:
    """What one payee is paid in the month, suspect listens included, by model."""

    name: str
    streams: int
    amounts: Mapping[str, Decimal]


@dataclass(frozen=True)
class Change:
    """A payee whose payout is another once suspect listens are left out."""

    name: str
    paid: Decimal
    moved: Decimal


@dataclass(frozen=True)
class MovedMoney:
    """What leaving out suspect listens moves in a currency; the pools stay as they are.

    Attributes:
        total: What is paid out.
        moved: What goes from those who lose to those who gain.
        held: What nobody may be paid, because every stream of its pool is suspect.
        gaining: How many payees gain.
        losing: How many lose.
        gains: The largest, first.
        losses: The largest, first.
    """

    currency: str
    total: Decimal
    moved: Decimal
    held: Decimal
    gaining: int
    losing: int
    gains: tuple[Change, ...]
    losses: tuple[Change, ...]


@dataclass(frozen=True)
class MoneyFigures:
    """The latest month with payouts; `currencies` begins with the one in which most payees are paid."""

    month: date
    model: str
    statuses: tuple[str, ...]
    currencies: tuple[MovedMoney, ...]
    payees: tuple[PayeeOfMonth, ...]


def collect_money(tables: SmallTables, day: date, names: Mapping[str, str], paid_model: str) -> MoneyFigures | None:
    """The latest month that has begun by the day; None where nothing is paid.

    Args:
        tables: The lake.
        day: The logical date.
        names: What payees are called.
        paid_model: The model by which suspect listens are weighed.
    """
    months = [month for month in TableHistory(tables.root, _REVENUE).days() if month <= day]
    if not months:
        return None
    rows = tables.arrow(_REVENUE, [("month", "=", max(months))], columns=[*_KEYS, "streams", "amount", "status"])
    amounts = _sums(rows)
    by_currency: dict[str, dict[tuple[str, str], dict[tuple[str, str], tuple[Decimal, int]]]] = defaultdict(dict)
    for (currency, model, suspects, kind, payee), sums in amounts.items():
        by_currency[currency].setdefault((kind, payee), {})[model, suspects] = sums
    ranked = sorted(by_currency, key=lambda currency: (-len(by_currency[currency]), currency))
    return MoneyFigures(
        max(months),
        paid_model,
        tuple(sorted(pc.unique(rows["status"]).to_pylist())),
        tuple(_moved(currency, by_currency[currency], names, paid_model) for currency in ranked),
        tuple(_payees(by_currency[ranked[0]], names, paid_model)),
    )


Sums = Mapping[tuple[str, str], tuple[Decimal, int]]
"""Amount and streams by model and suspects."""


def _sums(rows: pa.Table) -> dict[tuple[str, ...], tuple[Decimal, int]]:
    sums = rows.group_by(list(_KEYS)).aggregate([("amount", "sum"), ("streams", "sum")])
    return {tuple(row[name] for name in _KEYS): (row["amount_sum"], row["streams_sum"]) for row in sums.to_pylist()}


def _moved(currency: str, payees: Mapping[tuple[str, str], Sums], names: Mapping[str, str], model: str) -> MovedMoney:
    changes = [
        (kind, Change(_name((kind, payee), names), before, after - before))
        for (kind, payee), sums in payees.items()
        for before, after in ((_amount(sums, model, "included"), _amount(sums, model, "excluded")),)
    ]
    held = sum((_amount(sums, model, "excluded") for (kind, _), sums in payees.items() if kind == _SUSPENSE), _ZERO)
    paid = [change for kind, change in changes if kind != _SUSPENSE]
    losses = sorted((one for one in paid if one.moved < 0), key=lambda one: (one.moved, one.name))
    gains = sorted((one for one in paid if one.moved > 0), key=lambda one: (-one.moved, one.name))
    return MovedMoney(
        currency,
        total=sum((one.paid for _, one in changes), _ZERO),
        moved=-sum((one.moved for one in losses), _ZERO),
        held=held,
        gaining=len(gains),
        losing=len(losses),
        gains=tuple(gains[:_MOVED]),
        losses=tuple(losses[:_MOVED]),
    )


def _payees(payees: Mapping[tuple[str, str], Sums], names: Mapping[str, str], model: str) -> Iterable[PayeeOfMonth]:
    paid = [item for item in payees.items() if item[0][0] != _SUSPENSE]
    ranked = sorted(paid, key=lambda item: (-_amount(item[1], model, "included"), item[0]))
    for payee, sums in ranked[:_SHOWN]:
        amounts = {one: _amount(sums, one, "included") for one in MODELS}
        yield PayeeOfMonth(_name(payee, names), sums.get((model, "included"), (_ZERO, 0))[1], amounts)


def _amount(sums: Sums, model: str, suspects: str) -> Decimal:
    return sums.get((model, suspects), (_ZERO, 0))[0]


def _name(payee: tuple[Any, ...], names: Mapping[str, str]) -> str:
    kind, identity = payee
    name = names.get(identity, identity)
    return f"{name} (rights holder)" if kind == "rights_holder" else name
