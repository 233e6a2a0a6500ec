"""`earshot playback`: playback quality by day, week, month, country, device, CDN or version, without Spark."""

from __future__ import annotations

from typing import Annotated, Any, cast, get_args

import typer
from rich.table import Table
from rich.text import Text

from earshot.automation.dates import parse_day
from earshot.automation.invocation import current
from earshot.core.errors import ArgumentError, InputError

_SHOWN = {
    "plays": "plays",
    "startup_ms_p50": "startup p50",
    "startup_ms_p95": "p95",
    "startup_ms_p99": "p99 ms",
    "start_failures": "failed",
    "exits_before_start": "exits",
    "rebuffer_ratio": "stalled",
    "rebuffer_per_hour": "stalls/h",
    "bitrate_kbps_mean": "kbit/s",
    "bitrate_switches_per_hour": "switches/h",
    "quality_score": "score",
    "leaving_ratio": "left after a stall",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("playback")(playback)


def playback(
    period: Annotated[str, typer.Option("--by", help="hour, day, week, month, or all for one row.")] = "day",
    per: Annotated[
        list[str] | None, typer.Option(help="country, device, cdn or app_version; again for more than one.")
    ] = None,
    first: Annotated[str | None, typer.Option("--from", help="First day; default the first there is.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day; default the last there is.")] = None,
    fewest: Annotated[int, typer.Option(min=1, help="Leave out rows of fewer plays.")] = 1,
) -> None:
    """Startup, failures, stalls, bitrate and score, added up from the hourly cells of gold.audio_quality.

    Percentiles come from sketches, within half a percent of the plays' own; all else is exact. "left after a stall" is
    how many times as high the odds were that a play was the last of its session where it stalled, with its 95 %
    interval, among plays of the same listener in the same hour: an association, no proof of cause.

    Raises:
        InputError: There are no cells of these days.
    """
    from earshot.core.playback_rollup import COLUMNS, DIMENSIONS, Period, roll_up  # noqa: PLC0415 (--help instant)

    chosen = tuple(dict.fromkeys(per or ()))
    _one_of(period, (*get_args(Period), "all"), "--by")
    for name in chosen:
        _one_of(name, DIMENSIONS, "--per")
    bounds = [
        ("quality_date", sign, parse_day(day, o))
        for sign, day, o in ((">=", first, "--from"), ("<=", last, "--to"))
        if day
    ]
    cells = current().small_tables.arrow("gold.audio_quality", bounds or None, COLUMNS)
    rolled = roll_up(cells, period=None if period == "all" else cast("Period", period), by=chosen)
    if not rolled.num_rows:
        raise InputError(
            "There is no playback quality of these days.",
            where="gold.audio_quality",
            remedy="Run `earshot demo` or `earshot run`, or name other days with --from and --to; days that were built "
            "by a version without sketches have to be built again.",
        )
    rows = [row for row in rolled.to_pylist() if row["plays"] >= fewest]
    keys = [*(() if period == "all" else ("period_start",)), *chosen]
    current().emit(
        _table(rows, keys, period), {"period": period, "per": list(chosen), "rows": [_plain(r) for r in rows]}
    )


def _one_of(word: str, known: tuple[str, ...], option: str) -> None:
    if word not in known:
        from earshot.core.explanations import nearest  # noqa: PLC0415 (keeps --help instant)

        remedy = f"Use {nearest(word, known)}, or another of: {', '.join(known)}."
        raise ArgumentError(f"{word!r} is not known.", where=f"option {option}", remedy=remedy)


def _table(rows: list[dict[str, Any]], keys: list[str], period: str) -> Table:
    table = Table(box=None)
    for key in keys:
        table.add_column(period if key == "period_start" else key)
    for heading in _SHOWN.values():
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*(Text(_key(row[key], period)) for key in keys), *(_cell(name, row) for name in _SHOWN))
    return table


def _key(value: Any, period: str) -> str:
    return value if isinstance(value, str) else f"{value:%Y-%m-%d %H:00}" if period == "hour" else f"{value:%Y-%m-%d}"


def _cell(name: str, row: dict[str, Any]) -> str:
    value = row[name]
    if value is None:
        return "–"
    if name == "rebuffer_ratio":
        return f"{100 * value:.2f} %"
    if name == "leaving_ratio":
        return f"{value:.2f} ({row['leaving_lower']:.2f}–{row['leaving_upper']:.2f})"
    return (
        f"{value:,}" if isinstance(value, int) else f"{value:,.0f}" if name.startswith("startup") else f"{value:,.1f}"
    )


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
