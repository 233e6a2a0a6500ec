"""The figures of the report: each a function of rows, and each as it is drawn."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.small_tables import SmallTables
from earshot.formatters.report.amounts import change, money
from earshot.formatters.report.chart_week import chart_of_the_week, chart_section
from earshot.formatters.report.figure_rows import rows_if_there
from earshot.formatters.report.gallery import collect_gallery
from earshot.formatters.report.listening_clock import draw_clock, local_clock, utc_clock
from earshot.formatters.report.movers import movers, movers_section
from earshot.formatters.report.payout_concentration import concentration, concentration_section, lorenz
from earshot.formatters.report.payout_models import payouts_by_model, payouts_section
from earshot.formatters.report.playback_map import startup_map, startup_section
from earshot.formatters.report.retention import Returned, retention, retention_section

WEEK, DAY = date(2026, 3, 23), date(2026, 3, 29)
EVIL = '<script>"&'


def _chart_row(rank: int, previous: int | None, **more: Any) -> dict[str, Any]:
    row = {"period_start": WEEK, "entity": "track", "entity_id": f"t{rank}", "rank": rank, "streams": 100 - rank}
    return row | {"listeners": 3, "previous_rank": previous} | more


def test_the_chart_is_that_of_the_newest_week_in_order_of_rank() -> None:
    old = _chart_row(1, None, period_start=WEEK - timedelta(days=7), entity_id="old")
    chart = chart_of_the_week([_chart_row(2, 5), old, _chart_row(1, 1), _chart_row(3, None)], {"t1": "A"}, DAY, top=2)
    assert chart is not None
    assert (chart.week, chart.days) == (WEEK, 7)
    assert [(line.rank, line.name, line.previous_rank) for line in chart.tracks] == [(1, "A", 1), (2, "t2", 5)]
    assert chart_of_the_week([], {}, DAY, top=10) is None


def test_what_moved_is_told_with_arrow_number_and_words() -> None:
    rows = [
        _chart_row(1, 4),
        _chart_row(2, 1),
        _chart_row(3, 3),
        _chart_row(4, None),
        _chart_row(5, None, entry="re_entry"),
    ]
    chart = chart_of_the_week(rows, {}, DAY - timedelta(days=2), top=10)
    assert chart is not None
    page = chart_section(chart)
    for drawn in ('aria-label="up 3">▲ 3', 'aria-label="down 1">▼ 1', 'title="as last week"', ">new<", ">back<"):
        assert drawn in page
    assert "23 March to 27 March 2026, 5 of 7 days" in page


def test_peak_and_weeks_are_told_where_the_table_has_them() -> None:
    for more, told in (
        ({}, "last week 2 · 3 listeners"),
        ({"peak_rank": 1, "periods_on_chart": 9}, "peak 1 · 9 weeks"),
    ):
        chart = chart_of_the_week([_chart_row(1, 2, **more)], {}, DAY, top=10)
        assert chart is not None
        assert told in chart_section(chart)


def test_in_the_first_week_nothing_is_called_new() -> None:
    chart = chart_of_the_week([_chart_row(1, None)], {}, DAY, top=10)
    assert chart is not None
    assert "pill" not in chart_section(chart)
    assert "first week on record" in chart_section(chart)


def test_the_clock_is_the_listeners_own_and_tells_its_busiest_hour() -> None:
    clock = local_clock(
        [{"slice": "Mon 08", "value": 3.0}, {"slice": "Sun 23", "value": 9.0}, {"slice": "Mon 08", "value": 1.0}]
    )
    assert clock is not None
    assert (clock.plays, clock.is_local, clock.busiest) == ({(0, 8): 4, (6, 23): 9}, True, (6, 23))
    drawn = draw_clock(clock)
    assert "Busiest hour: Sun 23:00 to 00:00, 69.2 % of the week&#x27;s plays" in drawn
    assert drawn.count("--heat") == 7 * 24
    assert drawn.count("peak") == 1
    assert local_clock([]) is None
    assert utc_clock({}) is None


def _paid(payee: str, model: str, amount: str, suspects: str = "included", **more: Any) -> dict[str, Any]:
    row = {"month": date(2026, 3, 1), "currency": "EUR", "payee_type": "artist", "status": "provisional"}
    return row | {"payee_id": payee, "model": model, "amount": Decimal(amount), "suspects": suspects} | more


REVENUE = [
    *(
        _paid("a", model, amount)
        for model, amount in (("pro_rata", "70"), ("user_centric", "60"), ("artist_centric", "80"))
    ),
    *(
        _paid("b", model, amount)
        for model, amount in (("pro_rata", "30"), ("user_centric", "40"), ("artist_centric", "20"))
    ),
    _paid("a", "pro_rata", "50.50", "excluded"),
    _paid("b", "pro_rata", "49.50", "excluded"),
    _paid("c", "pro_rata", "900", currency="JPY"),
    _paid("a", "pro_rata", "999", month=date(2026, 2, 1)),
]


def test_payouts_are_those_of_the_latest_month_in_the_main_currency() -> None:
    payouts = payouts_by_model(REVENUE, {"a": "Anna"})
    assert payouts is not None
    assert (payouts.currency, payouts.pool, payouts.others) == ("EUR", Decimal(100), {"JPY": Decimal(900)})
    assert [(p.name, p.by_model["user_centric"], p.moved) for p in payouts.payees] == [
        ("Anna", Decimal(60), Decimal("-19.50")),
        ("b", Decimal(40), Decimal("19.50")),
    ]
    assert payouts.shifted == Decimal("19.50")
    assert payouts_by_model([], {}) is None


def test_payouts_are_drawn_with_currency_models_and_what_moves() -> None:
    payouts = payouts_by_model([*REVENUE, _paid("a", "pro_rata", "-1", status="adjustment")], {})
    assert payouts is not None
    page = payouts_section(payouts)
    for told in ("99.00 EUR to 2 payees", "other currencies: 900 JPY", "pro rata 69.00 EUR, user-centric 60.00 EUR"):
        assert told in page
    assert "18.50 EUR" in page
    assert "\u221218.50" in page


def test_what_nobody_may_be_paid_is_said_to_be_held() -> None:
    rows = [_paid("a", "pro_rata", "9.99"), _paid("a", "pro_rata", "0", "excluded")]
    held = _paid("suspense", "pro_rata", "9.99", "excluded", payee_type="suspense")
    payouts = payouts_by_model([*rows, held], {})
    assert payouts is not None
    page = payouts_section(payouts)
    assert "9.99 EUR of it is held: nobody else was heard there." in page
    assert "suspense" not in page


def test_without_suspects_nothing_is_said_to_move() -> None:
    payouts = payouts_by_model([_paid("a", "pro_rata", "7"), _paid("a", "pro_rata", "7", "excluded")], {})
    assert payouts is not None
    assert "Nothing moves" in payouts_section(payouts)


@pytest.mark.parametrize(
    ("value", "currency", "told"),
    [("1234.5", "EUR", "1,234.50 EUR"), ("1234.5", "JPY", "1,234 JPY"), ("1", "BHD", "1.000 BHD")],
)
def test_money_has_the_decimals_of_its_currency(value: str, currency: str, told: str) -> None:
    assert money(Decimal(value), currency) == told
    assert (change(Decimal("-0.001"), "EUR"), change(Decimal(3), "EUR")) == ("±0", "+3.00")


@given(st.lists(st.decimals(0, 10**6, places=2), min_size=2, max_size=300).filter(lambda amounts: sum(amounts) > 0))
@settings(max_examples=100, deadline=None)
def test_a_lorenz_curve_sags_and_its_gini_is_the_mean_difference(amounts: list[Decimal]) -> None:
    curve = lorenz(amounts)
    assert curve is not None
    values = np.array([float(amount) for amount in amounts])
    differences = np.abs(values[:, None] - values[None, :]).mean() / (2 * values.mean())
    assert curve.gini == pytest.approx(differences, abs=1e-9)
    assert (curve.points[0], curve.points[-1]) == ((0.0, 0.0), (1.0, 1.0))
    assert all(x0 < x1 and y0 <= y1 + 1e-12 and y1 <= x1 + 1e-9 for (x0, y0), (x1, y1) in pairwise(curve.points))
    assert curve.top_percent <= curve.top_ten_percent + 1e-12


def test_concentration_is_drawn_for_every_model_and_left_out_of_one_payee() -> None:
    payouts = payouts_by_model(REVENUE, {})
    assert payouts is not None
    curves = concentration(payouts)
    assert {model: round(curve.gini, 3) for model, curve in curves.items()} == {
        "pro_rata": 0.2, "user_centric": 0.1, "artist_centric": 0.3,
    }  # fmt: skip
    page = concentration_section(payouts, curves)
    assert page.count("<polyline") == 3
    assert "70.0 % of the money, pro rata" in page
    assert lorenz([Decimal(1)]) is None
    assert lorenz([Decimal(0), Decimal(0)]) is None


def _startup(country: str, device: str, n: int, p95: float | None, plays: int) -> dict[str, Any]:
    start = datetime(2026, 3, 23, tzinfo=UTC) + timedelta(days=n)
    return {"country": country, "device": device, "period_start": start, "startup_ms_p95": p95, "plays": plays}


def test_startup_times_have_a_cell_for_each_country_and_device_with_its_days() -> None:
    days = [_startup("DE", "ios", 0, 1000, 3), _startup("DE", "ios", 1, 2000, 1), _startup("US", "web", 0, None, 9)]
    whole = [_startup("DE", "ios", 0, 1250, 4), _startup("US", "web", 0, None, 9), _startup("unknown", "ios", 0, 9, 50)]
    startup = startup_map(whole, days)
    assert startup is not None
    assert (startup.countries, startup.devices) == (("DE",), ("ios",))
    assert startup.cells["DE", "ios"].p95_ms == 1250
    assert startup.cells["DE", "ios"].days == ((WEEK, 1000), (WEEK + timedelta(days=1), 2000))
    assert startup_map([], []) is None


def test_a_silent_device_has_an_empty_cell() -> None:
    startup = startup_map([_startup("DE", "ios", 0, 10, 3), _startup("US", EVIL, 0, 20, 2)], [])
    assert startup is not None
    page = startup_section(startup)
    assert page.count("<td></td>") == 3  # the corner, and two pairs without a play
    assert EVIL not in page


def test_cohorts_are_those_of_the_first_day_weighted_by_their_size() -> None:
    rows = [
        {"period_start": date(2026, 3, 24), "metric": "retention_day_1", "value": 0.5, "volume": 10},
        {"period_start": date(2026, 3, 25), "metric": "retention_day_1", "value": 0.2, "volume": 30},
        {"period_start": date(2026, 3, 24), "metric": "retention_day_7", "value": 0.1, "volume": 20},
        {"period_start": date(2026, 3, 24), "metric": "new_listeners", "value": 9.0, "volume": 20},
    ]
    cohorts = retention(rows)
    assert cohorts is not None
    assert cohorts.ages == (1, 7)
    assert cohorts.weeks[WEEK][1] == Returned(11.0, 40)
    assert cohorts.weeks[date(2026, 3, 16)][7] == Returned(2.0, 20)
    page = retention_section(cohorts)
    assert "27.5 %" in page
    assert 'title="11 of 40 listeners"' in page
    assert retention([]) is None


def test_the_interval_of_a_share_is_wilsons() -> None:
    low, high = Returned(10, 100).interval
    assert (round(low, 4), round(high, 4)) == (0.0552, 0.1744)
    low, high = Returned(81, 263).interval  # Newcombe (1998), "Two-sided confidence intervals", table I
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert Returned(0, 20).interval[0] == 0.0


def test_only_what_chance_does_not_explain_is_called_a_mover() -> None:
    def row(name: str, ratio: float, q: float | None, metric: str = "track_trend", day: date = WEEK) -> dict[str, Any]:
        return {"period_start": day, "metric": metric, "slice": name, "value": ratio, "volume": 40, "q_value": q}

    found = movers(
        [
            row("up", 3.0, 0.0004), row("more", 12.0, 0.01, "artist_trend"), row("down", 0.25, 0.04),
            row("noise", 2.0, 0.4),
            row("untested", 5.0, None), row("last week", 9.0, 0.001, day=WEEK - timedelta(days=7)),
        ],
        {"up": EVIL},
    )  # fmt: skip
    assert found is not None
    assert (found.tested, [m.name for m in found.rising], [m.name for m in found.falling]) == (
        4,
        ["more", EVIL],
        ["down"],
    )
    page = movers_section(found)
    for told in ("×12", "×3.0", "×0.2", "artist · 40 streams", "q &lt; 0.001", "q 0.040"):
        assert told in page
    assert EVIL not in page
    assert movers([], {}) is None
    quiet = movers([row("noise", 2.0, 0.4)], {})
    assert quiet is not None
    assert "Nothing moved" in movers_section(quiet)


def test_figures_of_tables_that_are_not_there_are_left_out(tmp_path: Path) -> None:
    tables = SmallTables(str(tmp_path / "lake"))
    gallery = collect_gallery(tables, {}, {(0, 8): 3}, WEEK, DAY, top=10, paid_model="pro_rata")
    assert gallery.clock is not None
    assert not gallery.clock.is_local
    assert (gallery.chart, gallery.payouts, gallery.startup, gallery.cohorts, gallery.movers) == (None,) * 5


def test_a_table_without_a_column_gives_no_rows(tmp_path: Path) -> None:
    tables = SmallTables(str(tmp_path / "lake"))
    tables.append(
        "gold.activity", [{"hour_start": datetime(2026, 3, 29, tzinfo=UTC), "activity_date": DAY, "listens": 3}]
    )
    found = rows_if_there(tables, "gold.activity", [("activity_date", "=", DAY)], ("listens",))
    assert found is not None
    assert found.to_pylist() == [{"listens": 3}]
    assert rows_if_there(tables, "gold.activity", [], ("no_such_column",)) is None
    assert rows_if_there(tables, "gold.activity", [("no_such_column", "=", 1)], ("listens",)) is None
    assert rows_if_there(tables, "gold.no_such_table", [], ("listens",)) is None


def test_what_is_drawn_names_itself_to_those_who_do_not_see_it() -> None:
    payouts = payouts_by_model(REVENUE, {})
    startup = startup_map([_startup("DE", "ios", 0, 1000, 3)], [])
    clock = utc_clock({(0, 8): 3})
    assert payouts is not None and startup is not None and clock is not None
    pages = [payouts_section(payouts), concentration_section(payouts, concentration(payouts))]
    for page in [*pages, startup_section(startup), draw_clock(clock)]:
        assert re.findall(r'role="img" aria-label="([^"]+)"', page)
        assert not re.search(r"<svg(?![^>]*aria-label)", page)
