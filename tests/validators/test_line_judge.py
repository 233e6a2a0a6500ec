from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame

from earshot.core.errors import SettingsError
from earshot.core.partial_figures import added, values_of
from earshot.core.settings import Settings
from earshot.transformers.listens import CANONICAL
from earshot.validators import suites
from earshot.validators.compile import compile_suite
from earshot.validators.gate_suite import gate_suite, line_judge
from earshot.validators.line_judge import LineJudge
from earshot.validators.suites import expectations_folder, read_suite

Row = dict[str, Any]
MakePlays = Callable[[list[Row]], DataFrame]


def test_arrow_tasks_judge_lines_as_spark_does(rows: DataFrame, settings: Settings) -> None:
    suite = gate_suite(settings)
    in_spark = suite.judge(rows)
    lines = rows.toArrow()
    judge = line_judge(settings, lines.schema)
    in_arrow = judge.judge(lines)
    assert in_arrow.to_pylist() == in_spark.toArrow().to_pylist()

    parts = [judge.observe(judge.judge(part)) for part in (lines.slice(0, 3), lines.slice(3))]
    assert values_of(added(parts)) == in_spark.agg(*suite.aggregates()).collect()[0].asDict()


def judge_of(settings: Settings, **kwargs: Any) -> LineJudge:
    content = {
        "name": "mine",
        "meta": {"earshot": {"table": "silver.listens"}},
        "expectations": [
            {
                "type": "expect_column_values_to_match_regex",
                "kwargs": {"column": "country", **kwargs},
                "meta": {"earshot": {"rule": "mine", "action": "warn"}},
            }
        ],
    }
    return LineJudge(compile_suite(read_suite(content, path=Path("mine.json")), settings).rules)


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [
        ({"regex": "(?<=D)E"}, "RE2"),
        ({"regex": "E", "row_condition": "country = 'DE'", "condition_parser": "spark"}, "comparison"),
    ],
)
def test_what_arrow_cannot_judge_is_said_before_a_task_begins(
    kwargs: dict[str, Any], said: str, settings: Settings
) -> None:
    lines = pa.schema([("country", pa.string())])
    with pytest.raises(SettingsError, match=said):
        judge_of(settings, **kwargs).check(lines)


def odd_line(**given: Any) -> pa.Table:
    there = {"listener_id": "v1:x", "track_id": "t", "started_at": None, "source": "canonical", "parse_faults": []}
    told = there | given
    return pa.table({field.name: pa.array([told.get(field.name)], field.type) for field in CANONICAL}, schema=CANONICAL)


@pytest.mark.parametrize("source", ["canonical", "spotify"])
def test_a_play_whose_length_should_be_told_and_is_not_is_set_aside(settings: Settings, source: str) -> None:
    line = odd_line(source=source, parse_faults=["played_ms_present"])
    (row,) = line_judge(settings, CANONICAL).judge(line).to_pylist()
    assert row["quarantine_rules"] == ["played_ms_present"]


def test_what_no_rule_sets_aside_has_a_start_all_the_same(settings: Settings) -> None:
    """A fault that no rule asks for explains nothing."""
    line = odd_line(source="radio", parse_faults=["played_ms_present"])
    (row,) = line_judge(settings, CANONICAL).judge(line).to_pylist()
    assert row["failed_rules"] == row["quarantine_rules"] == ["time_present"]
    (row,) = line_judge(settings, CANONICAL).judge(odd_line(filtered_reason="podcast")).to_pylist()
    assert row["failed_rules"] == row["quarantine_rules"] == []


@pytest.mark.parametrize("rule", ["listener_present", "time_present", "track_present"])
def test_a_suite_that_lets_plays_pass_that_are_nobodys_is_refused(
    settings: Settings, rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("silver_listens", "bronze_listens"):
        content = json.loads((expectations_folder() / f"{name}.json").read_text(encoding="utf-8"))
        for expectation in content["expectations"]:
            if expectation["meta"]["earshot"]["rule"] == rule:
                expectation["meta"]["earshot"]["action"] = "warn"
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.setattr(suites, "expectations_folder", lambda: tmp_path)
    with pytest.raises(SettingsError, match="cannot be told from each other"):
        line_judge(settings, CANONICAL)
