from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyspark.sql import DataFrame, Observation

from earshot.core.settings import Settings
from earshot.validators.compile import compile_suite
from earshot.validators.gate_suite import is_filtered
from earshot.validators.suites import load_suite

WARNINGS = {"isrc_well_formed", "mbid_well_formed"}


Row = dict[str, Any]
MakePlays = Callable[[list[Row]], DataFrame]


def test_every_fault_fails_its_rule_and_no_other(rows: DataFrame, faults: dict[str, Row], settings: Settings) -> None:
    suite = compile_suite(load_suite("silver_listens"), settings, exempt=is_filtered)
    judged = suite.judge(rows)
    observation = Observation("silver_listens")
    found = {
        row.source_line: row
        for row in judged.drop("parse_faults")
        .observe(observation, *suite.aggregates())
        .select("source_line", "failed_rules", "quarantine_rules")
        .collect()
    }

    assert found[1].failed_rules == [], "a good play"
    assert found[2].failed_rules == ["readable_line"], "a line that cannot be read fails nothing else"
    assert found[3].failed_rules == [], "a filtered line is not judged"
    assert found[4].failed_rules == ["listener_present", "time_present", "track_present"], "absence"
    for line, rule in enumerate(faults, start=5):
        assert found[line].failed_rules == [rule]
        assert found[line].quarantine_rules == ([] if rule in WARNINGS else [rule])

    figures = observation.get
    assert figures["rows"] == 3 + len(faults)
    assert figures["failed"] == 2 + len(faults)
    assert figures["quarantined"] == 2 + len(faults) - len(WARNINGS)
    assert figures["known_country__unexpected"] == 1
    assert figures["track_present__unexpected"] == 2
    assert figures["country__nulls"] == 2


def test_figures_are_the_same_without_judged_columns(rows: DataFrame, settings: Settings) -> None:
    suite = compile_suite(load_suite("silver_listens"), settings)
    first = suite.judge(rows).agg(*suite.aggregates()).collect()[0].asDict()
    second = rows.agg(*suite.aggregates(judged=False)).collect()[0].asDict()
    assert second.pop("parse_faults__nulls") == second.pop("played_ms_present__nulls") == 0
    assert {key: first[key] for key in second} == second


def test_the_tolerance_for_the_future_is_a_setting(make_plays: MakePlays, good_play: Row, settings: Settings) -> None:
    strict = settings.model_copy(update={"quality": settings.quality.model_copy(update={"future_tolerance_s": 0.0})})
    early = {**good_play, "arrived_at": good_play["started_at"]}
    late = {**good_play, "started_at": good_play["ended_at"], "arrived_at": good_play["started_at"]}
    for in_force, expected in ((settings, [[], []]), (strict, [[], ["not_in_future"]])):
        suite = compile_suite(load_suite("silver_listens"), in_force)
        found = suite.judge(make_plays([early, late])).orderBy("source_line").collect()
        assert [row.failed_rules for row in found] == expected
