from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame

from earshot.core.errors import SettingsError
from earshot.core.partial_figures import added, values_of
from earshot.core.settings import Settings
from earshot.validators.compile import compile_suite
from earshot.validators.gate_suite import gate_suite, line_judge
from earshot.validators.line_judge import LineJudge
from earshot.validators.suites import read_suite

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
