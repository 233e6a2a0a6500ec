"""conf/alerts.toml: what ships is valid, and what is wrong is named with file, key and nearest key."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from earshot.alerting.matchers import all_hold, parse_labels, parse_matcher, parse_matchers
from earshot.alerting.rulebooks import load_rulebook, load_sound
from earshot.alerting.rules import Source
from earshot.core.errors import ArgumentError, SettingsError
from earshot.core.locations import conf_folder

GOOD = """
[families]
volume = ["listens", "skips"]

[[rules]]
name = "kpi"
source = "anomalies"
match = ["severity=~warning|critical"]
summary = "{metric} {where}: {observed}"

[[routes]]
name = "all"
"""


def rulebook(folder: Path, text: str):
    path = folder / "alerts.toml"
    path.write_text(text, encoding="utf-8")
    return load_rulebook(path)


def test_the_rules_that_ship_are_valid() -> None:
    book = load_rulebook(conf_folder() / "alerts.toml")
    sources = {rule.source for rule in book.rules}
    assert sources == set(get_args(Source))


def test_every_rule_that_ships_has_a_runbook_that_exists() -> None:
    book = load_rulebook(conf_folder() / "alerts.toml")
    runbooks = (conf_folder().parent / "docs" / "runbooks.md").read_text(encoding="utf-8")
    for rule in book.rules:
        _, _, heading = rule.runbook.partition("#")
        assert f"## {heading}\n" in runbooks


@pytest.mark.parametrize(
    ("old", "new", "where", "what", "nearest"),
    [
        ('source = "anomalies"', 'source = "anomalys"', "rules[0].source", "anomalys", "anomalies"),
        ("summary =", "sumary =", "rules[0].sumary", "sumary", "summary"),
        ("severity=~", "sevrity=~", "rules[0] (kpi), key match", "sevrity", "severity"),
        ('match = ["severity=~warning|critical"]', 'match = ["metric=listns"]', "key match", "listns", "listens"),
        ("{observed}", "{observd}", "key summary", "observd", "observed"),
        ('"skips"', '"skps"', "families.volume", "skps", "skips"),
        ('name = "all"', 'name = "all"\nchannels = ["slak"]', "routes[0].channels[0]", "slak", "slack"),
        ('name = "all"', 'name = "all"\ngroup_by = ["contry"]', "key group_by", "contry", "country"),
        ("[[routes]]", "[[route]]", "key route", "route", "routes"),
    ],
)
def test_a_wrong_word_is_named_with_its_place_and_the_nearest(tmp_path, old, new, where, what, nearest) -> None:
    assert old in GOOD
    with pytest.raises(SettingsError) as caught:
        rulebook(tmp_path, GOOD.replace(old, new))
    assert caught.value.exit_code == 2
    assert where in caught.value.where
    assert "alerts.toml" in caught.value.where
    assert what in caught.value.what
    assert nearest in caught.value.remedy


@pytest.mark.parametrize(
    "broken",
    ["[[rules]\n", GOOD.replace("{metric}", "{metric"), GOOD.replace("=~warning|critical", "=~(warning"), GOOD + GOOD],
    ids=["no TOML", "open brace", "no regular expression", "declared twice"],
)
def test_a_file_that_cannot_be_read_is_refused_without_a_traceback(tmp_path, broken) -> None:
    with pytest.raises(SettingsError):
        rulebook(tmp_path, broken)


def test_a_template_cannot_reach_into_objects(tmp_path) -> None:
    with pytest.raises(SettingsError, match="no field"):
        rulebook(tmp_path, GOOD.replace("{metric}", "{metric.__class__}"))


def test_a_rule_name_stands_only_once(tmp_path) -> None:
    rule = GOOD.partition("[[rules]]")[2].partition("[[routes]]")[0]
    with pytest.raises(SettingsError, match="two rules kpi"):
        rulebook(tmp_path, GOOD + "\n[[rules]]" + rule)


def test_matchers_work_as_alertmanagers_do() -> None:
    labels = {"country": "BR", "metric": "listens"}
    assert all_hold(parse_matchers(["country=BR", 'metric=~"listens|skips"', "device!=ios"]), labels)
    assert not parse_matcher("metric=~listen").holds(labels), "patterns are anchored"
    assert parse_matcher("tier=").holds(labels), "a missing label is the empty string"
    assert not parse_matcher("country!~B.").holds(labels)


@pytest.mark.parametrize("text", ["", "country", "=BR", "country=~(", "1a=b"])
def test_what_is_no_matcher_is_refused(text) -> None:
    with pytest.raises(ArgumentError):
        parse_matcher(text)


def test_labels_are_read_from_the_command_line() -> None:
    assert parse_labels("country=BR, severity=critical") == {"country": "BR", "severity": "critical"}
    with pytest.raises(ArgumentError):
        parse_labels("country=~BR")


@pytest.mark.parametrize(
    ("added", "where", "word", "nearest"),
    [
        ('[[inhibit]]\nname = "x"\nsource = ["alertname=kpy"]\ntarget = ["metric=skips"]', "key source", "kpy", "kpi"),
        (
            '[[inhibit]]\nname = "x"\nsource = ["metric=listens"]\ntarget = ["metric=skps"]',
            "key target",
            "skps",
            "skips",
        ),
        (
            '[[inhibit]]\nname = "x"\nsource = ["metric=listens"]\ntarget = ["metric=skips"]\nequal = ["contry"]',
            "key equal",
            "contry",
            "country",
        ),
        (
            '[[escalations]]\nname = "x"\nafter = "1h"\nchannels = ["pagerdty"]',
            "escalations[0].channels[0]",
            "pagerdty",
            "pagerduty",
        ),
        ('[[maintenance]]\nname = "x"\nmatch = ["devce=ios"]\nstart = "1:00"\nend = "2:00"', "", "", ""),
        (
            '[[maintenance]]\nname = "x"\nmatch = ["devce=ios"]\nstart = "01:00"\nend = "02:00"',
            "key match",
            "devce",
            "device",
        ),
        ('[[routes]]\nname = "x"\nmatch = ["severity=crtical"]', "key match", "crtical", "critical"),
        ('[[routes]]\nname = "x"\ngroup_wait = "5 minutes"', "group_wait", "5 minutes", ""),
        ('[[routes]]\nname = "x"\nrepeat_interval = "1m"', "routes[1]", "", "repeat_interval"),
    ],
)
def test_wrong_words_of_the_other_tables_are_named_too(tmp_path, added, where, word, nearest) -> None:
    with pytest.raises(SettingsError) as caught:
        rulebook(tmp_path, f"{GOOD}\n{added}\n")
    assert where in caught.value.where
    assert word in caught.value.what
    assert nearest in caught.value.remedy


def test_an_entry_that_is_not_sound_is_left_out_and_the_others_stay(tmp_path) -> None:
    broken = """
[[rules]]
name = "typo"
source = "anomalys"
summary = "x"

[[rules]]
name = "word"
source = "anomalies"
match = ["metric=listns"]
summary = "x"

[[rules]]
name = "good"
source = "heartbeat"
summary = "{job}"

[[routes]]
name = "bad"
channels = ["slak"]
"""
    path = tmp_path / "alerts.toml"
    path.write_text(GOOD + broken, encoding="utf-8")
    book, problems = load_sound(path)
    assert [rule.name for rule in book.rules] == ["kpi", "good"]
    assert [route.name for route in book.routes] == ["all"]
    assert [word for word in ("anomalys", "slak", "listns") if any(word in problem.what for problem in problems)] == [
        "anomalys",
        "slak",
        "listns",
    ]


def test_runbooks_are_addresses_where_their_root_is_known() -> None:
    book = load_rulebook(conf_folder() / "alerts.toml")
    assert book.with_runbooks("") is book
    first = book.with_runbooks("https://git.example.org/earshot/").rules[0]
    assert first.runbook == "https://git.example.org/earshot/docs/runbooks.md#kpi_anomaly"
