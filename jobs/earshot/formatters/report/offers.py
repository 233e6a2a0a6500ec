"""The parts of the page about offers, prices and the concentration of payouts: intervals as whiskers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from earshot.formatters.report.drawing import number
from earshot.formatters.report.figures import ReportFigures
from earshot.formatters.report.sections import section, two

Row = Mapping[str, Any]

_MODELS = {"pro_rata": "pro rata", "user_centric": "user-centric", "artist_centric": "artist-centric"}


def offers(figures: ReportFigures) -> str:
    """What each experiment says of its arms and prices; nothing where there is no experiment."""
    rows = [row for row in figures.optimisation if row["topic"] == "offers"]
    return "".join(_experiment(name, [r for r in rows if r["subject"] == name]) for name in _subjects(rows))


def concentration(figures: ReportFigures) -> str:
    """How unequally the latest measured month is shared, by model; nothing where none was measured."""
    rows = [row for row in figures.optimisation if row["topic"] == "payouts" and row["lower"] is not None]
    if not rows:
        return ""
    month = max(_subjects(rows))
    of_month = [row for row in rows if row["subject"] == month]
    widest = max(of_month, key=lambda row: row["listeners"])["dimensions"]
    shown = [r for r in of_month if all(r["dimensions"].get(k) == widest.get(k) for k in ("country", "currency"))]
    gini, top = (
        whiskers([(_model(r), r) for r in shown if r["metric"] == metric]) for metric in ("gini", "top_1_percent_share")
    )
    place = "all countries" if widest["country"] == "ALL" else widest["country"]
    note = (
        f"{month}, {escape(place)} in {escape(widest['currency'])}. A bar is the 95 % interval: how far the figure "
        "would move had another sample of as many listeners listened."
    )
    body = two(f"<h3>Gini coefficient</h3>{gini}", f"<h3>Share of the top 1 % of artists</h3>{top}")
    return section("Concentration of payouts", note, body)


def whiskers(rows: Sequence[tuple[str, Row]]) -> str:
    """Figures with their intervals on one scale, a line each; a thin line marks zero where it is on the scale."""
    known = [(label, row) for label, row in rows if row["lower"] is not None]
    if not known:
        return ""
    low = min(0.0, *(row["lower"] for _, row in known)) if any(r["lower"] < 0 for _, r in known) else 0.0
    high = max(0.0, *(row["upper"] for _, row in known))
    span = (high - low) or 1.0

    def at(value: float) -> str:
        return f"{(value - low) / span:.2%}"

    lines = "".join(
        f"<tr><td>{escape(label)}</td><td class=whisker><i class=zero style='left:{at(0)}'></i>"
        f"<i class=reach style='left:{at(row['lower'])};width:{(row['upper'] - row['lower']) / span:.2%}'></i>"
        f"<i class=dot-at style='left:{at(row['value'])};top:50%'></i></td>"
        f"<td class=n>{number(row['value'])}"
        f" <small>({number(row['lower'])} to {number(row['upper'])})</small></td></tr>"
        for label, row in known
    )
    return f"<div class=scroll><table class=whiskers>{lines}</table></div>"


def _experiment(name: str, rows: list[Row]) -> str:
    association = any(row["design"] == "association" for row in rows)
    title = f"Offers: {escape(name)}"
    causal = (
        "Nobody drew lots: what goes with the offer, not what it does."
        if association
        else "Arms were drawn by lot: the effects are caused by the offer, among listeners like these."
    )
    adjusted = {r["dimensions"]["arm"]: r for r in rows if r["metric"] == "effect_adjusted" and r["value"] is not None}
    plain = {r["dimensions"]["arm"]: r for r in rows if r["metric"] == "effect" and r["value"] is not None}
    effects = whiskers(sorted((plain | adjusted).items()))
    prices = whiskers(
        [(_place(row), row) for row in rows if row["metric"] == "elasticity" and row["value"] is not None]
    )
    gains = whiskers([(_gain(row), row) for row in rows if row["metric"] == "policy_gain"])
    parts = [
        f"<h3>{head}</h3>{drawn}"
        for head, drawn in (
            ("Change of the share that converts, against control", effects),
            ("Price elasticity of conversions", prices),
            ("Gain a listener and month from choosing the offer by listener", gains),
        )
        if drawn
    ]
    refused = next((row["reason"] for row in rows if row["metric"] == "effect" and row["reason"]), None)
    if refused:
        return section(title, f"Refused: {escape(refused)}.")
    return section(title, f"{causal} Bars are 95 % intervals.", "".join(parts))


def _subjects(rows: Sequence[Row]) -> list[str]:
    return sorted({row["subject"] for row in rows})


def _model(row: Row) -> str:
    name = str(row["dimensions"]["model"])
    return _MODELS.get(name, name)


def _place(row: Row) -> str:
    return f"{row['dimensions']['country']} {row['dimensions']['tier']}"


def _gain(row: Row) -> str:
    against = "no offer" if row["dimensions"]["against"] == "control" else "the best single offer"
    return f"{row['dimensions']['currency']}, over {against}"
