"""`earshot whatif`: what a month would have been paid by another model, at another price, without suspects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from earshot.automation.invocation import current
from earshot.core.currencies import minor_unit

if TYPE_CHECKING:
    from earshot.analytics.revenue.whatif import Comparison, Moved, Payee


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("whatif")(whatif)


def whatif(
    model: Annotated[
        str | None, typer.Option(help="pro-rata, user-centric or artist-centric; default the paid one.")
    ] = None,
    price: Annotated[
        list[str] | None,
        typer.Option(help="COUNTRY\\[/TIER]=PRICE, such as DE=12.99 (premium) or US/family=17.99; again for more."),
    ] = None,
    month: Annotated[str | None, typer.Option(help="YYYY-MM; default the latest with payouts.")] = None,
    suspects: Annotated[str, typer.Option(help="included, or excluded: suspect streams earn nothing.")] = "included",
    top: Annotated[int, typer.Option(min=1, help="Show so many who gain, and who lose, in each currency.")] = 10,
) -> None:
    """Show who would gain and who would lose; the published tables stay as they are."""
    from earshot.analytics.optimisation.demand_at import demand_at  # noqa: PLC0415 (keeps --help instant)
    from earshot.analytics.revenue import whatif as runs  # noqa: PLC0415
    from earshot.core.table_history import TableHistory  # noqa: PLC0415

    call = current()
    paid_model = call.settings.revenue.paid_model
    chosen = runs.model_named(model, "option --model") if model else paid_model
    kept = runs.suspects_named(suspects, "option --suspects")
    of_month = runs.month_named(month, TableHistory(call.settings.lake_root, "gold.revenue").days())
    changed = runs.with_prices(call.settings.revenue, price or (), of_month)
    answers = demand_at(call.small_tables, call.settings.revenue, changed, of_month) if price else []
    comparison = runs.compare(
        call.tables(), call.settings, month=of_month, model=chosen, prices=price or (), suspects=kept
    )
    told = {
        "month": f"{of_month:%Y-%m}",
        "model": chosen,
        "suspects": kept,
        "prices": list(price or ()),
        "published": {"model": paid_model, "suspects": "included"},
    }
    title = f"What if {of_month:%Y-%m} were paid {_spoken(chosen)}, suspects {kept}"
    title += f", at {', '.join(price)}" if price else ""
    call.emit(
        Group(
            f"{title}?\nAgainst what is published: {_spoken(paid_model)}, suspects included. Nothing was written.",
            *_shown(comparison, _names(), top),
            *(Text(_answer(one)) for one in answers),
        ),
        {"status": "done", "exit_code": 0, **told, **_machine(comparison), "demand": answers},
    )


def _shown(comparison: Comparison, names: dict[str, str], top: int) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for currency in comparison.currencies:
        total = comparison.total(currency)
        moved = [(payee, m) for payee, m in comparison.payees.items() if payee[0] == currency and m.change]
        gains, losses = [p for p in moved if p[1].change > 0], [p for p in moved if p[1].change < 0]
        table = Table(box=None, title_justify="left", title=f"\n{currency}")
        table.add_column("payee", overflow="fold")
        for heading in ("published", "what if", "change", "%"):
            table.add_column(heading, justify="right")
        for payee, amounts in gains[:top]:
            table.add_row(Text(_name(payee, names)), *_cells(amounts, currency))
        if gains and losses:
            table.add_section()
        for payee, amounts in losses[-top:]:
            table.add_row(Text(_name(payee, names)), *_cells(amounts, currency))
        table.add_section()
        table.add_row("all payees = all pools", *_cells(total, currency), style="bold")
        parts += [
            table,
            Text(f"{len(gains):,} gain, {len(losses):,} lose, {_unmoved(comparison, currency):,} neither."),
        ]
    return parts


def _cells(moved: Moved, currency: str) -> tuple[str, str, str, str]:
    unit = minor_unit(currency)
    share = f"{100 * moved.change / moved.published:+.1f}" if moved.published else ""
    return (
        f"{moved.published.quantize(unit):,}",
        f"{moved.what_if.quantize(unit):,}",
        f"{moved.change.quantize(unit):+,}",
        share,
    )


def _unmoved(comparison: Comparison, currency: str) -> int:
    return sum(payee[0] == currency and not moved.change for payee, moved in comparison.payees.items())


def _machine(comparison: Comparison) -> dict[str, Any]:
    def amounts(moved: Moved) -> dict[str, str]:
        return {"published": str(moved.published), "what_if": str(moved.what_if), "change": str(moved.change)}

    return {
        "pools": [
            {"country": country, "tier": tier, "currency": currency, **amounts(moved)}
            for (country, tier, currency), moved in comparison.pools.items()
        ],
        "payees": [
            {"currency": currency, "payee_type": kind, "payee_id": name, **amounts(moved)}
            for (currency, kind, name), moved in comparison.payees.items()
        ],
    }


def _names() -> dict[str, str]:
    """What payees are called, as the catalogue and the splits have it."""
    tables = current().small_tables
    named: dict[str, str] = {}
    for table, identity, name in (
        ("silver.tracks", "artist_id", "artist_name"),
        ("silver.rights", "rights_holder_id", "rights_holder_name"),
    ):
        rows = tables.arrow(table, columns=[identity, name])
        named |= {i: n for i, n in zip(*(column.to_pylist() for column in rows.columns), strict=True) if i and n}
    return named


def _name(payee: Payee, names: dict[str, str]) -> str:
    _, kind, identity = payee
    name = names.get(identity, identity)
    return name if kind == "artist" else f"{name} ({kind.replace('_', ' ')})"


def _answer(one: dict[str, Any]) -> str:
    return (
        f"{one['country']} {one['tier']} {one['before']} -> {one['price']}: of listeners who are offered it "
        f"{one['change']:+.0%} would take it ({one['lower']:+.0%} to {one['upper']:+.0%}; experiment "
        f"{one['experiment']}). Subscribers who have it were not asked: the amounts above keep every one."
    )


def _spoken(model: str) -> str:
    return model.replace("_", "-")
