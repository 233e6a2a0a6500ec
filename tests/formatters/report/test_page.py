"""The report: every part, nothing from outside, nothing that runs, in light and dark, small and wide."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from browser import loaded, needs_browser
from earshot.automation.demo import DemoOutcome
from earshot.formatters.report.chart_week import ChartLine, ChartOfTheWeek
from earshot.formatters.report.figures import ReportFigures
from earshot.formatters.report.gallery import Gallery
from earshot.formatters.report.hours import HourPoint
from earshot.formatters.report.page import render
from earshot.formatters.report.payout_models import payouts_by_model
from earshot.formatters.report.playback_map import startup_map
from earshot.formatters.report.quality_figures import (
    Example,
    FailedRule,
    FailedRules,
    JudgedTable,
    KpiPoint,
    KpiReading,
)

DAY = date(2026, 3, 29)
_PARTS = ("read", "accepted", "duplicate", "quarantined", "filtered")


def _figures(name: str) -> ReportFigures:
    start = datetime(2026, 3, 28, tzinfo=UTC)
    hours = tuple(
        HourPoint(start + timedelta(hours=n), 10 + n, 12, 8, 16, "critical" if n == 20 else None) for n in range(48)
    )
    line = ChartLine(1, name, 5, 2, 3)
    paid = {"month": DAY, "currency": "EUR", "payee_type": "artist", "payee_id": name, "status": "closed"}
    amounts = [("included", Decimal(2)), ("excluded", Decimal(1))]
    startup = {"country": name, "device": name, "period_start": start, "plays": 3, "startup_ms_p95": 900.0}
    gallery = Gallery(
        chart=ChartOfTheWeek(DAY, 7, True, (line,), (line,)),
        payouts=payouts_by_model([paid | {"model": "pro_rata", "suspects": s, "amount": a} for s, a in amounts], {}),
        startup=startup_map([startup], [startup]),
    )
    alert = {
        "severity": "critical", "state": "firing", "summary": name, "labels": {"country": name}, "starts_at": start,
        "ends_at": None, "evidence": "not json",
    }  # fmt: skip
    rule = FailedRule(name, name, name, name, 3, 0.1, 1, (Example(name, name), Example(name, None)))
    batch = {"batch": name, "files": 1, "at": start, "status": name, **dict.fromkeys(_PARTS, 1)}
    return ReportFigures(
        DAY, 2, {"listens": 9, "skips": 1}, hours, (alert,), gallery=gallery,
        recommended=(name,), sample_history=(name,), algorithm=name, rules=FailedRules((rule,), 1), ledger=(batch,),
        judged=(JudgedTable(name, 1, 2, 0.5),),
        kpis=(KpiReading(name, 0.5, (KpiPoint(start, 0.4, False), KpiPoint(start, 0.6, True))),),
    )  # fmt: skip


def test_text_from_the_logs_never_becomes_markup(shared_data: Path) -> None:
    for string in json.loads((shared_data / "blns" / "blns.json").read_text(encoding="utf-8")):
        page = render(_figures(string))
        assert page.count("<script") == 0
        assert len(re.findall(r"<img|<iframe|<svg/|onerror=(?!.*&)", page)) == 0 or "&lt;" in page


def test_the_page_asks_nothing_from_outside() -> None:
    page = render(_figures("Undertow"))
    assert not re.search(r"src=|href=(?!\"#)|url\(|@import|https?://", page)


def test_every_section_is_linked_at_the_top() -> None:
    page = render(_figures("Undertow"))
    linked = re.findall(r'<a href="#([a-z-]+)">', page)
    assert linked == re.findall(r'<section id="([a-z-]+)">', page)
    assert len(linked) == len(set(linked)) == page.count("<section")
    assert {"chart-of-the-week", "payouts-by-model", "can-the-tables-be-trusted"} <= set(linked)


def test_parts_without_figures_say_so() -> None:
    page = render(ReportFigures(DAY))
    for words in ("No play in these two weeks", "too little history", "No counted stream", "no playback measurements"):
        assert words in page


def test_the_pipelines_report_has_every_part(road: DemoOutcome) -> None:
    page = (road.home / "reports" / "report.html").read_text(encoding="utf-8")
    assert "every line is accounted for" in page
    for part in (
        "Plays by hour",
        "Quality over time",
        "Worst rules",
        "Alerts",
        "Chart of the week",
        "Playback quality",
        "Payouts by model",
        "Payout concentration",
        "Recommendations",
        "Models compared",
    ):
        assert f"<h2>{part}</h2>" in page
    assert 'class="band"' in page
    assert "champion" in page
    for linked in re.findall(r'href="([^"#]+)"', page):
        assert (road.home / "reports" / linked).is_file()
    assert 'href="data_docs/index.html"' in page


@pytest.mark.integration
@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_its_window(road: DemoOutcome, tmp_path: Path, scheme: str, width: int) -> None:
    page = (road.home / "reports" / "report.html").read_text(encoding="utf-8")
    probe = (
        "<script>addEventListener('load',()=>{const e=document.documentElement;"
        "document.title='W'+e.scrollWidth+'/'+innerWidth+'/'+matchMedia('(prefers-color-scheme:dark)').matches"
        "+'/'+getComputedStyle(document.body).backgroundColor})</script>"
    )
    framed = tmp_path / "inner.html"
    framed.write_text(page.replace("</head>", probe + "</head>"), encoding="utf-8")
    outer = tmp_path / "outer.html"
    outer.write_text(
        f'<iframe id=f src="inner.html" style="width:{width}px;height:900px;border:0"></iframe><p id=o></p><script>'
        "addEventListener('load',()=>setTimeout(()=>{o.textContent=f.contentDocument.title},500))</script>",
        encoding="utf-8",
    )
    preferred = f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}"
    dom = loaded(outer, tmp_path, preferred, "--window-size=1500,1000")
    found = re.search(r"W(\d+)/(\d+)/(true|false)/(rgb\([^)]*\))", dom)
    assert found, dom[-2000:]
    assert int(found[1]) <= int(found[2]) == width
    assert found[3] == ("true" if scheme == "dark" else "false")
    assert (found[4] == "rgb(20, 23, 27)") == (scheme == "dark")


def _measured(topic: str, metric: str, value: float, **dimensions: str) -> dict[str, object]:
    told = {"topic": topic, "metric": metric, "value": value, "lower": value - 0.1, "upper": value + 0.1}
    told |= {"subject": "2026-03" if topic == "payouts" else "<spring>", "listeners": 9, "reason": None}
    return {**told, "design": "randomised", "dimensions": dimensions}


def test_offers_and_concentration_are_shown_with_their_intervals_and_not_at_all_where_there_are_none() -> None:
    assert "Offers" not in render(_figures("a")) and "Concentration" not in render(_figures("a"))
    rows = (
        _measured("offers", "effect", 0.2, arm="premium"),
        _measured("offers", "elasticity", -1.5, country="DE", tier="premium"),
        _measured("payouts", "gini", 0.75, country="ALL", currency="EUR", model="user_centric"),
        _measured("payouts", "top_1_percent_share", 0.25, country="ALL", currency="EUR", model="user_centric"),
    )
    page = render(replace(_figures("a"), optimisation=rows))
    assert "Offers: &lt;spring&gt;" in page and "caused by the offer" in page
    assert "-1.5 <small>(-1.6 to -1.4)" in page
    assert "0.75 <small>(0.65 to 0.85)" in page and "user-centric" in page
    refused = {**rows[0], "value": None, "lower": None, "upper": None, "reason": "the arms differ"}
    assert "Refused: the arms differ." in render(replace(_figures("a"), optimisation=(refused,)))
