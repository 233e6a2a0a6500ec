"""Three made series in the layout of the Numenta Anomaly Benchmark, two of them with an incident."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from earshot.detectors.benchmark import corpus

START = datetime(2026, 3, 1)
ROWS = 1200


def write(folder: Path) -> Path:
    """The folder, filled: rows 880 to 960 of made/1.csv and made/2.csv are labelled."""
    (folder / "data" / "made").mkdir(parents=True)
    chance = np.random.default_rng(1)
    windows = {}
    for number in range(3):
        values = 50 + 10 * np.sin(np.arange(ROWS) * 2 * np.pi / 288) + chance.normal(0, 1, ROWS)
        if number:
            values[900 + number : 930] += 60
        stamps = [START + timedelta(minutes=5 * row) for row in range(ROWS)]
        lines = [f"{stamp},{value}" for stamp, value in zip(stamps, values, strict=True)]
        name = f"made/{number}.csv"
        (folder / "data" / name).write_text("timestamp,value\n" + "\n".join(lines) + "\n", encoding="utf-8")
        windows[name] = [[f"{stamps[880]}.000000", f"{stamps[960]}.000000"]] if number else []
    (folder / corpus.LABELS).write_text(json.dumps(windows), encoding="utf-8")
    return folder
