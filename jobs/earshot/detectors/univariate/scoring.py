"""Scores for a series in any order, of any length, with gaps and wild values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earshot.core.errors import ArgumentError
from earshot.core.explanations import nearest
from earshot.detectors.series import Floats
from earshot.detectors.univariate.calibration import Calibration
from earshot.detectors.univariate.ensemble import DETECTORS, ENSEMBLE, Detector
from earshot.detectors.univariate.signal import LARGEST, Signal

CONFIGURATION: Final = Calibration()


def score_series(
    timestamps: Sequence[object] | ArrayLike,
    values: Sequence[float] | ArrayLike,
    *,
    online: bool = True,
    detector: str | None = None,
) -> Floats:
    """How abnormal each row of a series is.

    Args:
        timestamps: Dates and times (datetime, numpy, ISO 8601) or seconds since an epoch; in any order, at any pace.
        values: Numbers; nan is a gap, and never abnormal.
        online: Whether a score uses only rows that are earlier; otherwise later rows help too.
        detector: One of `DETECTORS`; None is the fixed configuration behind all published figures.

    Returns:
        A score for each row in the order of the input, finite, 0 to 1, higher is more abnormal.

    Raises:
        ArgumentError: There is no such detector, the lengths differ, or a timestamp cannot be read.
    """
    find = _detector(detector)
    series = np.asarray(values, dtype=np.float64).ravel()
    seconds = _seconds(timestamps)
    if series.size != seconds.size:
        raise ArgumentError(
            f"There are {seconds.size} timestamps and {series.size} values.", remedy="Give one value a timestamp."
        )
    if series.size == 0:
        return np.zeros(0)
    out = np.zeros(series.size)
    order = np.argsort(seconds, kind="stable")
    present = order[np.isfinite(series[order])]
    if present.size:
        signal = Signal(np.clip(series[present], -LARGEST, LARGEST), seconds[present])
        found = (find.online if online else find.in_hindsight)(signal, CONFIGURATION)
        out[present] = np.clip(found, 0.0, 1.0)
    return out


def _detector(name: str | None) -> Detector:
    wanted = ENSEMBLE if name is None else name
    if wanted not in DETECTORS:
        raise ArgumentError(
            f"There is no detector {wanted}.",
            where="--detector",
            remedy=f"Did you mean {nearest(wanted, DETECTORS)}? There are {', '.join(sorted(DETECTORS))}.",
        )
    return DETECTORS[wanted]


def _seconds(timestamps: Sequence[object] | ArrayLike) -> Floats:
    raw: NDArray[Any] = np.asarray(timestamps).ravel()
    if raw.dtype.kind in "iuf":
        return raw.astype(np.float64)
    import pandas as pd  # noqa: PLC0415 (keeps `import earshot.detectors` light)

    try:
        stamps = pd.to_datetime(pd.Series(raw, dtype=object), utc=True, format="ISO8601")
    except (ValueError, TypeError, OverflowError) as error:
        raise ArgumentError(f"A timestamp cannot be read: {error}.", remedy="Write ISO 8601, or seconds.") from None
    return np.asarray(stamps.astype("datetime64[us, UTC]").astype(np.int64).to_numpy() / 1e6, dtype=np.float64)
