"""How unevenly a month's money falls on payees: Lorenz curves of the models, with their Gini coefficients."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Final

from earshot.formatters.report.drawing import share
from earshot.formatters.report.payout_models import MODELS, PayoutsByModel

_POINTS: Final = 100
_LEAST: Final = 2


@dataclass(frozen=True)
class Lorenz:
    """One curve.

    Attributes:
        points: Share of payees (poorest first) and of the money that falls on them, from (0, 0) to (1, 1).
        gini: 0 where all get the same, towards 1 where one gets everything.
        top_percent: Share of the money that the best paid 1 % of payees get (at least one payee).
        top_ten_percent: The same of 10 %.
    """

    points: tuple[tuple[float, float], ...]
    gini: float
    top_percent: float
    top_ten_percent: float


def lorenz(amounts: Sequence[Decimal]) -> Lorenz | None:
    """The curve of some payouts.

    Gini = 2 sum(i x_i) / (n sum(x_i)) - (n + 1) / n over x sorted ascending, i from 1 (Gini 1912; Sen 1973, "On
    Economic Inequality").

    Args:
        amounts: One a payee, none negative.

    Returns:
        None of fewer than two payees, or where nothing is paid.
    """
    paid = sorted(float(amount) for amount in amounts)
    count, total = len(paid), sum(paid)
    if count < _LEAST or total <= 0:
        return None
    running = [0.0]
    for amount in paid:
        running.append(running[-1] + amount)
    weighted = sum(place * amount for place, amount in enumerate(paid, 1))
    places = sorted({round(n * count / _POINTS) for n in range(_POINTS + 1)} | {count - 1})
    points = tuple((place / count, running[place] / total) for place in places)

    def top(part: float) -> float:
        return 1 - running[count - max(1, math.floor(part * count))] / total

    return Lorenz(points, 2 * weighted / (count * total) - (count + 1) / count, top(0.01), top(0.1))


def concentration(payouts: PayoutsByModel) -> Mapping[str, Lorenz]:
    """The curve of each model; empty where there is too little to draw."""
    curves = {model: lorenz([max(p.by_model[model], Decimal(0)) for p in payouts.payees]) for model in MODELS}
    return {model: curve for model, curve in curves.items() if curve}


def concentration_section(payouts: PayoutsByModel, curves: Mapping[str, Lorenz]) -> str:
    """The curves beside the figures that they stand for."""
    first = curves.get(payouts.paid) or next(iter(curves.values()))
    paid = MODELS.get(payouts.paid, payouts.paid)
    words = f"The best paid 1 % of {len(payouts.payees):,} payees get {share(first.top_percent)} of the money, {paid}"
    lines = "".join(f'<polyline class="curve {model}" points="{_path(curve)}"/>' for model, curve in curves.items())
    rows = "".join(
        f'<tr><td><i class="m {model}"></i>{MODELS[model]}</td><td class=n><b>{curve.gini:.3f}</b></td>'
        f"<td class=n>{share(curve.top_percent)}</td><td class=n>{share(curve.top_ten_percent)}</td></tr>"
        for model, curve in curves.items()
    )
    figure = (
        '<figure class="lorenz"><div class="square">'
        f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="{escape(words)}">'
        '<line class="even" x1="0" y1="100" x2="100" y2="0"/>'
        f'{lines}</svg><span class="on-line">everyone gets the same</span>'
        '<span class="y-top">100 % of the money</span></div>'
        "<figcaption><span>poorest payee</span><span>richest</span></figcaption></figure>"
    )
    head = "<th>model<th class=n>Gini<th class=n>top 1 %<th class=n>top 10 %"
    table = f"<div><p class=told><b>{words}.</b></p><div class=scroll><table><tr>{head}</tr>{rows}</table></div>"
    note = (
        f"{payouts.month:%B %Y}, {payouts.currency}: what share of the money the payees up to each get, poorest first."
    )
    how = (
        "The further a curve sags below the diagonal, the fewer get most. A description of one month, not what a "
        "change of the model would bring about."
    )
    return (
        f"<section><h2>Payout concentration</h2><p>{note}</p>"
        f'<div class="two lean">{figure}{table}<p class="note">{how}</p></div></div></section>'
    )


def _path(curve: Lorenz) -> str:
    return " ".join(f"{x * 100:.2f},{100 - y * 100:.2f}" for x, y in curve.points)
