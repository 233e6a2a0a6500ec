"""Bayesian online changepoints of level and variance (Adams and MacKay, arXiv 0710.3742).

The detector of that name also asks whether the level has moved (`shift`), the slope has turned (`trend`) and the noise
has grown or gone (`spread`): changes that are slow beside the noise of single rows.

Run lengths are kept up to a limit; a run is a normal with unknown mean and variance. The prior is that of the
first rows, so that the unit of the series does not matter.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from earshot.detectors.series import Floats
from earshot.detectors.univariate import rolling
from earshot.detectors.univariate.signal import WARM_UP, Signal

_LONGEST: Final = 200
_RECENT: Final = 12
_PACE: Final = 250.0
_CERTAIN: Final = 1e-12


def changepoint(signal: Signal) -> Floats:
    """Log odds that the present run began within the last rows."""
    from scipy.special import gammaln  # noqa: PLC0415 (keeps `import earshot.detectors` light)

    out = np.full(len(signal), np.nan)
    if len(signal) <= WARM_UP:
        return out
    values = _standardised(signal.values)
    runs = np.arange(_LONGEST + 1)
    shape, weight = 0.5 + runs / 2, 0.1 + runs
    constant = gammaln(shape + 0.5) - gammaln(shape) - 0.5 * np.log(2 * np.pi * shape)
    factor = (weight + 1) / (shape * weight)
    mean, rate = np.zeros(_LONGEST + 1), np.full(_LONGEST + 1, 0.5)
    chance = np.zeros(_LONGEST + 1)
    chance[0] = 1.0
    for row, value in enumerate(values.tolist()):
        apart = value - mean
        wide = rate * factor
        likely = np.exp(constant - 0.5 * np.log(wide) - (shape + 0.5) * np.log1p(apart * apart / (2 * shape * wide)))
        joint = chance * likely
        chance[1:] = joint[:-1] * (1 - 1 / _PACE)
        chance[-1] += joint[-1] * (1 - 1 / _PACE)
        total = joint.sum()
        chance[0] = total / _PACE
        chance = chance / total if total > 0 else np.eye(1, _LONGEST + 1)[0]
        rate[1:] = (rate + weight * apart * apart / (2 * (weight + 1)))[:-1]
        mean[1:] = (mean + apart / (weight + 1))[:-1]
        mean[0], rate[0] = 0.0, 0.5
        recent = min(max(float(chance[:_RECENT].sum()), _CERTAIN), 1 - _CERTAIN)
        out[row] = np.log(recent / (1 - recent))
    out[:WARM_UP] = np.nan
    return out


def _standardised(values: Floats) -> Floats:
    """In units of the inner range of the past, within a few of them."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        told = (values - rolling.past_median(values)) / (rolling.inner_range(values) / 4)
    return np.clip(np.nan_to_num(told, nan=0.0, posinf=20.0, neginf=-20.0), -20.0, 20.0)
