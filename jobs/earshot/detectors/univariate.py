"""One series of any kind: no Spark, no training, any length from one row.

Everything rests on medians and quantiles over trailing windows that end before the row, so a score
depends on the past alone, and a single wild value cannot spoil the rows after it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earshot.core.errors import ArgumentError
from earshot.detectors.series import Floats

if TYPE_CHECKING:
    import pandas as pd

_LARGEST: Final = 1e150
_DAY_S: Final = 86_400.0
_SPEED_ROWS: Final = 24
_LEAST_PERIOD: Final = 8
_MOST_PERIOD: Final = 3_000
_BOUND: Final = 30.0
_POINT_WEIGHT: Final = 0.4


@dataclass(frozen=True)
class UnivariateConfig:
    """The one fixed configuration.

    Attributes:
        local: Rows of the window that tells the level.
        scale: Rows of the window that tells the noise.
        recent: Rows over which a shift is judged.
        memory: Rows over which a deviation is compared with earlier ones.
        warm_up: Rows before which no deviation is believed.
        days: Earlier days that tell what a time of day should be.
        half: A deviation so many times the largest one in memory has score one half.
    """

    local: int = 20
    scale: int = 600
    recent: int = 20
    memory: int = 1_500
    warm_up: int = 30
    days: int = 4
    half: float = 1.0


Deviations = Callable[["pd.Series[float]", int, UnivariateConfig], Floats]


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
    order = np.argsort(seconds, kind="stable")
    ordered, clock = np.clip(series[order], -_LARGEST, _LARGEST), seconds[order]
    config = UnivariateConfig()
    found = _scores(ordered, clock, find, config)
    if not online:
        backwards = _scores(ordered[::-1], -clock[::-1], find, config)[::-1]
        found = np.maximum(found, backwards) * 0.5 + 0.5 * np.sqrt(found * backwards)
    out = np.empty_like(found)
    out[order] = found
    return out


def _scores(values: Floats, clock: Floats, find: Deviations, config: UnivariateConfig) -> Floats:
    import pandas as pd  # noqa: PLC0415 (keeps `import earshot.detectors` light)

    present = np.isfinite(values)
    if not present.any():
        return np.zeros(values.size)
    series = pd.Series(values[present])
    deviation = np.nan_to_num(np.abs(find(series, _period(clock[present]), config)), nan=0.0, posinf=_BOUND)
    usual = pd.Series(deviation).rolling(config.memory, min_periods=config.warm_up).max().shift(1).to_numpy()
    relative = np.minimum(deviation, _BOUND) / np.maximum(np.nan_to_num(usual, nan=np.inf), 2.0)
    scores = np.zeros(values.size)
    squared = np.square(relative)
    scores[present] = squared / (squared + config.half**2)
    return np.clip(np.nan_to_num(scores), 0.0, 1.0)


def _local(series: pd.Series[float], period: int, config: UnivariateConfig) -> Floats:
    """Each value from the level of the rows before it."""
    return _standardised(series, _median(series, config.local), config)


def _seasonal(series: pd.Series[float], period: int, config: UnivariateConfig) -> Floats:
    """Each value from what the same time of day was on the days before."""
    if not period or len(series) <= period:
        return np.zeros(len(series))
    values = series.to_numpy()
    near = np.full((config.days * 3, len(values)), np.nan)
    for day in range(1, config.days + 1):
        for offset in (-1, 0, 1):
            lag = day * period + offset
            if lag < len(values):
                near[(day - 1) * 3 + offset + 1, lag:] = values[: len(values) - lag]
    expected = np.full(len(values), np.nan)
    expected[period + 1 :] = np.nanmedian(near[:, period + 1 :], axis=0)
    return _standardised(series, expected, config)


def _shift(series: pd.Series[float], period: int, config: UnivariateConfig) -> Floats:
    """The level of the last rows from that of the long window."""
    import pandas as pd  # noqa: PLC0415 (keeps `import earshot.detectors` light)

    long = _standardised(series, _median(series, config.scale), config)
    clipped = pd.Series(np.clip(np.nan_to_num(long), -6, 6))
    recent: Floats = clipped.rolling(config.recent, min_periods=1).mean().to_numpy()
    return np.asarray(recent * np.sqrt(config.recent) / 2)


def _ensemble(series: pd.Series[float], period: int, config: UnivariateConfig) -> Floats:
    """Whichever is largest: single rows from their level or their time of day, or a shift of many rows."""
    local, seasonal = _local(series, period, config), _seasonal(series, period, config)
    shift = np.abs(_shift(series, period, config))
    return np.maximum(shift, _POINT_WEIGHT * np.maximum(np.abs(local), np.abs(seasonal)))


DETECTORS: Final[Mapping[str, Deviations]] = {
    "ensemble": _ensemble,
    "local": _local,
    "seasonal": _seasonal,
    "shift": _shift,
}


def _detector(name: str | None) -> Deviations:
    wanted = "ensemble" if name is None else name
    if wanted not in DETECTORS:
        close = difflib.get_close_matches(wanted, list(DETECTORS), n=1, cutoff=0.0)
        raise ArgumentError(
            f"There is no detector {wanted}.",
            where="--detector",
            remedy=f"Did you mean {close[0]}? There are {', '.join(sorted(DETECTORS))}.",
        )
    return DETECTORS[wanted]


def _standardised(series: pd.Series[float], expected: Floats, config: UnivariateConfig) -> Floats:
    """Residuals in units of their own past noise; 0 where there is too little past."""
    import pandas as pd  # noqa: PLC0415 (keeps `import earshot.detectors` light)

    residual = series.to_numpy() - expected
    size = pd.Series(np.abs(residual))
    typical = 1.4826 * _median(size, config.scale, least=config.warm_up)
    wide = _quantile(size, config.scale, 0.9, least=config.warm_up) / 1.645
    level = _median(series.abs(), config.scale, least=config.warm_up)
    noise = np.maximum(np.maximum(typical, wide), 1e-3 * level + 1e-300)
    with np.errstate(all="ignore"):
        ratio = residual / noise
    return np.clip(np.nan_to_num(ratio, nan=0.0, posinf=_BOUND, neginf=-_BOUND), -_BOUND, _BOUND)


def _median(series: pd.Series[float], window: int, *, least: int = 1) -> Floats:
    """Median of the rows before each row."""
    found: Floats = series.rolling(window, min_periods=least).median().shift(1).to_numpy()
    return found


def _quantile(series: pd.Series[float], window: int, share: float, *, least: int) -> Floats:
    """Quantile of the rows before each row."""
    found: Floats = series.rolling(window, min_periods=least).quantile(share).shift(1).to_numpy()
    return found


def _period(clock: Floats) -> int:
    """Rows in a day, from the pace of the first rows; 0 where there is no useful day."""
    steps = np.diff(clock[: _SPEED_ROWS + 1])
    steps = steps[steps > 0]
    if steps.size < _SPEED_ROWS // 2:
        return 0
    rows = round(_DAY_S / float(np.median(steps)))
    return rows if _LEAST_PERIOD <= rows <= _MOST_PERIOD else 0


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
