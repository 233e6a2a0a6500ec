"""A suggested suite is Great Expectations' own: its engines count what the profile counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import great_expectations as gx
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

import earshot.validators.expectation_types  # noqa: F401 (registers the types)
from dirty_tables import SPOILT_PLAYS, Row, as_csv, as_table, plays, spoilt
from earshot.core.schemas import TABLES
from earshot.validators.profiling.suggestion import Suggestion, suggest
from earshot.validators.profiling.suite import reading_of, suite_of
from earshot.validators.suites import load_suite, read_suite


def dirty_rows() -> list[Row]:
    return spoilt(plays(rows=900), SPOILT_PLAYS, share=0.01)[0]


def suite_and_findings(rows: list[Row]) -> tuple[dict[str, Any], Suggestion]:
    found = suggest(as_table(rows))
    return json.loads(json.dumps(suite_of(found, "plays", read=reading_of(found)))), found


def validated(suite: dict[str, Any], batch: Any) -> Any:
    return batch.validate(gx.ExpectationSuite(**suite))


@pytest.fixture
def context() -> Any:
    return gx.get_context(mode="ephemeral")


def test_pandas_counts_the_same_unexpected_rows(tmp_path: Path, context: Any) -> None:
    rows = dirty_rows()
    suite, _ = suite_and_findings(rows)
    (tmp_path / "plays.csv").write_text(as_csv(rows))
    frame = pd.read_csv(tmp_path / "plays.csv", **suite["meta"]["earshot"]["read"])
    source = context.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
    verdict = validated(suite, source.get_batch({"dataframe": frame}))
    counted = {result.expectation_config.meta["earshot"]["rule"]: result for result in verdict.results}
    assert verdict.success
    assert len(counted) > 20
    assert any(result.result.get("unexpected_count") for result in counted.values())
    for rule, result in counted.items():
        seen = result.expectation_config.meta["earshot"]["suggested"]
        assert result.result.get("unexpected_count", 0) == seen["unexpected"], rule


def test_spark_counts_broken_dependencies_as_pandas_does(spark: SparkSession, context: Any) -> None:
    suite, _ = suite_and_findings(dirty_rows())
    chosen = [e for e in suite["expectations"] if e["type"] == "expect_column_to_be_determined_by"]
    suite["expectations"] = [next(e for e in chosen if e["kwargs"]["missing_counts"]), chosen[0]]
    frame = spark.createDataFrame(pd.DataFrame(dirty_rows())).replace({"": None})
    source = context.data_sources.add_spark("s").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
    verdict = validated(suite, source.get_batch({"dataframe": frame}))
    for result in verdict.results:
        seen = result.expectation_config.meta["earshot"]["suggested"]
        assert result.result["unexpected_count"] == seen["unexpected"]
        assert result.result["details"]["confidence"] == pytest.approx(seen["confidence"], abs=1e-4)


def test_a_worse_table_does_not_meet_the_suite(tmp_path: Path, context: Any) -> None:
    suite, _ = suite_and_findings(plays(rows=900))
    (tmp_path / "worse.csv").write_text(as_csv(dirty_rows()))
    frame = pd.read_csv(tmp_path / "worse.csv", **{**suite["meta"]["earshot"]["read"], "dtype": "str"})
    frame["played_ms"] = frame["played_ms"].astype("int64")
    source = context.data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
    verdict = validated(suite, source.get_batch({"dataframe": frame}))
    failed = {r.expectation_config.meta["earshot"]["rule"] for r in verdict.results if not r.success}
    assert {"country_set", "played_ms_range", "started_pattern", "artist_filled"} <= failed


def test_a_suite_of_a_table_of_the_lake_loads_and_keeps_what_the_gate_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracks = pa.array([f"trk:{n % 9}" for n in range(90)])
    listens = pa.table(
        {
            "listen_id": pa.array([f"l-{n}" for n in range(90)]),
            "track_id": tracks,
            "track_title": pa.array([f"Title {'abcdefghi'[n % 9]}" for n in range(90)]),
            "played_ms": pa.array(range(90), pa.int64()),
        }
    )
    assert set(listens.column_names) <= set(TABLES["silver.listens"].column_names)
    suite = suite_of(suggest(listens), "silver_listens_suggested", table="silver.listens")
    (tmp_path / "conf").mkdir()
    (tmp_path / "expectations").mkdir()
    (tmp_path / "expectations" / "mine.json").write_text(json.dumps(suite))
    monkeypatch.setenv("EARSHOT_CONF", str(tmp_path / "conf"))
    loaded = load_suite("mine")
    assert {e.table for e in loaded.expectations} == {"silver.listens"}
    assert len(loaded.expectations) == len(suite["expectations"]) >= 8
    beyond = {e["type"] for e in suite["meta"]["earshot"]["beyond_the_gate"]}
    assert beyond == {"expect_column_values_to_be_unique", "expect_column_to_be_determined_by"}


def test_rules_have_names_of_their_own_whatever_columns_are_called() -> None:
    table = pa.table({name: pa.array([f"v{n % 3}" for n in range(90)]) for name in ("Größe", "gr e", "1st", "日本")})
    content = suite_of(suggest(table), "odd", table="")
    rules = [e["meta"]["earshot"]["rule"] for e in content["expectations"]]
    assert len(set(rules)) == len(rules)
    content["expectations"] = []
    assert read_suite(content, path=Path("odd.json")).expectations == ()
    assert all(rule[0].isalpha() and rule.isascii() and rule == rule.lower() for rule in rules)
