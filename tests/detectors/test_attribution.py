"""One incident, one finding: the slice that explains it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import kpi_series
from earshot.detectors.attribution import Event, explain
from earshot.detectors.findings import judge
from earshot.detectors.interface import DayScores
from earshot.detectors.seasonal import SeasonalDetector
from earshot.detectors.series import Dimensions, Kind
from earshot.detectors.severity import severity_of

BEGIN, END = 12 * 24 + 9, 12 * 24 + 17


def scores_of(day: int = 12, **how: object) -> list[DayScores]:
    detector = SeasonalDetector().fit(kpi_series.history(14, size=60.0))
    return [detector.score(matrix, [day])[0] for matrix in kpi_series.history(14, size=60.0, **how)]


def events_of(scores: list[DayScores], earlier: list[Event] | None = None) -> list[Event]:
    return explain(scores, 0.5, 30, SeasonalDetector().config, earlier or ())


def during(share: float, **where: str) -> object:
    def change(cell: dict[str, str], hour: int, value: float) -> float:
        hit = BEGIN <= hour < END and all(cell[name] == wanted for name, wanted in where.items())
        return value * share if hit else value

    return change


@pytest.mark.parametrize("where", [{"country": "DE"}, {"device": "ios"}, {"country": "US", "device": "ios"}])
def test_a_drop_is_put_down_to_its_slice_alone(where: dict[str, str]) -> None:
    events = events_of(scores_of(change=during(0.1, **where)))
    assert [event.dimensions for event in events] == [tuple(where.items())]
    assert events[0].metric == "listens"
    assert events[0].deviation < 0


def test_an_outage_that_strikes_one_device_harder_is_still_the_countrys() -> None:
    def uneven(cell: dict[str, str], hour: int, due: float) -> float:
        left = {"ios": 0.05, "web": 0.45}[cell["device"]]
        return due * left if BEGIN <= hour < END and cell["country"] == "US" else due

    (event,) = events_of(scores_of(change=uneven))
    assert event.dimensions == (("country", "US"),)


def test_runners_up_are_slices_that_deviate_too() -> None:
    (event,) = events_of(scores_of(change=during(0.1, country="DE")))
    assert len(event.runners_up) == 2
    assert event.dimensions not in event.runners_up
    assert all(other == () or ("country", "DE") in other for other in event.runners_up)


def test_a_drop_everywhere_is_put_down_to_the_total() -> None:
    assert [event.dimensions for event in events_of(scores_of(change=during(0.2)))] == [()]


def test_two_incidents_at_once_are_two_events() -> None:
    def both(cell: dict[str, str], hour: int, due: float) -> float:
        struck = cell["country"] == "BR" or cell == {"country": "US", "device": "web"}
        return due * 0.05 if BEGIN <= hour < END and struck else due

    events = events_of(scores_of(change=both))
    assert {event.dimensions for event in events} == {(("country", "BR"),), (("country", "US"), ("device", "web"))}


def without_cells(scores: list[DayScores], kept: Callable[[Dimensions], bool]) -> list[DayScores]:
    """The same day as if the cube had not kept some series on it, though it kept them before."""
    changed = []
    for one in scores:
        gone = np.array([not kept(dimensions) for dimensions in one.matrix.dimensions])[:, None]
        frame = replace(one.frame, usable=one.frame.usable & ~gone, numerator=np.where(gone, 0.0, one.frame.numerator))
        if frame.kind is not Kind.COUNT:
            expected, exposure = (np.where(gone, 0.0, of) for of in (frame.expected, frame.exposure))
            frame = replace(frame, expected=expected, exposure=exposure)
        changed.append(replace(one, frame=frame, judged=one.judged & ~gone))
    return changed


@pytest.mark.parametrize("how", [{"change": during(0.02, country="DE")}, {"stalls": during(8.0, country="DE")}])
def test_a_slice_that_shares_an_incident_is_no_finding_where_the_cube_does_not_tell_how_much(how: dict) -> None:
    scores = without_cells(scores_of(**how), lambda dimensions: len(dimensions) < 2)
    assert [event.dimensions for event in events_of(scores)] == [(("country", "DE"),)]


def test_two_incidents_that_cross_are_two_events_though_the_cube_does_not_cross_them() -> None:
    def both(cell: dict[str, str], hour: int, due: float) -> float:
        left = (0.05 if cell["country"] == "BR" else 1.0) * (3.0 if cell["device"] == "web" else 1.0)
        return due * left if BEGIN <= hour < END else due

    scores = without_cells(scores_of(change=both), lambda dimensions: len(dimensions) < 2)
    assert {event.dimensions for event in events_of(scores)} == {(("country", "BR"),), (("device", "web"),)}


def test_stalls_and_a_drop_in_other_slices_do_not_hide_each_other() -> None:
    how = {"change": during(0.1, country="DE"), "stalls": during(8.0, country="US")}
    events = events_of(scores_of(**how))
    assert {(event.metric, event.dimensions) for event in events} == {
        ("listens", (("country", "DE"),)),
        ("rebuffer_ms", (("country", "US"),)),
    }


def test_the_clearest_event_is_told_first_whatever_its_metric() -> None:
    faint_drop, plain_stalls = during(0.5, country="BR", device="web"), during(30.0, country="US")
    events = events_of(scores_of(change=faint_drop, stalls=plain_stalls))
    assert [event.metric for event in events] == ["rebuffer_ms", "listens"]
    assert abs(events[0].deviation) > 2 * abs(events[1].deviation)


def test_the_day_after_does_not_speak_of_the_day_before() -> None:
    how = {"stalls": during(8.0, country="US")}
    earlier = events_of(scores_of(12, **how))
    assert earlier
    assert events_of(scores_of(13, **how), earlier) == []


def test_contributors_name_the_slice_and_what_is_in_it() -> None:
    scores = scores_of(change=during(0.1, country="DE"))
    (finding,) = judge(scores, events_of(scores))
    name, value, share = finding.contributors[0]
    assert (name, value) == ("country", "DE")
    assert share > 0.7
    inside = {(name, value): share for name, value, share in finding.contributors[1:]}
    assert inside[("device", "ios")] + inside[("device", "web")] == pytest.approx(1.0, abs=0.1)
    assert inside[("device", "ios")] > inside[("device", "web")]
    assert finding.effect == pytest.approx(-0.9, abs=0.1)
    assert finding.severity == "critical"


def test_severity_grows_with_effect_and_reach() -> None:
    assert severity_of(-0.9, 0.3) == "critical"
    assert severity_of(-0.9, 0.02) == "warning"
    assert severity_of(0.1, 0.01) == "info"
    assert severity_of(50.0, 0.05) == "warning"
