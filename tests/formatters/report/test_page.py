"""The report: every part, nothing from outside, nothing that runs, in light and dark, small and wide."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from earshot.automation.demo import DemoOutcome
from earshot.formatters.report.figures import ChartEntry, HourPoint, ReportFigures
from earshot.formatters.report.page import render

DAY = date(2026, 3, 29)
_BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def _figures(name: str) -> ReportFigures:
    start = datetime(2026, 3, 28, tzinfo=UTC)
    hours = tuple(
        HourPoint(start + timedelta(hours=n), 10 + n, 12, 8, 16, "critical" if n == 20 else None) for n in range(48)
    )
    entry = ChartEntry(1, name, 5, 2, None)
    alert = {
        "severity": "critical", "state": "firing", "summary": name, "labels": {"country": name}, "starts_at": start,
        "ends_at": None, "evidence": "not json",
    }  # fmt: skip
    return ReportFigures(
        DAY, 2, {"listens": 9, "skips": 1}, hours, (alert,), tracks=(entry,), artists=(entry,), week=DAY,
        recommended=(name,), sample_history=(name,), algorithm=name,
    )  # fmt: skip


def test_text_from_the_logs_never_becomes_markup(shared_data: Path) -> None:
    for string in json.loads((shared_data / "blns" / "blns.json").read_text(encoding="utf-8")):
        page = render(_figures(string))
        assert page.count("<script") == 0
        assert len(re.findall(r"<img|<iframe|<svg/|onerror=(?!.*&)", page)) == 0 or "&lt;" in page


def test_the_page_asks_nothing_from_outside() -> None:
    page = render(_figures("Undertow"))
    assert not re.search(r"(src|href)=|url\(|@import|https?://", page)


def test_parts_without_figures_say_so() -> None:
    page = render(ReportFigures(DAY))
    for words in ("No play in these two weeks", "too little history", "No counted stream", "no playback measurements"):
        assert words in page


def test_the_pipelines_report_has_every_part(road: DemoOutcome) -> None:
    page = (road.home / "reports" / "report.html").read_text(encoding="utf-8")
    assert "every line is accounted for" in page
    for part in (
        "Plays by hour",
        "Alerts",
        "Charts",
        "Playback quality",
        "Payouts",
        "Recommendations",
        "Models compared",
    ):
        assert f"<h2>{part}</h2>" in page
    assert 'class="band"' in page
    assert "champion" in page


@pytest.mark.integration
@pytest.mark.skipif(_BROWSER is None, reason="no Chromium: `make test` installs it on Debian with root or sudo")
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
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--no-first-run"]
    quiet = [
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--virtual-time-budget=4000",
    ]
    dark = (
        ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else ["--blink-settings=preferredColorScheme=1"]
    )
    done = subprocess.run(
        [_BROWSER or "", *flags, *quiet, *dark, f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1500,1000",
         "--dump-dom", outer.as_uri()],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    found = re.search(r"W(\d+)/(\d+)/(true|false)/(rgb\([^)]*\))", done.stdout)
    assert found, done.stderr[-2000:]
    assert int(found[1]) <= int(found[2]) == width
    assert found[3] == ("true" if scheme == "dark" else "false")
    assert (found[4] == "rgb(20, 23, 27)") == (scheme == "dark")
