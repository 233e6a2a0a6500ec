"""Public sets of deviations with known causes, and how well causes are told on them.

Two layouts are read, by what lies in a folder:

- of Squeeze (Li et al., ISSRE 2019): `injection_info.csv` with timestamp and set (`a=a1&b=b2;c=c3`), and for each
  timestamp TIMESTAMP.csv with the dimensions, real and predict;
- of RobustSpot: `anomaly.yaml` with data, timestamp and cause, and NAME.csv with min, the dimensions, value and cnt (so
  many bad ones among cnt). What was due is the mean of the four minutes before.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from earshot.core.errors import InputError
from earshot.detectors import evidence
from earshot.detectors.attribution import explain
from earshot.detectors.baseline import TINY, SeasonalConfig
from earshot.detectors.benchmark.localisers import LOCALISERS, Leaves
from earshot.detectors.evidence import Frame
from earshot.detectors.seasonal import published
from earshot.detectors.series import HOURS_OF_DAY, Dimensions, Floats, Kind, SeriesMatrix, sorted_dimensions

_MINUTES_BEFORE: Final = 4
_SQUEEZE: Final = "injection_info.csv"
_ROBUSTSPOT: Final = "anomaly.yaml"
_CHI_SQUARE_MEDIAN: Final = 0.4549
# A set says that something deviates: where nothing does clearly, what deviates most is told.
_DEVIATIONS: Final = (7.0, 5.0, 3.5, 2.5, 1.5)
_TOLD: Final = 3


@dataclass(frozen=True)
class Case:
    """One deviation of which the causes are known.

    Attributes:
        name: Of its file.
        leaves: What was seen and due.
        volume: L, of how many the figures are counts; None where they are plain counts.
        causes: The slices that are behind it.
    """

    name: str
    leaves: Leaves
    volume: Floats | None
    causes: tuple[Dimensions, ...]


@dataclass(frozen=True)
class Told:
    """What a method says of a case.

    Attributes:
        named: Its causes, the clearest first.
        runners_up: Slices that would explain it, too; ranked after the causes, never said to be one.
    """

    named: tuple[Dimensions, ...]
    runners_up: tuple[Dimensions, ...] = ()

    @property
    def ranked(self) -> tuple[Dimensions, ...]:
        """All of them, the likeliest first."""
        return (*self.named, *self.runners_up)


def read_cases(folder: Path) -> Iterator[Case]:
    """The cases of a folder and the folders in it.

    Raises:
        InputError: There is no set of a known layout, or a file of it cannot be read.
    """
    infos = sorted(path for name in (_SQUEEZE, _ROBUSTSPOT) for path in folder.rglob(name))
    if not infos:
        raise InputError(
            f"There are no cases with known causes: neither {_SQUEEZE} nor {_ROBUSTSPOT} is there.",
            where=str(folder),
            remedy="Give a folder in the layout of Squeeze's or RobustSpot's data.",
        )
    for info in infos:
        try:
            yield from _of_squeeze(info) if info.name == _SQUEEZE else _of_robustspot(info)
        except (OSError, KeyError, ValueError, SyntaxError) as error:
            raise InputError(
                f"The set cannot be read: {error}", where=str(info), remedy="Compare it with the layout of the set."
            ) from None


def evaluate(folder: Path, depth: int = 3) -> dict[str, Any]:
    """Tell the causes of every case by our own method and by the published ones.

    Args:
        folder: Of the sets.
        depth: Dimensions that a slice of ours fixes at most, as in the cube.

    Returns:
        `cases`, and `contest`: by method top_1 and top_3 (of cases with one cause), precision, recall and F1 of all
        causes that are named, pooled over cases, as Squeeze's paper counts them.
    """
    told: dict[str, list[tuple[Told, tuple[Dimensions, ...]]]] = {}
    count = 0
    for case in read_cases(folder):
        count += 1
        told.setdefault("Earshot", []).append((told_causes(case, depth), case.causes))
        for name, localise in LOCALISERS.items():
            told.setdefault(name, []).append((Told(tuple(localise(case.leaves))), case.causes))
    return {"cases": count, "contest": [{"method": name, **_figures(pairs)} for name, pairs in told.items()]}


def told_causes(case: Case, depth: int) -> Told:
    """The slices to which `attribution.explain` puts a case down, and the runners-up of the clearest.

    The case is handed over as the last hour of a day in which nothing else was judged.
    """
    leaves, config = case.leaves, SeasonalConfig()
    kind = Kind.COUNT if case.volume is None else Kind.SHARE
    volume = leaves.due if case.volume is None else case.volume
    plain = evidence.unit_variance(leaves.due, volume, kind)
    noise = plain * _dispersion(leaves.seen - leaves.due, plain, volume)
    names: list[Dimensions] = []
    parts: list[Floats] = []
    for size in range(min(depth, len(leaves.names)) + 1):
        for fixed in combinations(range(len(leaves.names)), size):
            place, named = leaves.slices(fixed)
            sums = [np.bincount(place, of, len(named)) for of in (leaves.seen, leaves.due, volume, noise)]
            names += named
            parts.append(np.stack(sums))
    seen, due, volumes, noises = np.concatenate(parts, axis=1)
    exposure = np.ones_like(seen) if kind is Kind.COUNT else volumes
    dispersion = np.maximum(noises / np.maximum(evidence.unit_variance(due, exposure, kind), TINY), 1.0)
    hours = (_last_hour(seen), _last_hour(due), _last_hour(exposure))
    by_window = np.repeat(dispersion[:, None], len(config.windows), axis=1)
    frame = Frame(kind, *hours, by_window, np.ones(seen.size), _last_hour(np.ones(seen.size)) > 0)
    metric = "plays" if kind is Kind.COUNT else "start_failures"
    there = _last_hour(np.ones(seen.size)) > 0
    figures = (_last_hour(seen), _last_hour(volumes))
    matrix = SeriesMatrix(metric, tuple(names), np.datetime64("2026-01-05", "D"), *figures, there, ~there)
    scores = published(matrix, 0, frame, config)
    for deviation in _DEVIATIONS:
        threshold = float(evidence.score_of(np.array(deviation), config))
        events = explain([scores], threshold, 0.0, config)
        if events:
            return Told(tuple(event.dimensions for event in events), events[0].runners_up)
    return Told(())


def _dispersion(gap: Floats, plain: Floats, volume: Floats) -> Floats:
    """How much noisier than chance the leaves are, by their volume; those that deviate are few among them."""
    own = np.square(gap) / np.maximum(plain, TINY) / _CHI_SQUARE_MEDIAN
    line = evidence.pool(own[:, None], (plain > TINY).astype(np.float64)[:, None], volume)
    return np.maximum(line.of(volume)[:, 0], 1.0)


def _last_hour(figures: Floats) -> Floats:
    day = np.zeros((figures.size, HOURS_OF_DAY))
    day[:, -1] = figures
    return day


def _figures(pairs: Sequence[tuple[Told, tuple[Dimensions, ...]]]) -> dict[str, float]:
    single = [(told.ranked, causes[0]) for told, causes in pairs if len(causes) == 1]
    right = sum(len(set(told.named) & set(causes)) for told, causes in pairs)
    all_told = sum(len(set(told.named)) for told, _ in pairs)
    wanted = sum(len(causes) for _, causes in pairs)
    return {
        "top_1": sum(told[:1] == (cause,) for told, cause in single) / max(len(single), 1),
        "top_3": sum(cause in told[:_TOLD] for told, cause in single) / max(len(single), 1),
        "precision": right / max(all_told, 1),
        "recall": right / max(wanted, 1),
        "f1": 2 * right / max(all_told + wanted, 1),
    }


def _of_squeeze(info: Path) -> Iterator[Case]:
    injected = pd.read_csv(info, dtype=str)
    for timestamp, told in zip(injected["timestamp"], injected["set"], strict=True):
        path = info.parent / f"{timestamp}.csv"
        if not path.exists():  # a set may be handed on in part
            continue
        table = pd.read_csv(path)
        names = sorted(set(table.columns) - {"real", "predict"})
        causes = tuple(_parsed(cause) for cause in str(told).split(";"))
        seen, due = (table[name].to_numpy(np.float64) for name in ("real", "predict"))
        yield Case(str(timestamp), _leaves(table, names, seen, due), None, causes)


def _parsed(cause: str) -> Dimensions:
    return sorted_dimensions([(name, value) for name, _, value in (part.partition("=") for part in cause.split("&"))])


def _of_robustspot(info: Path) -> Iterator[Case]:
    text = info.read_text(encoding="utf-8")
    entry = re.compile(r"- data: (?P<name>.+?)\s*\n\s+timestamp: (?P<at>\d+)\s*\n\s+cause: (?P<cause>.+)")
    for found in entry.finditer(text):
        path = info.parent / f"{found['name']}.csv"
        if not path.exists():
            continue
        table = pd.read_csv(path)
        at, names = int(found["at"]), sorted(set(table.columns) - {"min", "value", "cnt"})
        before = [at - 60 * minute for minute in range(1, _MINUTES_BEFORE + 1)]
        now = table[table["min"] == at].groupby(names)[["value", "cnt"]].sum()
        past = table[table["min"].isin(before)].groupby(names)[["value", "cnt"]].sum()
        both = now.join(past, lsuffix="_now", rsuffix="_past", how="left").fillna(0.0).reset_index()
        if not len(both):
            continue
        causes = ast.literal_eval(found["cause"])
        wanted = tuple(
            sorted_dimensions({str(name): str(value) for name, value in cause.items()})
            for cause in (causes if isinstance(causes, list) else [causes])
        )
        volume = both["cnt_now"].to_numpy(np.float64)
        due = _due(both, names, volume)
        yield Case(found["name"], _leaves(both, names, both["value_now"].to_numpy(np.float64), due), volume, wanted)


def _due(both: pd.DataFrame, names: Sequence[str], volume: Floats) -> Floats:
    """Bad ones that were due: the share of the minutes before, a small leaf's leaning on that of all."""
    bad, among = (both[name].to_numpy(np.float64) for name in ("value_past", "cnt_past"))
    usual = bad.sum() / max(among.sum(), 1.0)
    return np.asarray(volume * (bad + 20 * usual) / (among + 20))


def _leaves(table: pd.DataFrame, names: Sequence[str], seen: Floats, due: Floats) -> Leaves:
    coded = [pd.factorize(table[name].astype(str), sort=True) for name in names]
    codes = np.stack([codes for codes, _ in coded], axis=1).astype(np.intp)
    return Leaves(tuple(names), tuple(tuple(map(str, values)) for _, values in coded), codes, seen, due)
