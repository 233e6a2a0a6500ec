"""A folder of labelled series in NAB's layout: `data/GROUP/NAME.csv` and `combined_windows.json`."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from earshot.core.errors import InputError
from earshot.detectors.series import Floats

LABELS: Final = "combined_windows.json"
_HEADER: Final = ["timestamp", "value"]


@dataclass(frozen=True)
class LabelledSeries:
    """One file.

    Attributes:
        name: Group and file, as in the labels.
        clock: Seconds since 1970.
        values: One a row.
        windows: First and last row of each labelled window, in order.
    """

    name: str
    clock: Floats
    values: Floats
    windows: Sequence[tuple[int, int]]


def read(folder: Path, *, only: Sequence[str] | None = None) -> list[LabelledSeries]:
    """Every series that the labels name, in the order of their names.

    Args:
        folder: Holds `combined_windows.json` (beside or in `labels/`) and `data/`.
        only: Names of series; all when None.

    Raises:
        InputError: A file is missing or cannot be read, or a window begins or ends at no row.
    """
    labels = folder / LABELS if (folder / LABELS).exists() else folder / "labels" / LABELS
    try:
        windows: dict[str, list[list[str]]] = json.loads(labels.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"The labels cannot be read: {error}.",
            where=str(labels),
            remedy="Name a folder in the layout of the Numenta Anomaly Benchmark.",
        ) from None
    names = sorted(windows) if only is None else list(only)
    return [_series(folder / "data" / name, name, windows[name]) for name in names]


def folds(series: Sequence[LabelledSeries], count: int) -> list[list[int]]:
    """Positions of the series dealt into folds, so that each fold has some of every group.

    Args:
        series: In the order of their names, so groups lie together.
        count: How many folds.
    """
    return [list(range(first, len(series), count)) for first in range(min(count, len(series)))]


def _series(path: Path, name: str, windows: Sequence[Sequence[str]]) -> LabelledSeries:
    moments, values = [], []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            header = next(rows, [])
            if header != _HEADER:
                raise InputError(
                    f"The header is {','.join(header)!r}.", where=f"{path}, line 1", remedy="Write timestamp,value."
                )
            for row in rows:
                moments.append(_moment(row[0]))
                values.append(float(row[1]))
    except (OSError, ValueError, IndexError) as error:
        raise InputError(
            f"A labelled series cannot be read: {error}.", where=f"{path}", remedy="Mend the file or its row."
        ) from None
    row_at = {moment: row for row, moment in reversed(list(enumerate(moments)))}
    try:
        found = [(row_at[_moment(first)], row_at[_moment(last)]) for first, last in windows]
    except KeyError as error:
        raise InputError(
            f"A window begins or ends at {datetime.fromtimestamp(error.args[0], UTC):%Y-%m-%d %H:%M:%S}, "
            "where the series has no row.",
            where=f"{path}",
            remedy="Mend the labels.",
        ) from None
    return LabelledSeries(name, np.array(moments), np.array(values), sorted(found))


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
