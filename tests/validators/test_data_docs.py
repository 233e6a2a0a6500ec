"""Data Docs: what Great Expectations gave, as pages that a browser opens without asking anybody for anything."""

from __future__ import annotations

import json
import os
import re
from html import escape
from pathlib import Path

import pytest

from browser import every_request, loaded, needs_browser
from earshot.core.config import load_settings
from earshot.core.settings import Settings
from earshot.validators.data_docs.site import build_data_docs
from earshot.validators.reports import pages_by_batch, report_path, write_report
from made_verdicts import FORMULA, SCRIPT, gate_verdict


def _texts(site: Path) -> dict[str, str]:
    return {page.relative_to(site).as_posix(): page.read_text(encoding="utf-8") for page in site.rglob("*.html")}


@pytest.fixture
def site(settings: Settings) -> Path:
    write_report(settings, gate_verdict(settings, "b1"))
    write_report(settings, gate_verdict(settings, "b2", 0))
    index = build_data_docs(settings)
    assert index is not None
    return index.parent


def test_the_index_lists_every_verdict_and_every_suite(site: Path, settings: Settings) -> None:
    index = (site / "index.html").read_text(encoding="utf-8")
    linked = re.findall(r'href="([^"]+)"', index)
    pages = pages_by_batch(settings)
    assert sorted(pages) == ["", "b1", "b2"]
    for batch in ("b1", "b2"):
        assert pages[batch].removeprefix("data_docs/") in linked
    assert {"silver_listens", "gold_marts"} <= {Path(link).stem for link in linked}
    assert all((site / link).is_file() for link in linked if "report.html" not in link)


def test_a_page_has_the_counts_and_lines_of_the_verdict_and_nothing_of_them_is_markup(
    site: Path, settings: Settings
) -> None:
    page = (site.parent / pages_by_batch(settings)["b1"]).read_text(encoding="utf-8")
    judged = json.loads(report_path(settings, "b1").read_text(encoding="utf-8"))
    assert [failure["unexpected_count"] for failure in judged["failures"]] == [60]
    assert "60 unexpected values found. 6% of 1000 total rows." in page
    unmet = judged["statistics"]["unsuccessful_expectations"]
    assert re.search(rf"Unsuccessful Expectations</div></td>\s*<td[^>]*><div[^>]*>{unmet}<", page)
    assert "<script" not in page
    assert "<img" not in page
    assert escape(SCRIPT) in page
    assert escape(FORMULA) in page


def test_no_page_names_another_host_or_loads_anything(site: Path) -> None:
    for name, text in _texts(site).items():
        assert "default-src 'none'" in text, name
        unescaped = text.replace(escape(SCRIPT), "")
        assert not re.search(r"https?:|\ssrc=|@import|url\(|<script|<link", unescaped), name
    assert {path.suffix for path in site.rglob("*") if path.is_file()} == {".html"}


def test_what_has_its_page_is_not_drawn_again_and_what_was_replaced_is(site: Path, settings: Settings) -> None:
    before = {path: path.stat().st_mtime_ns for path in site.rglob("*.html")}
    build_data_docs(settings)
    assert {path: path.stat().st_mtime_ns for path in site.rglob("*.html")} == before
    old = pages_by_batch(settings)
    path = write_report(settings, gate_verdict(settings, "b1", 70))
    os.utime(path, (path.stat().st_mtime + 5, path.stat().st_mtime + 5))
    build_data_docs(settings)
    new = pages_by_batch(settings)
    assert new["b2"] == old["b2"]
    assert before[site.parent / new["b2"]] == (site.parent / new["b2"]).stat().st_mtime_ns
    assert not (site.parent / old["b1"]).exists()
    assert "70 unexpected values" in (site.parent / new["b1"]).read_text(encoding="utf-8")


def test_only_the_newest_batches_keep_a_page_and_every_table_does(home: Path) -> None:
    settings = load_settings(overrides={"home": str(home), "quality": {"data_docs_batches": 2}})
    assert build_data_docs(settings) is None
    for n, batch in enumerate(["gold.charts", "b1", "b2", "b3"]):
        path = write_report(settings, gate_verdict(settings, batch))
        os.utime(path, (1_700_000_000 + n, 1_700_000_000 + n))
    report_path(settings, "b0").write_text("{", encoding="utf-8")
    os.utime(report_path(settings, "b0"), (1_600_000_000, 1_600_000_000))
    build_data_docs(settings)
    assert sorted(pages_by_batch(settings)) == ["", "b2", "b3", "gold.charts"]


@pytest.mark.integration
@needs_browser
def test_a_browser_shows_the_pages_and_asks_nobody(site: Path, settings: Settings, tmp_path: Path) -> None:
    control = tmp_path / "control.html"
    control.write_text('<link rel="stylesheet" href="http://cdn.example/x.css">')
    with every_request() as (flag, asked):
        index = loaded(site / "index.html", tmp_path, flag)
        page = loaded(site.parent / pages_by_batch(settings)["b1"], tmp_path, flag)
        assert asked == []
        loaded(control, tmp_path, flag)
        assert asked == ["GET http://cdn.example/x.css HTTP/1.1"], "requests would have been seen"
    assert "admitted" in index
    assert "60 unexpected values found." in page
    assert "<title>owned" not in page
