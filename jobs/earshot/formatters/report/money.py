"""The page's part on money: who is paid what by which model, and what suspect listens take from whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape

from earshot.core.currencies import minor_unit
from earshot.formatters.report import drawing
from earshot.formatters.report.figures import ReportFigures
from earshot.formatters.report.money_figures import MODELS, Change, MoneyFigures, MovedMoney
from earshot.formatters.report.sections import section, table, two


def payouts(figures: ReportFigures) -> str:
    """The payees of the latest month by three models side by side."""
    money = figures.money
    if money is None or not money.payees:
        return section("Payouts", "No revenue pool: the logs name no paying tier.")
    currency = money.currencies[0].currency
    top = max(payee.amounts[money.model] for payee in money.payees) or Decimal(1)
    rows = "".join(
        f"<tr><td class=name>{escape(payee.name)}</td>"
        f"<td class=wide>{drawing.bar(float(payee.amounts[money.model] / top))}</td>"
        + "".join(f"<td class=n>{_beside(payee.amounts, model, money.model, currency)}</td>" for model in MODELS)
        + f"<td class=n>{payee.streams:,}</td></tr>"
        for payee in money.payees
    )
    heads = "".join(f"<th class=n>{escape(_spoken(model))}</th>" for model in MODELS)
    head = f"<th>payee<th class=wide>{heads}<th class=n>streams"
    paid = ", ".join(f"{_amount(one.total, one.currency)} {escape(one.currency)}" for one in money.currencies)
    note = (
        f"{money.month:%B %Y} ({_status(money)}): {paid}. In {escape(currency)}, by three models side by side; "
        f"{_spoken(money.model)} is paid, the others show what they would change."
    )
    return section("Payouts", note, f'<div class="scroll">{table(head, rows)}</div>')


def moved(figures: ReportFigures) -> str:
    """Who loses and who gains once suspect listens are left out, and how much moves in all."""
    money = figures.money
    if money is None or not money.payees:
        return ""
    some = [one for one in money.currencies if one.moved]
    title = "What suspect listens take"
    if not some:
        return section(title, "Nothing: no payout changes when suspect listens are left out.")
    said = "".join(f"<p>{_sentence(one)}</p>" for one in some)
    most = some[0]
    longest = max(abs(one.moved) for one in (*most.gains, *most.losses)) or Decimal(1)
    lose = _changes("Lose", most.losses, most, longest, "bad")
    gain = _changes("Gain", most.gains, most, longest, "good")
    note = (
        f"{money.month:%B %Y}, {_spoken(money.model)}: the same pools, without the streams that look manipulated. "
        "Every payee: earshot whatif --suspects excluded."
    )
    return section(title, note, said + two(lose, gain))


def _sentence(one: MovedMoney) -> str:
    currency = escape(one.currency)
    share = f"{100 * one.moved / one.total:.2f} %" if one.total else "–"
    held = (
        f" {_amount(one.held, one.currency)} {currency} of it is held: nobody else was heard there." if one.held else ""
    )
    return (
        f"<b>{_amount(one.moved, one.currency)} {currency}</b> ({share} of {_amount(one.total, one.currency)}) "
        f"goes from {_payees(one.losing)} to {_payees(one.gaining)}.{held}"
    )


def _changes(title: str, changes: Sequence[Change], one: MovedMoney, longest: Decimal, kind: str) -> str:
    rows = "".join(
        f"<tr><td class=name>{escape(change.name)}</td><td>{drawing.bar(float(abs(change.moved) / longest), kind)}</td>"
        f"<td class=n>{_amount(change.paid, one.currency)}</td>"
        f'<td class="n {"up" if change.moved > 0 else "down"}">{_signed(change.moved, one.currency)}</td></tr>'
        for change in changes
    )
    head = f"<th>payee<th><th class=n>paid<th class=n>{escape(one.currency)}"
    return f"<h3>{title}</h3>{table(head, rows)}"


def _beside(amounts: Mapping[str, Decimal], model: str, paid_model: str, currency: str) -> str:
    if model == paid_model:
        return f"<b>{_amount(amounts[model], currency)}</b>"
    change = amounts[model] - amounts[paid_model]
    kind = "up" if change > 0 else "down" if change < 0 else ""
    return f'{_amount(amounts[model], currency)} <small class="{kind}">{_signed(change, currency)}</small>'


def _status(money: MoneyFigures) -> str:
    if "provisional" in money.statuses:
        return "provisional"
    return "closed, with adjustments" if "adjustment" in money.statuses else "closed"


def _payees(count: int) -> str:
    return f"{count:,} payee{'' if count == 1 else 's'}"


def _amount(amount: Decimal, currency: str) -> str:
    return f"{amount.quantize(minor_unit(currency)):,}"


def _signed(amount: Decimal, currency: str) -> str:
    return f"{amount.quantize(minor_unit(currency)):+,}"


def _spoken(model: str) -> str:
    return model.replace("_", "-")
