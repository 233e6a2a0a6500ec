"""`earshot offers` and `earshot concentration`: what offers and prices do, and on whom payouts fall."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from earshot.automation.invocation import current
from earshot.core.errors import ArgumentError, InputError
from earshot.core.explanations import nearest
from earshot.core.settings import Settings

Row = Mapping[str, Any]

_ADVICE = (
    "Put assignments into HOME/catalogue/offers/*.csv (experiment,listener,arm,assigned_at,probability,country,tier,"
    "offered_tier,price,currency,received,converted_at), then run `earshot run optimise_offers`."
)
_OF_ARM = ("conversion_rate", "effect", "effect_adjusted", "effect_received", "heterogeneity", "effect_spread", "qini")
_TRIED = 8_000
_SHARES = ("gini", "top_1_percent_share", "top_10_percent_share", "hhi")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("offers")(offers)
    app.command("concentration")(concentration)


def offers(
    experiment: Annotated[str | None, typer.Argument(help="Only this one.", show_default=False)] = None,
) -> None:
    """Show what each experiment says: effects, who is moved, prices and policies, with 95 % intervals.

    Raises:
        InputError: No experiment was answered yet, or not this one.
    """
    rows = _figures("offers")
    names = sorted({row["subject"] for row in rows})
    if not names:
        raise InputError("No experiment was answered yet.", where="gold.optimisation", remedy=_ADVICE)
    if experiment is not None and experiment not in names:
        remedy = f"The nearest is {nearest(experiment, names)}; all: {', '.join(names)}."
        raise InputError(f"There is no experiment {experiment!r}.", where="argument EXPERIMENT", remedy=remedy)
    shown = [name for name in names if experiment in {None, name}]
    chosen = [row for row in rows if row["subject"] in shown]
    parts = [part for name in shown for part in _experiment(name, [row for row in rows if row["subject"] == name])]
    current().emit(Group(*parts), {"status": "done", "exit_code": 0, "figures": chosen})


def concentration(
    month: Annotated[str | None, typer.Option(help="YYYY-MM; default the latest that was measured.")] = None,
) -> None:
    """Show how unequally a month's payouts are shared, by model and country, with 95 % intervals.

    Raises:
        InputError: No month was measured yet, or not this one.
    """
    rows = _figures("payouts")
    months = sorted({row["subject"] for row in rows})
    remedy = "Run `earshot run optimise_offers`: it measures months that are over; --option month=YYYY-MM names any."
    if not months or month not in {None, *months}:
        what = f"{month} was not measured." if months else "No month was measured yet."
        raise InputError(what, where="gold.optimisation", remedy=remedy)
    wanted = month or months[-1]
    chosen = [row for row in rows if row["subject"] == wanted]
    told = {"status": "done", "exit_code": 0, "month": wanted, "figures": chosen}
    current().emit(Group(*_month(wanted, chosen)), told)


def evaluate_offers(settings: Settings, trials: int | None = None) -> dict[str, Any]:
    """Against HOME's truth, or over simulated trials the coverage of the intervals."""
    if trials is None:
        from earshot.automation.offers_truth import judge_home  # noqa: PLC0415 (keeps --help instant)

        return judge_home(settings)
    if trials < 1:
        raise ArgumentError(f"--trials is {trials}.", where="option --trials", remedy="Use at least 1.")
    from earshot.automation.offers_trials import cover  # noqa: PLC0415 (keeps --help instant)

    return cover(trials, listeners=_TRIED, settings=settings.optimisation, processes=os.cpu_count() or 1)


def _figures(topic: str) -> list[dict[str, Any]]:
    return current().small_tables.rows("gold.optimisation", [("topic", "=", topic)])


def _experiment(name: str, rows: list[dict[str, Any]]) -> list[RenderableType]:
    design = "association" if any(row["design"] == "association" for row in rows) else "randomised"
    listeners = max((row["listeners"] or 0 for row in rows), default=0)
    causal = "effects are caused by the offer" if design == "randomised" else "no cause is claimed"
    parts: list[RenderableType] = [Text(f"\n{name}: {design}, {listeners:,} listeners; {causal}", style="bold")]
    arms = _by(rows, "arm")
    if arms:
        parts.append(_table("Arms against control", "arm", _OF_ARM, arms))
    for arm, of_arm in arms.items():
        groups = {row["dimensions"]["group"]: [row] for row in of_arm if row["metric"] == "effect_of_group"}
        if groups:
            title = f"Effect of {arm} by group, 1 = predicted to be moved least"
            parts.append(_table(title, "group", ("effect_of_group",), groups))
    if places := _by([row for row in rows if "tier" in row["dimensions"]], "tier", "country"):
        parts.append(_table("Prices", "tier, country", ("elasticity", "best_price", "best_price_gain"), places))
        parts += [Text(f"  {line}") for line in _what_ifs(rows)]
    if policies := _by([row for row in rows if row["metric"] == "policy_value"], "currency", "policy"):
        parts.append(_table("A listener brings a month", "currency, policy", ("policy_value",), policies))
    if gains := _by([row for row in rows if row["metric"] == "policy_gain"], "currency", "against"):
        title = "Choosing by listener brings more than"
        parts.append(_table(title, "currency, against", ("policy_gain",), gains))
    return parts + [Text(f"  refused: {line}", style="yellow") for line in _refusals(rows)]


def _by(rows: Iterable[dict[str, Any]], *names: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if names[0] in row["dimensions"]:
            found.setdefault(", ".join(row["dimensions"].get(name, "") for name in names), []).append(row)
    return dict(sorted(found.items()))


def _table(title: str, head: str, metrics: tuple[str, ...], by: Mapping[str, list[dict[str, Any]]]) -> Table:
    """A line a figure; the figure is named where there are several kinds."""
    table = Table(title=title, title_justify="left", box=None)
    for heading in (head, *(["figure"] if len(metrics) > 1 else []), "value (95 % interval)"):
        table.add_column(heading)
    for name, rows in by.items():
        told = {row["metric"]: row for row in rows if row["value"] is not None}
        for n, metric in enumerate(metric for metric in metrics if metric in told):
            figure = [metric.replace("_", " ")] if len(metrics) > 1 else []
            table.add_row(Text("" if n else name), *figure, _interval(told[metric]))
    return table


def _interval(row: Row) -> str:
    if row["lower"] is None:
        return f"{row['value']:.4g}"
    return f"{row['value']:.4g} ({row['lower']:.4g} to {row['upper']:.4g})"


def _what_ifs(rows: Iterable[Row]) -> Iterable[str]:
    for row in rows:
        of = row["dimensions"]
        if row["metric"] == "best_price" and row["value"] is not None:
            yield f"earshot whatif --price {of['country']}/{of['tier']}={row['value']:.2f}{of['currency']}"


def _refusals(rows: Iterable[Row]) -> Iterable[str]:
    for row in rows:
        if row["reason"]:
            of = ", ".join(row["dimensions"].values())
            yield f"{row['metric'].replace('_', ' ')}{f' of {of}' if of else ''}: {row['reason']}"


def _month(month: str, rows: list[dict[str, Any]]) -> list[RenderableType]:
    plain = _by([row for row in rows if "against" not in row["dimensions"]], "currency", "country", "model")
    moved = _by([row for row in rows if "against" in row["dimensions"]], "currency", "country", "model")
    changes = tuple(f"{measure}_change" for measure in _SHARES[:3])
    return [
        Text(f"\nPayouts of {month}, before artists share with rights holders", style="bold"),
        _table("How unequally they are shared", "currency, country, model", _SHARES, plain),
        _table("What a model moves against pro rata", "currency, country, model", changes, moved),
    ]
