from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from earshot.core.countries import ISO_3166_ALPHA_2
from earshot.core.errors import SettingsError
from earshot.core.settings import Settings
from earshot.validators.suites import load_gate_suite, load_suite
from earshot.validators.vocabulary import PARSER_RULES

AGREED_RULES = {
    *PARSER_RULES,
    "played_ms_not_negative",
    "played_within_duration",
    "duration_plausible",
    "ordered_times",
    "not_in_future",
    "not_before_2002",
    "known_country",
    "known_tier",
    "known_context",
    "startup_not_negative",
    "rebuffer_not_negative",
    "bitrate_plausible",
}
GOOD = {
    "type": "expect_column_values_to_be_between",
    "kwargs": {"column": "played_ms", "min_value": 0},
    "meta": {"earshot": {"rule": "played", "action": "quarantine", "severity": "warning", "owner": "me"}},
}
WriteSuite = Callable[..., None]


@pytest.fixture
def write_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteSuite:
    """Write expectations/mine.json beside a conf/ folder that EARSHOT_CONF names."""
    (tmp_path / "conf").mkdir()
    folder = tmp_path / "expectations"
    folder.mkdir()
    monkeypatch.setenv("EARSHOT_CONF", str(tmp_path / "conf"))

    def write(*expectations: dict[str, Any], text: str | None = None) -> None:
        content = {
            "name": "mine",
            "expectations": list(expectations),
            "meta": {"earshot": {"table": "silver.listens"}},
        }
        (folder / "mine.json").write_text(text or json.dumps(content, indent=2), encoding="utf-8")

    return write


def test_every_agreed_rule_sets_its_row_aside() -> None:
    actions = {e.rule: e.action for e in load_suite("silver_listens").expectations}
    assert {rule for rule in AGREED_RULES if actions.get(rule) != "quarantine"} == set()


def test_every_suite_of_the_project_can_be_read_and_names_owners() -> None:
    for name in ("bronze_listens", "silver_listens", "silver_history", "gold_marts"):
        suite = load_suite(name)
        assert suite.expectations
        assert all(e.owner and e.description for e in suite.expectations)


def test_the_gate_judges_forty_expectations_of_truth_and_shape_without_a_scan() -> None:
    suite = load_gate_suite()
    assert not suite.scanned
    assert len(load_suite("silver_listens").compiled) >= 40
    assert {"silver.listens", "bronze.listens"} == set(suite.tables)


def test_a_suite_is_read_with_lines_and_defaults(write_suite: WriteSuite) -> None:
    write_suite(GOOD, {**GOOD, "meta": {"earshot": {"rule": "second", "action": "warn"}}})
    first, second = load_suite("mine").expectations
    assert (first.rule, first.action, first.owner) == ("played", "quarantine", "me")
    assert second.severity == "warning"
    assert int(second.where.rsplit(":", 1)[1]) > int(first.where.rsplit(":", 1)[1]) == 4


def test_the_fingerprint_follows_the_meaning_not_the_layout(write_suite: WriteSuite) -> None:
    write_suite(GOOD)
    before = load_suite("mine").fingerprint
    write_suite(text=json.dumps(json.loads(json.dumps({"expectations": [GOOD], "name": "mine"}))))
    with pytest.raises(SettingsError, match="table"):
        load_suite("mine")
    write_suite({**GOOD, "kwargs": {"column": "played_ms", "min_value": 1}})
    assert load_suite("mine").fingerprint != before


@pytest.mark.parametrize(
    ("change", "what", "remedy"),
    [
        ({"type": "expect_column_values_to_be_betwen"}, "not known", "expect_column_values_to_be_between"),
        ({"kwargs": {"column": "playd_ms"}}, "has no column playd_ms", "played_ms"),
        ({"meta": {"earshot": {"rule": "x", "action": "quarantin"}}}, "action is 'quarantin'", "quarantine"),
        ({"meta": {"earshot": {"rule": "x", "action": "warn", "severity": "bad"}}}, "severity is 'bad'", "Use"),
        ({"meta": {"earshot": {"action": "warn"}}}, "no usable meta.earshot.rule", "lower case"),
        ({"meta": {"earshot": {"rule": "x", "action": "warn", "table": "silver.lstens"}}}, "table", "silver.listens"),
        ({"type": "expect_table_row_count_to_equal", "kwargs": {"value": 1}}, "judges the whole table", "warn or fail"),
    ],
)
def test_a_mistake_is_explained_with_line_and_remedy(
    write_suite: WriteSuite, change: dict[str, Any], what: str, remedy: str
) -> None:
    write_suite(GOOD | {"meta": {"earshot": {"rule": "first", "action": "warn"}}}, {**GOOD, **change})
    with pytest.raises(SettingsError, match=what) as caught:
        load_suite("mine")
    assert caught.value.where.endswith("mine.json:17")
    assert remedy in caught.value.remedy
    assert caught.value.exit_code == 2


def test_a_rule_stands_once(write_suite: WriteSuite) -> None:
    write_suite(GOOD, GOOD)
    with pytest.raises(SettingsError, match="Two expectations have the rule played"):
        load_suite("mine")


def test_broken_json_names_its_line(write_suite: WriteSuite) -> None:
    write_suite(text='{"name": "mine",\n "expectations": [}')
    with pytest.raises(SettingsError, match="no JSON") as caught:
        load_suite("mine")
    assert caught.value.where.endswith("mine.json:2")


def test_a_suite_that_is_missing_names_those_that_are_there(write_suite: WriteSuite) -> None:
    write_suite(GOOD)
    with pytest.raises(SettingsError, match="no expectation suite yours") as caught:
        load_suite("yours")
    assert "mine" in caught.value.remedy


def test_a_suite_parameter_must_be_a_setting(settings: Settings, write_suite: WriteSuite) -> None:
    write_suite({**GOOD, "kwargs": {"column": "played_ms", "min_value": {"$PARAMETER": "examples"}}})
    assert load_suite("mine").expectations[0].resolved(settings)["min_value"] == settings.quality.examples
    write_suite({**GOOD, "kwargs": {"column": "played_ms", "min_value": {"$PARAMETER": "exmples"}}})
    with pytest.raises(SettingsError, match=r"quality\.exmples is no setting") as caught:
        load_suite("mine").expectations[0].resolved(settings)
    assert "examples" in caught.value.remedy


def test_countries_are_those_of_the_time_zone_database() -> None:
    table = Path("/usr/share/zoneinfo/iso3166.tab")
    if not table.exists():
        pytest.skip("this machine has no zoneinfo/iso3166.tab (package tzdata) to compare with")
    codes = {line.split("\t")[0] for line in table.read_text(encoding="utf-8").splitlines() if line[0] != "#"}
    assert codes == ISO_3166_ALPHA_2
