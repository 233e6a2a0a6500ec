"""Corpora and contests: a small one made here, and a few series of the Numenta Anomaly Benchmark where it is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

import labelled_series
from earshot.core.errors import ArgumentError, InputError
from earshot.detectors import score_series
from earshot.detectors.benchmark import contest, corpus, nab, odds, vus
from earshot.detectors.benchmark.published import PUBLISHED
from earshot.detectors.univariate.ensemble import ENSEMBLE

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return labelled_series.write(tmp_path)


def test_a_corpus_is_read_with_its_windows(folder: Path) -> None:
    read = corpus.read(folder)
    assert [one.name for one in read] == ["made/0.csv", "made/1.csv", "made/2.csv"]
    assert [list(one.windows) for one in read] == [[], [(880, 960)], [(880, 960)]]
    assert read[0].clock[1] - read[0].clock[0] == 300


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="labels"):
        corpus.read(tmp_path)


def test_a_window_at_no_row_is_refused(folder: Path) -> None:
    labels = json.loads((folder / corpus.LABELS).read_text())
    labels["made/0.csv"] = [["2020-01-01 00:00:00", "2020-01-02 00:00:00"]]
    (folder / corpus.LABELS).write_text(json.dumps(labels))
    with pytest.raises(InputError, match="2020-01-01 00:00:00"):
        corpus.read(folder)


def test_a_row_that_is_no_number_is_refused(folder: Path) -> None:
    with (folder / "data" / "made" / "0.csv").open("a") as file:
        file.write("2026-03-09 00:00:00,much\n")
    with pytest.raises(InputError, match="much"):
        corpus.read(folder)


def test_every_series_is_in_one_fold(folder: Path) -> None:
    series = corpus.read(folder) * 4
    dealt = corpus.folds(series, 5)
    assert sorted(place for fold in dealt for place in fold) == list(range(12))


def test_a_contest_judges_ours_beside_a_published_one(folder: Path) -> None:
    told = contest.evaluate(folder, only=[ENSEMBLE, "windowed Gaussian"])
    rows = {(row["detector"], row["mode"]): row for row in told["contest"]}
    ours, theirs = rows[ENSEMBLE, "online"], rows["windowed Gaussian", "online"]
    assert ours["NAB standard"] > 90
    assert ours["VUS-PR"] > theirs["VUS-PR"]
    assert ours["false alarms a 1000 series-weeks"] == 0
    assert theirs["published"] == "NAB 39.6"
    found = {row["series"]: row["found"] for row in told[f"by_series_of_{ENSEMBLE}_online"]}
    assert found == {"made/0.csv": 0, "made/1.csv": 1, "made/2.csv": 1}
    assert [row["fold"] for row in told["choice_on_other_series"]] == ["1", "2", "3", "all"]
    json.dumps(told, allow_nan=False)


def test_an_unknown_detector_is_refused_with_the_known(folder: Path) -> None:
    with pytest.raises(ArgumentError, match="matrix profile"):
        contest.evaluate(folder, only=["matrix-profile"])


@pytest.mark.parametrize("name", sorted(set(PUBLISHED) - {"EXPoSE"}))
def test_a_published_detector_gives_a_score_a_row(name: str) -> None:
    values = np.random.default_rng(3).normal(100, 5, 700)
    values[500:510] += 100
    for told in (values, np.ones(700)):
        scores = PUBLISHED[name].score(told)
        assert scores.shape == (700,)
        assert np.isfinite(scores).all()


@pytest.mark.parametrize("name", ["Bayesian changepoint", "windowed Gaussian", "KNN CAD"])
def test_a_published_online_detector_uses_only_the_past(name: str) -> None:
    assert PUBLISHED[name].online
    values = np.random.default_rng(3).normal(100, 5, 700)
    changed = np.concatenate([values[:600], np.zeros(100)])
    np.testing.assert_allclose(PUBLISHED[name].score(values)[:600], PUBLISHED[name].score(changed)[:600])


def test_the_matrix_profile_is_that_of_its_definition() -> None:
    values = np.sin(np.arange(300) * 2 * np.pi / 20) + np.random.default_rng(0).normal(0, 0.05, 300)
    values[150:160] += 1
    window = vus.buffer_length(values)
    pieces = np.lib.stride_tricks.sliding_window_view(values, window)
    pieces = (pieces - pieces.mean(axis=1, keepdims=True)) / pieces.std(axis=1, keepdims=True)
    apart = [
        min(np.linalg.norm(a - b) for j, b in enumerate(pieces) if abs(i - j) > int(np.ceil(window / 4)))
        for i, a in enumerate(pieces)
    ]
    before = int(np.ceil((window - 1) / 2))
    np.testing.assert_allclose(
        PUBLISHED["matrix profile"].score(values)[before : before + len(apart)], apart, atol=1e-6
    )


def test_three_series_of_nab_are_judged_well() -> None:
    if not (SHARED / "nab").exists():
        pytest.skip("the Numenta Anomaly Benchmark (../shared/data/nab) is not on this machine")
    names = ["art_daily_jumpsup", "art_daily_small_noise", "art_increase_spike_density"]
    groups = ["artificialWithAnomaly", "artificialNoAnomaly", "artificialWithAnomaly"]
    chosen = [f"{group}/{name}.csv" for group, name in zip(groups, names, strict=True)]
    read = corpus.read(SHARED / "nab", only=chosen)
    scored = [nab.Labelled(score_series(one.clock, one.values), one.windows) for one in read]
    swept = nab.sweep(scored, nab.STANDARD)
    assert nab.normalised(swept.at(0.5), swept, nab.STANDARD) > 50


def test_the_forest_reaches_its_published_figure_on_a_set_of_odds() -> None:
    if not (SHARED / "odds").exists():
        pytest.skip("ODDS (../shared/data/odds) is not on this machine")
    row = odds.judged(SHARED / "odds" / "wbc.mat", splits=2)
    assert row["isolation-forest"] == pytest.approx(row["published isolation forest"], abs=0.05)


def test_a_folder_without_sets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="ODDS"):
        odds.evaluate(tmp_path)


def test_splits_without_an_outlier_to_find_are_passed_over(tmp_path: Path) -> None:
    rows = np.random.default_rng(1).normal(0, 1, (40, 2))
    rows[:2] += 9
    savemat(tmp_path / "few.mat", {"X": rows, "y": np.arange(40) < 2})
    few, mean = odds.evaluate(tmp_path, splits=6)
    assert few["isolation-forest"] > 0.9
    assert few[odds.ERROR] >= 0
    assert mean["isolation-forest"] == few["isolation-forest"]
