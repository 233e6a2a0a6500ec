"""VUS, against the definition row by row and against figures of the authors' implementation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from earshot.detectors.benchmark import vus


def by_definition(scores: np.ndarray, labels: np.ndarray, buffer: int) -> tuple[float, float]:
    """The paper's formulas with plain loops: extended labels, existence reward, trapezoids, mean over buffers."""
    rows = scores.size
    edges = np.flatnonzero(np.diff(np.concatenate([[0], labels.astype(int), [0]])))
    windows = list(zip(edges[::2], edges[1::2] - 1, strict=True))
    thresholds = np.sort(scores)[::-1][np.linspace(0, rows - 1, 250).astype(int)]
    surfaces = []
    for width in range(buffer + 1):
        half = width // 2
        soft = labels.astype(float)
        for first, last in windows:
            for row in range(last + 1, min(last + half + 1, rows)):
                soft[row] += np.sqrt(1 - (row - last) / width)
            for row in range(max(first - half, 0), first):
                soft[row] += np.sqrt(1 - (first - row) / width)
        soft = np.minimum(soft, 1)
        begin, merged = max(windows[0][0] - half, 0), []
        for (_, last), (following, _) in itertools.pairwise(windows):
            if last + half < following - half:
                merged.append((begin, last + half))
                begin = following - half
        merged.append((begin, min(windows[-1][1] + half, rows - 1)))
        recall, fall_out, precision = [0.0], [0.0], []
        for threshold in thresholds:
            told = scores >= threshold
            kept = np.where(labels, 1.0, soft * told)
            true = float((kept * told).sum())
            possible = (labels.sum() + kept.sum()) / 2
            found = sum(told[first : last + 1].any() for first, last in merged) / len(merged)
            recall.append(min(true / possible, 1) * found)
            fall_out.append((told.sum() - true) / (rows - possible))
            precision.append(true / told.sum())
        pr = float(np.dot(np.diff(recall), precision))
        recall.append(1.0)
        fall_out.append(1.0)
        surfaces.append((pr, float(np.trapezoid(recall, fall_out))))
    return tuple(np.mean(surfaces, axis=0).tolist())


def example(seed: int, rows: int = 300) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    labels = np.zeros(rows, dtype=bool)
    for _ in range(3):
        first = int(chance.integers(0, rows - 20))
        labels[first : first + int(chance.integers(1, 20))] = True
    return chance.random(rows) + 0.3 * labels, labels


@pytest.mark.parametrize("seed", range(6))
def test_volumes_are_those_of_the_definition(seed: int) -> None:
    scores, labels = example(seed)
    scores = np.round(scores, 1) if seed % 2 else scores
    assert vus.volume(scores, labels, 9) == pytest.approx(by_definition(scores, labels, 9))


@pytest.mark.parametrize("edge", [slice(0, 7), slice(-7, None)])
def test_windows_may_touch_the_ends(edge: slice) -> None:
    scores, labels = example(7)
    labels[edge] = True
    assert vus.volume(scores, labels, 8) == pytest.approx(by_definition(scores, labels, 8))


def test_figures_are_those_of_the_authors_implementation() -> None:
    # What TSB-AD's `generate_curve` returns for the same arrays.
    chance = np.random.default_rng(0)
    labels = np.zeros(600, dtype=bool)
    for _ in range(chance.integers(1, 5)):
        first = chance.integers(0, 570)
        labels[first : first + chance.integers(1, 30)] = True
    scores = chance.random(600) + labels * 0.3
    found = vus.volume(scores, labels, int(chance.integers(1, 40)))
    assert found == pytest.approx((0.4654565938172167, 0.8613950639887284))


def test_perfection_is_one_without_a_buffer() -> None:
    _, labels = example(1)
    assert vus.volume(labels.astype(float), labels, 0) == pytest.approx((1, 1))


def test_chance_has_the_precision_of_the_base_rate() -> None:
    labels = np.zeros(4000, dtype=bool)
    labels[1000:1400] = True
    found = vus.volume(np.random.default_rng(2).random(4000), labels, 20)
    assert found.pr == pytest.approx(0.1, abs=0.05)
    assert found.roc == pytest.approx(0.5, abs=0.05)


def test_the_buffer_is_the_period_of_the_series() -> None:
    rows = np.arange(3000)
    assert vus.buffer_length(np.sin(rows * 2 * np.pi / 48)) == 48
    assert vus.buffer_length(np.ones(500)) == 125
