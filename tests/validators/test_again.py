from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyspark.sql import DataFrame, Observation

from earshot.core.settings import Settings
from earshot.validators.again import judge_again
from earshot.validators.compile import compile_suite
from earshot.validators.suites import load_suite
from earshot.validators.verdicts import FileFigures

Row = dict[str, Any]


def test_an_unchanged_suite_gives_the_verdict_that_the_pass_gave(
    make_plays: Callable[[list[Row]], DataFrame],
    good_play: Row,
    unreadable_line: Row,
    faults: dict[str, Row],
    settings: Settings,
) -> None:
    suite = compile_suite(load_suite("silver_listens"), settings)
    observation = Observation("pass")
    rows = [good_play] * 80 + [unreadable_line] + list(faults.values())
    bronze = suite.judge(make_plays(rows)).drop("parse_faults")
    kept = bronze.observe(observation, *suite.aggregates()).localCheckpoint()
    files: list[FileFigures] = [{"source_file": "2026-03-29/a.jsonl", "rows_in": 104, "quarantined": 22}]
    first = suite.verdict(observation.get, batch_id="b", files=files)

    again = judge_again(kept, suite, batch_id="b")

    assert again.explain() == first.explain()
    assert again.closed
    assert {"readable_line", "typed_fields", "known_tier"} <= {failure.rule for failure in again.failures}


def test_a_gentler_suite_admits_what_was_refused(
    make_plays: Callable[[list[Row]], DataFrame], good_play: Row, faults: dict[str, Row], settings: Settings
) -> None:
    strict = settings.model_copy(update={"quality": settings.quality.model_copy(update={"future_tolerance_s": 0.0})})
    suite = load_suite("silver_listens")
    bronze = compile_suite(suite, strict).judge(make_plays([good_play] * 60 + [faults["not_in_future"]] * 60))
    bronze = bronze.drop("parse_faults")
    assert judge_again(bronze, compile_suite(suite, strict), batch_id="b").closed
    gentle = settings.quality.model_copy(update={"future_tolerance_s": 86_400.0})
    assert not judge_again(
        bronze, compile_suite(suite, settings.model_copy(update={"quality": gentle})), batch_id="b"
    ).closed
