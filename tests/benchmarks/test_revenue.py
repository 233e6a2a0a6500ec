"""A month close, three models to the minor unit: its scaling curve, its memory, one plain scan-and-group beside it.

BENCH_PLAYS names the sizes (default 1000000,3000000,10000000,30000000); each has a process of its own.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(7_200)]

PROGRAM = Path(__file__).with_name("month_close.py")
SIZES = [int(size) for size in os.environ.get("BENCH_PLAYS", "1000000,3000000,10000000,30000000").split(",")]
FEW = 3_000_000
"""Up to so many: three rounds, and DuckDB beside it, which spills what is more to disk."""
WHOLE = 100_000_000
GOAL_OF_GROWTH = 1.25
"""Seconds a play at each size by those at the one before it."""
GOAL_OF_MEMORY = 4 * 2**30
GOAL_OF_THE_RATIO = 6.0


def run(*arguments: str) -> str:
    done = subprocess.run([sys.executable, str(PROGRAM), *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3_000:]
    return done.stdout


def closed(months: dict[int, Path], size: int, *more: str) -> dict[str, Any]:
    rounds = ["3", "--peer"] if size <= FEW else ["1"]
    warm = str(months[min(months)])
    out = run(str(months[size]), "--plays", str(size), "--warm", warm, "--rounds", *rounds, *more)
    told: dict[str, Any] = json.loads(out.splitlines()[-1])
    return told


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    made = {size: tmp_path_factory.mktemp(f"month-{size}") for size in SIZES}
    for size, folder in made.items():
        run(str(folder), "--plays", str(size))
    return made


@pytest.mark.parametrize("minimum", [0, 1_000], ids=["every stream earns", "from 1,000 streams on"])
def test_a_month_close_is_near_linear_in_bounded_memory(
    months: dict[int, Path], minimum: int, show: Callable[[str], None]
) -> None:
    curve = []
    for size in SIZES:
        told = closed(months, size, "--minimum-streams", str(minimum))
        curve.append(told)
        show(
            f"{told['plays']:>11,} plays, {minimum:,} to earn: {told['seconds']:6.1f} s"
            f" = {told['seconds'] / told['floor']:.2f}x one scan-and-group, peak {told['peak'] / 2**30:.2f} GiB"
        )
        if told["peer"] is not None:
            show(f"             DuckDB counts the weights of one kind in floating point in {told['peer']:.1f} s")
    growth = [
        (after["seconds"] / after["plays"]) / (before["seconds"] / before["plays"]) for before, after in pairwise(curve)
    ]
    last = curve[-1]
    if growth:
        power = math.log(last["seconds"] / curve[0]["seconds"]) / math.log(last["plays"] / curve[0]["plays"])
        show(f"seconds grow as plays^{power:.2f}; {WHOLE:,} would take {last['seconds'] * WHOLE / last['plays']:.0f} s")
    assert all(one <= GOAL_OF_GROWTH for one in growth), growth
    assert max(told["peak"] for told in curve) < GOAL_OF_MEMORY
    assert last["seconds"] / last["floor"] <= GOAL_OF_THE_RATIO
