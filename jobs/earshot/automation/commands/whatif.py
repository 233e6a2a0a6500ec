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
    from earshot.analytics.revenue.whatif import Comparison, Hands, Moved, Payee


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
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE of [revenue], such as artist_centric.listener_cap=500; again for more."),
    ] = None,
    month: Annotated[str | None, typer.Option(help="YYYY-MM; default the latest with payouts.")] = None,
    suspects: Annotated[str, typer.Option(help="included, or excluded: suspect streams earn nothing.")] = "included",
    top: Annotated[int, typer.Option(min=1, help="Show so many who gain, and who lose, in each currency.")] = 10,
) -> None:
    """Show who would gain and who would lose; the published tables stay as they are."""
    from earshot.analytics.optimisation.demand_at import demand_at  # noqa: PLC0415 (keeps --help instant)
    from earshot.analytics.revenue import whatif as runs  # noqa: PLC0415
    from earshot.analytics.revenue import whatif_terms as given  # noqa: PLC0415
    from earshot.core.table_history import TableHistory  # noqa: PLC0415

    call = current()
    root, prices, changes = call.settings.lake_root, price or [], setting or []
    wanted = given.model_named(model, "option --model") if model else None
    kept = given.suspects_named(suspects, "option --suspects")
    of_month = given.month_named(month, TableHistory(root, "gold.revenue").days())
    terms = runs.terms_of(root, call.settings, of_month)
    paid_model = terms.paid_model
    chosen = wanted or paid_model
    considered = given.with_prices(terms, prices, of_month)
    answers = demand_at(call.small_tables, terms, considered, of_month) if prices else []
    comparison = runs.compare(
        call.tables, call.settings, month=of_month, model=chosen, prices=prices, changes=changes, suspects=kept
    )
    told = {
        "month": f"{of_month:%Y-%m}",
        "model": chosen,
        "suspects": kept,
        "prices": prices,
        "settings": changes,
        "published": {"model": paid_model, "suspects": "included"},
    }
    title = f"What if {of_month:%Y-%m} were paid {_spoken(chosen)}, suspects {kept}"
    title += f", at {', '.join(prices)}" if prices else ""
    title += f", with {', '.join(changes)}" if changes else ""
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
        counts = f"{len(gains):,} gain, {len(losses):,} lose, {_unmoved(comparison, currency):,} neither"
        hands = _in_words(comparison.hands_of(currency), total, currency)
        parts += [table, Text(f"{hands} {counts}."), *_by_pool(comparison, currency, top)]
    return parts


def _in_words(hands: Hands, total: Moved, currency: str) -> str:
    unit = minor_unit(currency)
    moved = f"{hands.changing.quantize(unit):,} {currency}"
    share = f" ({100 * hands.changing / total.published:.2f} % of what is paid)" if total.published else ""
    said = f"{moved}{share} goes from some payees to others"
    if total.change:
        said += f", and the pools {'grow' if total.change > 0 else 'shrink'} by {abs(total.change).quantize(unit):,}"
    return f"{said}:"


def _by_pool(comparison: Comparison, currency: str, top: int) -> list[RenderableType]:
    """The pools in which most moves: how much they grow, and how much changes hands in them."""
    unit = minor_unit(currency)
    places = [
        (place, moved, comparison.hands[place])
        for place, moved in comparison.pools.items()
        if place[2] == currency and (moved.change or comparison.hands[place].changing)
    ]
    if not places:
        return []
    places.sort(key=lambda item: (-max(abs(item[1].change), item[2].changing), item[0]))
    table = Table(box=None, title_justify="left", title=f"\n{currency} by country and tier")
    table.add_column("pool")
    for heading in ("published", "what if", "change", "%", "changes hands"):
        table.add_column(heading, justify="right")
    for (country, tier, _), moved, hands in places[:top]:
        table.add_row(f"{country} {tier}", *_cells(moved, currency), f"{hands.changing.quantize(unit):,}")
    return [table]


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
        "moved": [
            {
                "currency": currency,
                "gained": str(hands.gained),
                "lost": str(hands.lost),
                "changes_hands": str(hands.changing),
            }
            for currency in comparison.currencies
            for hands in (comparison.hands_of(currency),)
        ],
        "pools": [
            {
                "country": place[0],
                "tier": place[1],
                "currency": place[2],
                **amounts(moved),
                "changes_hands": str(comparison.hands[place].changing),
            }
            for place, moved in comparison.pools.items()
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
    return f"{name} (rights holder)" if kind == "rights_holder" else name


def _answer(one: dict[str, Any]) -> str:
    return (
        f"{one['country']} {one['tier']} {one['before']} -> {one['price']}: of listeners who are offered it "
        f"{one['change']:+.0%} would take it ({one['lower']:+.0%} to {one['upper']:+.0%}; experiment "
        f"{one['experiment']}). Subscribers who have it were not asked: the amounts above keep every one."
    )


def _spoken(model: str) -> str:
    return model.replace("_", "-")
