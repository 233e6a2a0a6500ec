from __future__ import annotations

import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from earshot.core.schemas import TABLES
from earshot.importers.simulated.faults import FAULTS
from earshot.importers.simulated.scenario import FaultRates
from earshot.importers.simulated.truth import SCHEMAS
from importers.simulated.judge import failed_rules, start_ms

EVERY = ["default", "clean", "faults", "incidents", "manipulation", "gate_closed"]


@pytest.mark.parametrize("scenario", EVERY)
def test_truth_speaks_of_every_line_of_every_file_once(simulate, scenario):
    logs = simulate(scenario)
    written = set(logs.lines())
    for name in ("lines", "streams"):
        told = [(row["source_file"], row["source_line"]) for row in logs.truth(name)]
        assert len(told) == len(set(told)), name
        assert set(told) == written, name
    assert logs.done.lines == len(written)
    assert logs.done.files == len(logs.files)
    assert logs.done.bytes == sum((logs.done.landing / name).stat().st_size for name in logs.files)


@pytest.mark.parametrize("scenario", ["default", "faults", "gate_closed"])
def test_a_line_is_to_be_quarantined_exactly_when_it_breaks_a_rule(simulate, scenario):
    logs = simulate(scenario)
    lines = logs.lines()
    for place, truth in logs.by_place("lines").items():
        failed = failed_rules(lines[place], place[0][:10])
        if truth["expected"] == "quarantined":
            assert truth["rule"] in failed, (place, truth, lines[place])
        elif truth["fault"] != "copied_file":
            assert not failed, (place, truth, lines[place])


def test_the_faults_scenario_has_every_kind_of_fault(simulate):
    faults = Counter(row["fault"] for row in simulate("faults", days=4, plays=12_000).truth("lines"))
    more = {"new_key", "duplicate_line", "near_duplicate", "copied_file", None}
    assert set(faults) == set(FAULTS) | more
    assert set(FaultRates.model_fields) == set(FAULTS)


def test_the_default_scenario_never_closes_the_gate(simulate):
    logs = simulate("default", days=14, listeners=100, plays=20_000)
    share = {"all": [0, 0]}
    for row in logs.truth("lines"):
        for key in ("all", row["source_file"]):
            counts = share.setdefault(key, [0, 0])
            counts[0] += row["expected"] == "quarantined"
            counts[1] += 1
    assert 0 < share["all"][0] / share["all"][1] < 0.01
    assert all(bad / count < 0.2 for bad, count in share.values() if count >= 100)


def test_the_last_day_of_gate_closed_lost_its_tracks_and_only_that_day(simulate):
    by_day: dict[str, Counter[str]] = {}
    for row in simulate("gate_closed").truth("lines"):
        by_day.setdefault(row["source_file"][:10], Counter())[row["expected"]] += 1
    *earlier, last = (by_day[day] for day in sorted(by_day))
    assert all(counts["quarantined"] == 0 for counts in earlier)
    assert last["quarantined"] / last.total() > 0.3


def test_a_duplicate_repeats_a_line_that_arrived_before_it(simulate):
    logs = simulate("faults", days=4, plays=12_000)
    lines, expected, streams = logs.lines(), logs.by_place("lines"), logs.by_place("streams")
    pairs = logs.truth("duplicates")
    assert {row["exact"] for row in pairs} == {True, False}
    within = across = copied = 0
    for row in pairs:
        copy, original = (row["source_file"], row["source_line"]), (row["of_file"], row["of_line"])
        assert original < copy, "folders are arrival days, files arrive in the order of their names"
        assert expected[copy]["expected"] == "duplicate"
        assert streams[copy]["kind"] == streams[original]["kind"]
        if row["exact"]:
            assert lines[copy] == lines[original]
        else:
            one, other = json.loads(lines[original]), json.loads(lines[copy])
            assert one["listener"] == other["listener"]
            assert one["track_id"] == other["track_id"]
            assert 0 < start_ms(other) - start_ms(one) < 5_000
            assert one["event_id"] != other["event_id"]
            assert one["device"] != other["device"]
        if expected[copy]["fault"] == "copied_file":
            copied += 1
        else:
            assert expected[original]["expected"] == "accepted"
            within, across = within + (copy[0] == original[0]), across + (copy[0] != original[0])
    assert within and across and copied
    assert {p for p, row in expected.items() if row["expected"] == "duplicate"} == {
        (row["source_file"], row["source_line"]) for row in pairs
    }


def test_accepted_lines_are_different_plays(simulate):
    for scenario in ("default", "faults", "manipulation"):
        events = simulate(scenario).events().values()
        keys = [(event["listener"], event["track_id"], event["started_at"]) for event in events]
        assert len(keys) == len(set(keys))
        assert len({event["event_id"] for event in events}) == len(keys)


def test_late_lines_lie_under_the_day_they_arrive_and_all_others_under_the_day_they_start(simulate):
    logs = simulate("faults", days=4, plays=12_000)
    skewed = {place for place, row in logs.by_place("lines").items() if row["fault"] == "small_clock_skew"}
    late = 0
    for (name, line), event in logs.events().items():
        arrival, file = name.split("/")
        started = event["started_at"][:10]
        if file.startswith("late-"):
            late += 1
            assert started < arrival or (name, line) in skewed
        elif (name, line) not in skewed:
            assert started == arrival
    assert late > 0
    assert max(name[:10] for name in logs.files) == logs.done.last_day.isoformat()


def test_a_key_that_appears_one_day_is_sent_by_one_device_from_then_on(simulate):
    logs = simulate("faults")
    with_key = [event for event in logs.events().values() if "audio_codec" in event]
    assert with_key
    assert {event["device"] for event in with_key} == {"desktop"}
    assert min(event["started_at"] for event in with_key) >= "2026-03-17"


def test_keys_are_those_of_the_contract(simulate):
    known = set(TABLES["silver.listens"].column_names) | {"listener", "event_id", "ip", "device_id"}
    for event in simulate("clean").events().values():
        assert set(event) - {"_"} <= known


def test_truth_has_the_columns_of_the_contract_without_large_strings(simulate):
    done = simulate("default").done
    assert set(done.truth) == {"lines", "duplicates", "streams", "incidents"}
    for name, path in done.truth.items():
        schema = pq.read_schema(path)
        assert schema.names == SCHEMAS[name].names
        assert not any(pa.types.is_large_string(field.type) for field in schema)
