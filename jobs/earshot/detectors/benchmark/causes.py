"""How often the true cause of an incident is told: simulated incidents at depth 1, 2 and 3, beside published methods.

Ours detects and attributes as the jobs do, from nothing but the cube. The published methods are given what no job has:
which metric deviates, in which hours, and for every leaf the true rate as what was due.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Final

import numpy as np

from earshot.detectors.attribution import explain
from earshot.detectors.benchmark import incident_worlds as worlds
from earshot.detectors.benchmark.incident_worlds import Figures, Struck, World
from earshot.detectors.benchmark.localisers import LOCALISERS, Leaves
from earshot.detectors.seasonal import SeasonalDetector
from earshot.detectors.series import HOURS_OF_DAY, Dimensions

DEPTHS: Final = (1, 2, 3)
LEAST_DEVIATIONS: Final = 10.0
"""An incident would move its slice's plays by so many standard deviations, or it is drawn again."""

_HISTORY_DAYS: Final = 20
_PLAYS_A_DAY: Final = (60_000.0, 200_000.0, 800_000.0)
_TOLD: Final = 3
_OURS: Final = "Earshot"
_SHOWN_BY: Final = {
    "drop": "listens",
    "surge": "listens",
    "failures": "start_failures",
    "stalls": "rebuffer_ms",
    "outage": "start_failures",
}


@dataclass(frozen=True)
class Rules:
    """What the service is set to.

    Attributes:
        shallow: Dimensions that the cube fixes together.
        deep: The same, with the floor of deep series.
        hourly_minimum_volume: Plays on one day that a series must have had.
        deep_minimum_volume: The same for deep ones.
        threshold: Score from which an hour is a detection.
        minimum_volume: Plays that must be due over a window.
    """

    shallow: tuple[tuple[str, ...], ...]
    deep: tuple[tuple[str, ...], ...]
    hourly_minimum_volume: int
    deep_minimum_volume: int
    threshold: float
    minimum_volume: float


@dataclass(frozen=True)
class Trial:
    """One incident, and the slices to which each method puts it down, the likeliest first."""

    incident: Struck
    told: dict[str, tuple[Dimensions, ...]]

    def is_right(self, method: str, among: int) -> bool:
        """Whether the cause is among the first slices that a method tells."""
        return self.incident.cause in self.told[method][:among]


def evaluate(trials: int, seeds: Sequence[int], rules: Rules, *, processes: int = 1) -> dict[str, Any]:
    """Draw incidents, tell their causes, and count.

    Args:
        trials: Incidents at each depth, for each seed.
        seeds: Of services and incidents.
        rules: What the service is set to.
        processes: At once.

    Returns:
        `by_depth`: method, depth, incidents, the part that is detected (told of by a published method), top_1 and top_3
        of the detected ones, and of all, where one that is not detected counts as told wrongly;
        `by_kind`: the same of ours by kind and size; `top_1` and `top_3` of ours at the worst depth.
    """
    work = [(seed, number, rules) for seed in seeds for number in range(trials)]
    if processes > 1:
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            found = [one for part in pool.map(_service, *zip(*work, strict=True), chunksize=2) for one in part]
    else:
        found = [one for args in work for one in _service(*args)]
    at_depth = {depth: [trial for trial in found if len(trial.incident.cause) == depth] for depth in DEPTHS}
    by_depth = [
        {"method": method, "depth": depth, **_figures(at_depth[depth], method)}
        for method in (_OURS, *LOCALISERS)
        for depth in DEPTHS
    ]
    ours = [row for row in by_depth if row["method"] == _OURS]
    by_kind = [
        {
            "kind": kind,
            "size": size,
            **_figures([one for one in found if (one.incident.kind, one.incident.size) == (kind, size)], _OURS),
        }
        for kind in worlds.KINDS
        for size in worlds.SIZES
    ]
    return {
        "incidents": len(found),
        "seeds": " ".join(map(str, seeds)),
        "top_1": min(row["top_1"] for row in ours),
        "top_3": min(row["top_3"] for row in ours),
        "top_1_of_all": min(row["top_1_of_all"] for row in ours),
        "top_3_of_all": min(row["top_3_of_all"] for row in ours),
        "detected": sum(bool(trial.told[_OURS]) for trial in found) / max(len(found), 1),
        "by_depth": by_depth,
        "by_kind": by_kind,
    }


def _service(seed: int, number: int, rules: Rules) -> list[Trial]:
    """One service with an incident at each depth, one after the other."""
    chance = np.random.default_rng([seed, number])
    world = worlds.make_world(float(chance.choice(_PLAYS_A_DAY)), _HISTORY_DAYS, chance)
    found = []
    for depth in DEPTHS:
        incident = None
        while incident is None:
            incident = worlds.draw_incident(world, depth, LEAST_DEVIATIONS, chance)
        today = worlds.judged_day(world, incident, chance)
        told = {_OURS: _told(world, today, rules)}
        leaves = _leaves(world, today, incident)
        told |= {name: tuple(localise(leaves)) for name, localise in LOCALISERS.items()}
        found.append(Trial(incident, told))
    return found


def _told(world: World, today: Figures, rules: Rules) -> tuple[Dimensions, ...]:
    """The slice of the clearest event, then its runners-up."""
    floors = {fixed: rules.hourly_minimum_volume for fixed in rules.shallow}
    floors |= {fixed: max(rules.hourly_minimum_volume, rules.deep_minimum_volume) for fixed in rules.deep}
    matrices = worlds.matrices(world, today, floors)
    detector = SeasonalDetector().restore({})
    scores = [detector.score(matrix, [world.judged_day])[0] for matrix in matrices]
    events = explain(scores, rules.threshold, rules.minimum_volume, detector.config)
    return (events[0].dimensions, *events[0].runners_up) if events else ()


def _leaves(world: World, today: Figures, incident: Struck) -> Leaves:
    metric = _SHOWN_BY[incident.kind]
    hours = slice(incident.begins, incident.begins + incident.hours)
    due = world.rate[:, -HOURS_OF_DAY:][:, hours].sum(axis=1) * worlds.DUE_A_PLAY[metric]
    codes = np.stack(np.unravel_index(np.arange(due.size), world.shape), axis=1)
    values = tuple(worlds.VALUES.values())
    return Leaves(tuple(worlds.VALUES), values, codes, today[metric][:, hours].sum(axis=1), due)


def _figures(trials: Sequence[Trial], method: str) -> dict[str, float]:
    count = max(len(trials), 1)
    detected = sum(bool(trial.told[method]) for trial in trials)
    first, among = (sum(trial.is_right(method, told) for trial in trials) for told in (1, _TOLD))
    return {
        "incidents": len(trials),
        "detected": detected / count,
        "top_1": first / max(detected, 1),
        "top_3": among / max(detected, 1),
        "top_1_of_all": first / count,
        "top_3_of_all": among / count,
    }
