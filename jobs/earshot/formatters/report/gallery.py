"""The figures for those who sell and promote music, each read from gold where its table and columns are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from earshot.core.playback_rollup import COLUMNS, roll_up
from earshot.core.small_tables import SmallTables
from earshot.formatters.report.chart_week import ChartOfTheWeek, chart_of_the_week
from earshot.formatters.report.figure_rows import rows_if_there
from earshot.formatters.report.listening_clock import ListeningClock, local_clock, utc_clock
from earshot.formatters.report.movers import Movers, movers
from earshot.formatters.report.payout_models import PayoutsByModel, payouts_by_model
from earshot.formatters.report.playback_map import StartupMap, startup_map
from earshot.formatters.report.retention import Retention, retention

_CHART: Final = ("period_start", "entity", "entity_id", "rank", "streams", "listeners", "previous_rank")
_CAREER: Final = ("peak_rank", "periods_on_chart", "entry")
_PAYOUT: Final = ("month", "currency", "model", "payee_type", "payee_id", "suspects", "status")
_OF_ALL: Final = (("country", "=", "ALL"), ("tier", "=", "ALL"))


@dataclass(frozen=True)
class Gallery:
    """What there is to draw; None is left out of the page."""

    chart: ChartOfTheWeek | None = None
    clock: ListeningClock | None = None
    payouts: PayoutsByModel | None = None
    startup: StartupMap | None = None
    cohorts: Retention | None = None
    movers: Movers | None = None


def collect_gallery(
    tables: SmallTables,
    names: Mapping[str, str],
    rhythm: Mapping[tuple[int, int], int],
    since: date,
    day: date,
    *,
    top: int,
    paid_model: str,
) -> Gallery:
    """Read the figures as of the end of a day.

    Args:
        tables: The lake.
        names: What ids are called.
        rhythm: Plays by UTC weekday and hour, where the tables tell no local ones.
        since: First day of rates and rhythms.
        day: The logical date.
        top: Lines of a chart.
        paid_model: The model by which is really paid.
    """
    days = [("day", ">=", since), ("day", "<=", day)]
    on_clocks = rows_if_there(
        tables, "gold.behaviour", [*days, *_OF_ALL, ("metric", "=", "local_listens")], ("slice", "value")
    )
    audience = [("period_start", "<=", day), ("country", "=", "ALL")]
    by_day = [*audience, ("period", "=", "day")]
    cohorts = rows_if_there(tables, "gold.audience", by_day, ("period_start", "metric", "value", "volume"))
    moved = rows_if_there(
        tables,
        "gold.audience",
        [*audience, ("period", "=", "week"), ("metric", "in", ["track_trend", "artist_trend"])],
        ("period_start", "metric", "slice", "value", "volume", "q_value"),
    )
    return Gallery(
        chart=chart_of_the_week(_chart(tables, day, top), names, day, top=top),
        clock=local_clock(_rows(on_clocks)) or utc_clock(rhythm),
        payouts=payouts_by_model(_payouts(tables, day), {**_holders(tables), **names}, paid=paid_model),
        startup=startup_map(*_startup(tables, since, day)),
        cohorts=retention(_rows(cohorts)),
        movers=movers(_rows(moved), names),
    )


def _rows(table: pa.Table | None) -> list[dict[str, Any]]:
    return [] if table is None else list(table.to_pylist())


def _chart(tables: SmallTables, day: date, top: int) -> list[dict[str, Any]]:
    where = [
        ("period", "=", "week"),
        *_OF_ALL,
        ("suspects", "=", "excluded"),
        ("rank", "<=", top),
        ("period_start", "<=", day),
    ]
    told = rows_if_there(tables, "gold.charts", where, (*_CHART, *_CAREER))
    return _rows(told if told is not None else rows_if_there(tables, "gold.charts", where, _CHART))


def _payouts(tables: SmallTables, day: date) -> list[dict[str, Any]]:
    told = rows_if_there(tables, "gold.revenue", [("month", "<=", day)], (*_PAYOUT, "amount"))
    if told is None or not told.num_rows:
        return []
    latest = told.filter(pc.equal(told["month"], pc.max(told["month"])))
    return _rows(latest.group_by(list(_PAYOUT)).aggregate([("amount", "sum")]).rename_columns([*_PAYOUT, "amount"]))


def _holders(tables: SmallTables) -> dict[str, str]:
    told = rows_if_there(tables, "silver.rights", [], ("rights_holder_id", "rights_holder_name"))
    return {row["rights_holder_id"]: row["rights_holder_name"] for row in _rows(told) if row["rights_holder_name"]}


def _startup(tables: SmallTables, since: date, day: date) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Playback by country and device: of all days, and day by day."""
    cells = tables.arrow("gold.audio_quality", [("quality_date", ">=", since), ("quality_date", "<=", day)], COLUMNS)
    places = ("country", "device")
    return roll_up(cells, by=places).to_pylist(), roll_up(cells, period="day", by=places).to_pylist()
