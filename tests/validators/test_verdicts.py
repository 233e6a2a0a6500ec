from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from earshot.core.errors import TableError
from earshot.core.settings import Settings
from earshot.validators.compile import CompiledSuite, compile_suite
from earshot.validators.reports import read_report, report_path, write_report
from earshot.validators.suites import load_suite
from earshot.validators.verdicts import FileFigures, GateVerdict

MEANS = {
    "startup_mean_plausible__value": 320,
    "bitrate_mean_plausible__value": 256,
    "duration_mean_plausible__value": 201_000,
}


@pytest.fixture
def suite(settings: Settings) -> CompiledSuite:
    return compile_suite(load_suite("silver_listens"), settings)


def figures_of(suite: CompiledSuite, rows: int, unexpected: Mapping[str, int] = {}, **others: int) -> dict[str, int]:
    """What a pass over `rows` canonical rows without nulls would have observed."""
    figures: dict[str, int] = {**MEANS, "rows": rows, "failed": 0, "quarantined": sum(unexpected.values())}
    for expectation in suite.suite.expectations:
        for what, value in {"elements": rows, "filtered": rows, "present": rows, "nulls": 0, "unexpected": 0}.items():
            figures.setdefault(suite.rules.figure_name(expectation, what), value)
        if expectation.rule in unexpected:
            figures[f"{expectation.rule}__unexpected"] = unexpected[expectation.rule]
    return {**figures, **others}


def test_a_clean_batch_is_admitted(suite: CompiledSuite) -> None:
    verdict = suite.verdict(figures_of(suite, 10_000), batch_id="b1")
    assert not verdict.closed
    assert verdict.failures == ()
    assert verdict.statistics["success_percent"] == 100.0
    every = len(suite.suite.expectations)
    assert verdict.explain().startswith(f"The gate admits batch b1: {every} of {every} expectations")


def test_a_few_faults_set_rows_aside_and_leave_the_gate_open(suite: CompiledSuite) -> None:
    figures = figures_of(suite, 10_000, {"track_present": 60, "known_country": 30})
    files: list[FileFigures] = [{"source_file": "a.jsonl", "rows_in": 10_000, "quarantined": 90}]
    verdict = suite.verdict(figures, batch_id="b1", files=files)
    assert not verdict.closed
    assert [f.rule for f in verdict.failures] == ["track_present", "known_country"]
    assert verdict.failures[0].unexpected_percent == pytest.approx(0.6)


def test_one_file_of_faults_closes_the_gate_although_the_batch_is_large(suite: CompiledSuite) -> None:
    files: list[FileFigures] = [
        {"source_file": "2026-03-28/a.jsonl", "rows_in": 90_000, "quarantined": 200},
        {"source_file": "2026-03-29/a.jsonl", "rows_in": 10_000, "quarantined": 3_200},
    ]
    figures = figures_of(suite, 100_000, {"track_present": 3_400})
    examples = {"track_present": [f'2026-03-29/a.jsonl:{n}: {{"listener_id":"v1:aa"}}' for n in range(1, 9)]}
    verdict = suite.verdict(figures, batch_id="b2", files=files, examples=examples)

    assert verdict.closed
    assert [failure.rule for failure in verdict.closing] == ["quarantined_share_of_a_file"]
    error = verdict.refuse()
    assert error.exit_code == 3
    for told in (
        "refused batch b2",
        "2026-03-29/a.jsonl: 3,200 of 10,000 lines",
        "track_present",
        "3,400 of 100,000 rows (3.40 %)",
        "2026-03-29/a.jsonl:5:",
        "earshot gate release b2 --reason TEXT",
    ):
        assert told in str(error)
    assert "a.jsonl:6:" not in str(error), "only the first examples"
    assert "quarantined_share_of_a_file" in verdict.reason
    assert "\n" not in verdict.reason


def test_a_batch_of_faults_closes_the_gate_and_a_handful_of_lines_does_not(suite: CompiledSuite) -> None:
    assert suite.verdict(figures_of(suite, 1_000, {"readable_line": 400})).closed
    assert not suite.verdict(figures_of(suite, 99, {"readable_line": 60})).closed
    assert not suite.verdict(figures_of(suite, 0)).closed


def test_warnings_do_not_close_the_gate(suite: CompiledSuite) -> None:
    verdict = suite.verdict(figures_of(suite, 1_000, {"isrc_well_formed": 700}, quarantined=0))
    assert not verdict.closed
    assert [(failure.rule, failure.action) for failure in verdict.failures] == [("isrc_well_formed", "warn")]
    assert "Warns:" in verdict.explain()


def test_figures_survive_json(suite: CompiledSuite) -> None:
    figures = figures_of(suite, 1_000, {"known_tier": 3})
    assert suite.verdict(json.loads(json.dumps(figures))).to_json() == suite.verdict(figures).to_json()


def test_a_figure_that_was_not_observed_is_an_error(suite: CompiledSuite) -> None:
    figures: dict[str, Any] = figures_of(suite, 10)
    del figures["known_tier__unexpected"]
    with pytest.raises(TableError, match="known_tier__unexpected was not observed"):
        suite.verdict(figures)


def test_a_report_is_written_and_read_again(suite: CompiledSuite, settings: Settings) -> None:
    verdict = suite.verdict(figures_of(suite, 1_000, {"readable_line": 400}), batch_id="b3")
    assert read_report(settings, "b3") is None
    write_report(settings, verdict)
    kept = read_report(settings, "b3")
    assert isinstance(kept, GateVerdict)
    assert kept.explain() == verdict.explain()
    stored = json.loads(report_path(settings, "b3").read_text(encoding="utf-8"))
    assert stored["result"]["results"][0]["result"]["unexpected_count"] == 400, "Great Expectations' own result"
    report_path(settings, "b3").write_text("{", encoding="utf-8")
    assert read_report(settings, "b3") is None
