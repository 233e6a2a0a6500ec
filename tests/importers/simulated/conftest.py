"""Simulated logs of each scenario, made once, and read back the plain way."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from earshot.importers.simulated import Generated, generate

FIRST_DAY = date(2026, 3, 16)
Place = tuple[str, int]


@dataclass(frozen=True)
class Logs:
    """Everything that was written, read with the standard library."""

    done: Generated

    def content(self, source_file: str) -> bytes:
        content = (self.done.landing / source_file).read_bytes()
        return gzip.decompress(content) if source_file.endswith(".gz") else content

    @property
    def files(self) -> list[str]:
        return sorted(path.relative_to(self.done.landing).as_posix() for path in self.done.landing.rglob("*.jsonl*"))

    def lines(self) -> dict[Place, bytes]:
        return {
            (name, number): line
            for name in self.files
            for number, line in enumerate(self.content(name).removesuffix(b"\n").split(b"\n"), 1)
            if self.content(name)
        }

    def truth(self, name: str) -> list[dict[str, Any]]:
        return pq.read_table(self.done.truth[name]).to_pylist()

    def by_place(self, name: str) -> dict[Place, dict[str, Any]]:
        return {(row["source_file"], row["source_line"]): row for row in self.truth(name)}

    def events(self) -> dict[Place, dict[str, Any]]:
        """The accepted plays with their truth about streams under `_`."""
        expected, streams = self.by_place("lines"), self.by_place("streams")
        return {
            place: {**json.loads(line), "_": streams[place]}
            for place, line in self.lines().items()
            if expected[place]["expected"] == "accepted"
        }


@pytest.fixture(scope="session")
def simulate(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Logs]:
    @cache
    def make(scenario: str, *, days: int = 3, listeners: int = 80, plays: int | None = 4_000, seed: int = 3) -> Logs:
        out = tmp_path_factory.mktemp(Path(scenario).stem)
        return Logs(
            generate(
                out,
                days=days,
                listeners=listeners,
                tracks=400,
                plays=plays,
                start=FIRST_DAY,
                seed=seed,
                scenario=scenario,
            )
        )

    return make
