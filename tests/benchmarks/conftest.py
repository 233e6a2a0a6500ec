"""Fixtures of the benchmarks."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from stopwatch import Stopwatch


@pytest.fixture(autouse=True)
def sizes_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What sets the size of a benchmark was read when its module was imported, and is no setting of a lake."""
    for name in [name for name in os.environ if name.startswith("EARSHOT_BENCH_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    def line(text: str) -> None:
        with capsys.disabled():
            print(f"\n  {text}", flush=True)

    return line
