"""Fit, backtest on made-up incidents, artefacts, and incidents that people confirmed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kpi_series
from earshot.core.errors import IntegrityError
from earshot.core.settings import AnomalySettings
from earshot.detectors import backtest_figures, training
from earshot.detectors.backtest import Backtest, Point
from earshot.detectors.evaluation import Detection, Incident, compare
from earshot.detectors.feedback import exclude, known_incidents
from earshot.detectors.injection import KINDS, SIZES, inject
from earshot.detectors.series import SeriesMatrix

SETTINGS = AnomalySettings(backtest_incidents=24)
BEGIN = datetime(2026, 3, 20, 9, tzinfo=UTC)
GERMANY = (("country", "DE"),)


@pytest.fixture(scope="module")
def history() -> list[SeriesMatrix]:
    return kpi_series.history(10, size=40.0)


@pytest.fixture(scope="module")
def trained(history: list[SeriesMatrix]) -> training.Trained:
    return training.train(history, SETTINGS)


def test_incidents_are_made_up_in_a_copy(history: list[SeriesMatrix]) -> None:
    before = [matrix.values.copy() for matrix in history]
    disturbed, made = inject(history, 24, 4, 30, seed=1)
    for matrix, values in zip(history, before, strict=True):
        np.testing.assert_array_equal(matrix.values, values)
    assert {incident.kind for incident in made} == set(KINDS)
    changed = {matrix.metric: matrix for matrix in disturbed}
    for incident in made:
        original = next(matrix for matrix in history if matrix.metric == incident.metric)
        hours = slice(incident.start, incident.stop)
        row = changed[incident.metric].values[incident.row]
        assert not np.array_equal(row[hours], original.values[incident.row, hours], equal_nan=True)
        np.testing.assert_array_equal(row[: incident.start], original.values[incident.row, : incident.start])
        assert incident.start >= 6 * 24


def test_the_same_seed_makes_up_the_same(history: list[SeriesMatrix]) -> None:
    assert inject(history, 18, 4, 30, seed=1)[1] == inject(history, 18, 4, 30, seed=1)[1]
    assert inject(history, 18, 4, 30, seed=1)[1] != inject(history, 18, 4, 30, seed=2)[1]


def test_three_days_of_history_are_enough_to_make_up_incidents_and_judge() -> None:
    short = kpi_series.history(3, size=40.0)
    _, made = inject(short, 24, 1, 30, seed=1)
    assert {incident.kind for incident in made} == set(KINDS)
    assert all(48 <= incident.start < incident.stop <= 72 for incident in made)
    assert training.train(short, SETTINGS).metrics()["recall"] >= 0


def test_the_backtest_finds_most_and_raises_few_false_alarms(trained: training.Trained) -> None:
    assert trained.point.recall >= 0.5
    assert trained.point.precision >= 0.8
    assert trained.threshold in {point.threshold for point in trained.result.points}
    recalls = [point.recall for point in trained.result.points]
    assert recalls == sorted(recalls, reverse=True)
    figures = trained.metrics()
    assert {f"{name}_{kind}" for name in ("precision", "recall") for kind in KINDS} <= set(figures)
    assert all(
        0 <= figures[name] <= 1
        for name in figures
        if name.startswith(("precision", "recall", "f")) and "groups" not in name
    )


def test_f_leans_to_precision_or_recall_by_its_beta() -> None:
    point = Point(0.5, recall=0.5, precision=1.0, false_groups=0, recall_by_kind={})
    assert point.f1 == pytest.approx(2 / 3)
    assert point.f_measure(0.5) == pytest.approx(1.25 * 0.5 / 0.75)
    assert Point(0.5, 0.0, 0.0, 0, {}).f1 == 0


def test_artefacts_restore_the_detector_without_pickle(
    trained: training.Trained, history: list[SeriesMatrix], tmp_path: Path
) -> None:
    training.save(trained, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["detector.json", "parameters.npz"]
    detector, threshold = training.load(tmp_path)
    assert threshold == trained.threshold
    assert detector.config == trained.detector.config
    one, other = (d.score(history[0], [9])[0].score for d in (trained.detector, detector))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("content", ["{}", "no json", json.dumps({"detector": "oracle", "threshold": 1, "config": {}})])
def test_artefacts_that_cannot_be_read_say_so(tmp_path: Path, content: str) -> None:
    (tmp_path / "detector.json").write_text(content, encoding="utf-8")
    with pytest.raises(IntegrityError, match="cannot be read"):
        training.load(tmp_path)


def test_the_picture_shows_the_curve_by_size_and_what_each_kind_takes(trained: training.Trained) -> None:
    curve, found, late = backtest_figures.picture(trained.result, trained.point).axes
    assert [line.get_label() for line in curve.lines] == ["all", *SIZES, "chosen"]
    assert len(curve.lines[0].get_xdata()) == len(trained.result.points)
    assert len(found.patches) == len(KINDS)
    assert len(late.patches) == len(trained.point.hours_to_detect)


def test_a_day_that_comes_late_is_the_day_before_it_moved(history: list[SeriesMatrix]) -> None:
    disturbed, made = inject(history, 24, 4, 30, seed=1)
    changed = {matrix.metric: matrix for matrix in disturbed}
    original = {matrix.metric: matrix for matrix in history}
    late = [incident for incident in made if incident.kind == "phase"]
    assert {incident.metric for incident in late} == {"listens"}
    for incident in late:
        hours = {"hard": 2, "medium": 4, "easy": 6}[incident.size]
        moved = changed["listens"].values[incident.row, incident.start : incident.stop]
        earlier = original["listens"].values[incident.row, incident.start - hours : incident.stop - hours]
        np.testing.assert_array_equal(moved, earlier)


def test_larger_incidents_are_found_more_often_and_each_after_some_hours(trained: training.Trained) -> None:
    point = trained.point
    easy, hard = (sum(one.recall_by_size[size] for one in trained.result.points) for size in ("easy", "hard"))
    assert easy > hard, "over the whole curve: where nearly all is found, chance decides"
    assert all(hours >= 1 for hours in point.hours_to_detect.values())
    assert set(point.hours_to_detect) == {kind for kind, recall in point.recall_by_kind.items() if recall}


def test_false_alarms_are_counted_by_week_and_thousand_series() -> None:
    week_of_100_series = Backtest((), {}, series_days=700)
    assert week_of_100_series.false_alarms(Point(0.5, 1.0, 1.0, 3, {})) == 30


def test_the_ends_of_the_curve_are_drawn_but_never_chosen(trained: training.Trained) -> None:
    assert not trained.result.points[0].choosable
    assert not trained.result.points[-1].choosable
    assert trained.point.choosable


def test_some_series_score_as_they_do_among_all(trained: training.Trained, history: list[SeriesMatrix]) -> None:
    for matrix in history:
        (every,), (some,) = (trained.detector.score(matrix, [9], rows) for rows in (None, [2, 0]))
        assert some.matrix.dimensions == (matrix.dimensions[2], matrix.dimensions[0])
        for name in ("expected", "lower", "upper", "score", "support", "persistence"):
            np.testing.assert_allclose(getattr(some, name), getattr(every, name)[[2, 0]], rtol=1e-9)


def test_a_champion_is_judged_at_its_own_threshold_as_among_all(
    trained: training.Trained, history: list[SeriesMatrix]
) -> None:
    for point in trained.result.points:
        alone = training.examine(trained.detector, history, SETTINGS, at=point.threshold)
        assert alone.points == (point,)


def test_the_backtest_comes_out_the_same_each_time(trained: training.Trained, history: list[SeriesMatrix]) -> None:
    assert training.examine(trained.detector, history, SETTINGS) == trained.result


def said(kind: str, subject: str, verdict: str, hour: int = 0) -> dict[str, Any]:
    return {"subject_kind": kind, "subject": subject, "verdict": verdict, "at": BEGIN + timedelta(hours=hour)}


def test_confirmed_alerts_and_incidents_are_known() -> None:
    alert = {"fingerprint": "f1", "labels": {"metric": "listens", "country": "DE"}, "starts_at": BEGIN, "ends_at": None}
    told = {"dimensions": {"cdn": "alpha"}, "starts_at": BEGIN.isoformat(), "ends_at": BEGIN.isoformat()}
    alerts = [{**alert, "updated_at": BEGIN + timedelta(hours=2)}, {**alert, "fingerprint": "f2", "updated_at": None}]
    feedback = [
        said("alert", "f1", "confirmed"),
        said("alert", "f2", "confirmed"),
        said("alert", "f2", "dismissed", 1),
        said("incident", json.dumps(told), "confirmed"),
        said("incident", "no json", "confirmed"),
    ]
    found = known_incidents(feedback, alerts)
    assert [incident.dimensions for incident in found] == [GERMANY, (("cdn", "alpha"),)]
    assert found[0].ends_at == BEGIN + timedelta(hours=2)


def test_an_incident_excludes_what_it_lies_in_and_what_lies_in_it(history: list[SeriesMatrix]) -> None:
    (incident,) = known_incidents(
        [said("alert", "f", "confirmed")],
        [{"fingerprint": "f", "labels": {"country": "DE"}, "starts_at": BEGIN, "ends_at": BEGIN + timedelta(hours=3)}],
    )
    matrix = exclude(history[0], [incident])
    hours = {dimensions: np.flatnonzero(matrix.excluded[row]) for row, dimensions in enumerate(matrix.dimensions)}
    expected = [4 * 24 + 9, 4 * 24 + 10, 4 * 24 + 11]
    assert hours[GERMANY].tolist() == expected
    assert hours[()].tolist() == expected
    assert hours[(("country", "DE"), ("device", "ios"))].tolist() == expected
    assert hours[(("country", "US"),)].size == 0
    assert hours[(("device", "ios"),)].size == 0


def detection(metric: str, hour: int, **dimensions: str) -> Detection:
    at = BEGIN + timedelta(hours=hour)
    return Detection(metric, tuple(sorted(dimensions.items())), at, at + timedelta(hours=1))


def test_agreement_is_by_time_metric_and_dimensions() -> None:
    incident = Incident("1", "outage", frozenset({"listens"}), GERMANY, BEGIN, BEGIN + timedelta(hours=4))
    for shown in (
        detection("listens", 0),
        detection("listens", 3, device="ios"),
        detection("listens", 1, country="DE"),
    ):
        assert incident.shown_by(shown)
    for other in (detection("listens", 4), detection("skips", 1), detection("listens", 1, country="BR")):
        assert not incident.shown_by(other)


def test_precision_counts_groups_and_recall_incidents() -> None:
    incident = Incident("1", "outage", frozenset({"listens"}), GERMANY, BEGIN, BEGIN + timedelta(hours=4))
    missed = Incident("2", "outage", frozenset({"listens"}), (("country", "BR"),), BEGIN, BEGIN + timedelta(hours=4))
    seen = [detection("listens", hour, country="DE") for hour in range(2, 6)]
    agreement = compare([*seen, detection("skips", 1)], [incident, missed])
    assert agreement.recall == 0.5
    assert agreement.precision == 0.5
    assert agreement.incidents[0]["hours_to_detect"] == 3
    assert [group["metric"] for group in agreement.false_groups] == ["skips"]
    nothing = compare([], [])
    assert (nothing.recall, nothing.precision) == (1.0, 1.0)
