"""A month's payouts by the three models side by side, and what moves once suspect listens are left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from html import escape
from typing import Any, Final

from earshot.formatters.report.amounts import change, money
from earshot.formatters.report.drawing import share

MODELS: Final = {"pro_rata": "pro rata", "user_centric": "user-centric", "artist_centric": "artist-centric"}
_NONE: Final = Decimal(0)
_SUSPENSE: Final = "suspense"
_SHOWN, _MOVED = 10, 5


@dataclass(frozen=True)
class PaidPayee:
    """What one payee gets.

    Attributes:
        by_model: By model, suspects included.
        moved: What changes under the paid model without suspect listens.
    """

    name: str
    by_model: Mapping[str, Decimal]
    moved: Decimal


@dataclass(frozen=True)
class PayoutsByModel:
    """One month in one currency.

    Attributes:
        pool: What the payouts add up to, the same by every model.
        others: Pools of the month in other currencies.
        payees: Every payee, best paid by the paid model first.
        paid: The paid model.
        held: What nobody may be paid without suspect listens: every stream of its pool is suspect.
        is_closed: Whether the month is frozen.
    """

    month: date
    currency: str
    pool: Decimal
    others: Mapping[str, Decimal]
    payees: tuple[PaidPayee, ...]
    paid: str
    is_closed: bool
    held: Decimal = _NONE

    @property
    def shifted(self) -> Decimal:
        """What payees lose without suspect listens; others gain it, but for what is held."""
        return -sum((payee.moved for payee in self.payees if payee.moved < 0), _NONE)


def payouts_by_model(
    rows: Sequence[Mapping[str, Any]], names: Mapping[str, str], *, paid: str = "pro_rata"
) -> PayoutsByModel | None:
    """The payouts of the latest month, in the currency with most payees.

    Args:
        rows: Of gold.revenue, or sums of its amounts by month, currency, model, payee_type, payee_id, suspects and
            status; adjustments count to their month.
        names: What payees are called.
        paid: The model by which is really paid.

    Returns:
        None where there is no row.
    """
    if not rows:
        return None
    month = max(row["month"] for row in rows)
    of_month = [row for row in rows if row["month"] == month]
    payees: dict[str, set[tuple[str, str]]] = defaultdict(set)
    pools: dict[str, Decimal] = defaultdict(Decimal)
    amounts: dict[tuple[str, str, str], dict[tuple[str, str], Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in of_month:
        who = row["currency"], row["payee_type"], row["payee_id"]
        payees[row["currency"]].add(who[1:])
        amounts[who][row["model"], row["suspects"]] += row["amount"]
        if (row["model"], row["suspects"]) == (paid, "included"):
            pools[row["currency"]] += row["amount"]
    currency = min(payees, key=lambda code: (-len(payees[code]), code))
    found = [
        PaidPayee(
            _name(kind, identity, names),
            {model: paid_out[model, "included"] for model in MODELS},
            paid_out[paid, "excluded"] - paid_out[paid, "included"],
        )
        for (code, kind, identity), paid_out in amounts.items()
        if code == currency and kind != _SUSPENSE
    ]
    held = amounts[currency, _SUSPENSE, _SUSPENSE][paid, "excluded"]
    ranked = sorted(found, key=lambda payee: (-payee.by_model[paid], payee.name))
    others = {code: pool for code, pool in sorted(pools.items()) if code != currency}
    closed = any(row["status"] == "closed" for row in of_month)
    return PayoutsByModel(month, currency, pools[currency], others, tuple(ranked), paid, closed, held)


def payouts_section(payouts: PayoutsByModel) -> str:
    """The best paid, with a mark for each model on one scale, and who gains and loses without suspect listens."""
    best = payouts.payees[:_SHOWN]
    top = max((amount for payee in best for amount in payee.by_model.values()), default=_NONE) or Decimal(1)
    keys = "".join(f'<span><i class="m {model}"></i>{words}</span>' for model, words in MODELS.items())
    head = "".join(f'<span class="n wide">{words}</span>' for words in MODELS.values())
    lines = "".join(_lane(payee, top, payouts.currency) for payee in best)
    others = "".join(f", {money(pool, code)}" for code, pool in payouts.others.items())
    state = "closed" if payouts.is_closed else "provisional"
    note = (
        f"{payouts.month:%B %Y}, {state}: {money(payouts.pool, payouts.currency)} to {len(payouts.payees):,} payees"
        f"{f' (other currencies: {others[2:]})' if others else ''}. Every model pays out the same pool to the "
        "minor unit; the best paid, suspect listens included."
    )
    return (
        f"<section><h2>Payouts by model</h2><p>{note}</p>"
        f'<div class="key models">{keys}</div>'
        f'<div class="lanes"><div class="lane head"><span>payee</span><span></span>{head}</div>{lines}</div>'
        f"{_without_suspects(payouts)}</section>"
    )


def _lane(payee: PaidPayee, top: Decimal, currency: str) -> str:
    marks = "".join(
        f'<i class="m {model}" style="left:{float(amount / top):.2%}" title="{words}: {money(amount, currency)}"></i>'
        for model, words in MODELS.items()
        for amount in (payee.by_model[model],)
    )
    low, high = min(payee.by_model.values()), max(payee.by_model.values())
    span = f'<u style="left:{float(low / top):.2%};width:{float((high - low) / top):.2%}"></u>'
    cells = "".join(
        f'<span class="n wide">{money(payee.by_model[model], currency).rpartition(" ")[0]}</span>' for model in MODELS
    )
    told = ", ".join(f"{words} {money(payee.by_model[model], currency)}" for model, words in MODELS.items())
    range_ = f'<small class="narrow">{money(low, currency)} to {money(high, currency)}</small>'
    return (
        f'<div class="lane"><span class="name">{escape(payee.name)}{range_}</span>'
        f'<span class="track" role="img" aria-label="{escape(told)}">{span}{marks}</span>{cells}</div>'
    )


def _without_suspects(payouts: PayoutsByModel) -> str:
    moved = sorted((payee for payee in payouts.payees if payee.moved), key=lambda payee: payee.moved)
    if not moved:
        return '<h3>Without suspect listens</h3><p class="note">Nothing moves.</p>'
    losers, gainers = [p for p in moved if p.moved < 0][:_MOVED], [p for p in reversed(moved) if p.moved > 0][:_MOVED]
    top = max(abs(payee.moved) for payee in moved)
    part = share(float(payouts.shifted / payouts.pool)) if payouts.pool else "–"
    words = (
        f"{money(payouts.shifted, payouts.currency)} ({part} of the pool) goes to other payees, {MODELS[payouts.paid]}."
    )
    if payouts.held:
        words += f" {money(payouts.held, payouts.currency)} of it is held: nobody else was heard there."
    lines = "".join(_bar(payee, top, payouts.currency) for payee in (*losers, *reversed(gainers)))
    counts = f"{sum(p.moved < 0 for p in moved):,} lose, {sum(p.moved > 0 for p in moved):,} gain."
    return (
        f'<h3>Without suspect listens</h3><p class="told"><b>{words}</b> {counts} Who loses and gains most:</p>'
        f'<div class="diverging">{lines}</div>'
    )


def _bar(payee: PaidPayee, top: Decimal, currency: str) -> str:
    width = f"{float(abs(payee.moved) / top) / 2:.2%}"
    side = "loss" if payee.moved < 0 else "gain"
    return (
        f'<div class="lane two-way"><span class="name">{escape(payee.name)}</span>'
        f'<span class="axis"><i class="{side}" style="width:{width}"></i></span>'
        f'<span class="n {"down" if side == "loss" else "up"}">{change(payee.moved, currency)}</span></div>'
    )


def _name(kind: str, identity: str, names: Mapping[str, str]) -> str:
    name = "unknown artist" if identity == "unknown" else names.get(identity, identity)
    return name if kind == "artist" else f"{name} ({kind.replace('_', ' ')})"
