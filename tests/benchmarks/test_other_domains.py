"""Series that nothing was chosen on: eight kinds, made up from seeds, with one incident each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from earshot.detectors.benchmark import vus
from earshot.detectors.univariate.calibration import ALARM, Calibration
from earshot.detectors.univariate.ensemble import DETECTORS, ENSEMBLE
from earshot.detectors.univariate.scoring import CONFIGURATION
from earshot.detectors.univariate.signal import Signal

pytestmark = pytest.mark.benchmark

KINDS = ("walk", "heartbeat", "frequency", "flat", "trend", "heavy tails", "events", "counts")
SEEDS = range(1000, 1006)
BEFORE = replace(CONFIGURATION, confident=20.0, first_share=0.2)
HOUR = 3600.0


def heartbeat(rows: np.ndarray) -> np.ndarray:
    phase = (rows % 60) / 60
    waves = ((0.3, 0.02, 5.0), (0.55, 0.06, 1.0), (0.15, 0.04, 0.3))
    return np.sum([height * np.exp(-(((phase - at) / width) ** 2)) for at, width, height in waves], axis=0)


def series(kind: str, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Values, and which rows are the incident."""
    chance, at = np.random.default_rng(seed), np.arange(rows)
    begin, length = int(chance.integers(rows // 3, rows - 200)), int(chance.integers(5, 80))
    there = slice(begin, begin + length)
    values = {
        "walk": lambda: np.cumsum(chance.normal(0, 1, rows)),
        "heartbeat": lambda: heartbeat(at) + chance.normal(0, 0.05, rows),
        "frequency": lambda: np.sin(at / 15) + chance.normal(0, 0.1, rows),
        "flat": lambda: 3 * np.sin(at / 20) + chance.normal(0, 0.2, rows),
        "trend": lambda: 0.02 * at + chance.normal(0, 1, rows),
        "heavy tails": lambda: chance.standard_t(3, rows),
        "events": lambda: (chance.random(rows) < 0.05).astype(float),
        "counts": lambda: chance.poisson(20 * (1 + 0.7 * np.sin(at * 2 * np.pi / 24))).astype(float),
    }[kind]()
    values[there] = {
        "walk": lambda: values[there] + 12 * chance.choice([-1, 1]),
        "heartbeat": lambda: 0.6 * values[there][::-1],
        "frequency": lambda: np.sin(at[there] / 5),
        "flat": lambda: values[begin],
        "trend": lambda: values[there] + 6,
        "heavy tails": lambda: chance.normal(0, 6, length),
        "events": lambda: 1.0,
        "counts": lambda: chance.poisson(1, length),
    }[kind]()
    labels = np.zeros(rows, dtype=bool)
    labels[there] = True
    return values, labels


def judged(rows: int, config: Calibration) -> np.ndarray:
    """VUS-PR online and offline, false alarms a series, part of the incidents with an alarm; means of all series."""
    found = []
    for kind, seed in product(KINDS, SEEDS):
        values, labels = series(kind, rows, seed)
        signal = Signal(values, np.arange(rows) * (HOUR if kind == "counts" else 1.0))
        online = DETECTORS[ENSEMBLE].online(signal, config)
        offline = DETECTORS[ENSEMBLE].in_hindsight(signal, config)
        volumes = [vus.volume(scores, labels, 20).pr for scores in (online, offline)]
        alarms = online >= ALARM
        found.append([*volumes, float((alarms & ~labels).sum()), float((alarms & labels).any())])
    return np.mean(found, axis=0)


@pytest.mark.parametrize("rows", [400, 2000])
def test_the_calibration_is_no_worse_on_other_series_than_the_one_before(
    rows: int, show: Callable[[str], None]
) -> None:
    now, before = judged(rows, CONFIGURATION), judged(rows, BEFORE)
    names = ("VUS-PR online", "offline", "false alarms a series", "incidents with an alarm")
    show(
        f"{rows} rows: " + "; ".join(f"{n} {a:.3f}, before {b:.3f}" for n, a, b in zip(names, now, before, strict=True))
    )
    assert (now[:2] >= before[:2]).all()
    assert now[2] <= before[2]
