"""Published detectors, re-run on the same series as ours, at the settings that their authors publish.

Sub-sequence PCA, matrix profile and POLY as TSB-AD runs them (Liu and Paparrizos, NeurIPS 2024, univariate track,
settings of its table); Bayesian changepoint, EXPoSE, windowed Gaussian and KNN CAD as NAB runs them. The first three
see the whole series, and are scaled to 0..1 by series, so that NAB's one threshold for all can be used; the others see
only its past.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from earshot.detectors.benchmark.vus import buffer_length
from earshot.detectors.series import Floats

_BLOCK: Final = 512
_FEATURE_ROWS: Final = 256


@dataclass(frozen=True)
class Published:
    """A published detector.

    Attributes:
        score: From values (no gaps) to one score a row.
        online: Whether it uses only the past.
        figures: What its authors or the benchmark's publish over the full corpus, as context.
    """

    score: Callable[[Floats], Floats]
    online: bool
    figures: str


def sub_sequence_pca(values: Floats) -> Floats:
    """Weighted distance of each sub-sequence of one period to all principal directions (TSB-AD's Sub_PCA)."""
    from scipy.spatial.distance import cdist  # noqa: PLC0415 (keeps `import earshot.detectors` light)
    from sklearn.decomposition import PCA  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    window = buffer_length(values)
    windows = StandardScaler().fit_transform(sliding_window_view(values, window))
    windows = windows[:, np.any(windows != 0, axis=0)]
    if windows.shape[1] == 0:
        return np.zeros(values.size)
    fitted = PCA(random_state=0).fit(windows)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = cdist(windows, fitted.components_) / fitted.explained_variance_ratio_
    return _centred(np.nan_to_num(distance.sum(axis=1), posinf=np.finfo(float).max / 1e9), window)


def matrix_profile(values: Floats) -> Floats:
    """Distance of each z-normalised sub-sequence of one period to its nearest other one (Yeh et al., ICDM 2016)."""
    window = buffer_length(values)
    windows = sliding_window_view(values, window)
    spread = windows.std(axis=1)
    constant = spread < 1e-10 * np.maximum(np.abs(values).max(), 1e-300)
    normal = (windows - windows.mean(axis=1)[:, None]) / np.where(constant, 1.0, spread)[:, None]
    normal[constant] = 0.0
    exclusion = int(np.ceil(window / 4))
    profile = np.empty(len(windows))
    for begin in range(0, len(windows), _BLOCK):
        block = slice(begin, min(begin + _BLOCK, len(windows)))
        squared = 2 * window - 2 * normal[block] @ normal.T
        # One constant sub-sequence is a whole norm away from any other shape; two are alike.
        squared[np.ix_(constant[block], ~constant)] = window
        squared[np.ix_(~constant[block], constant)] = window
        squared[np.ix_(constant[block], constant)] = 0.0
        apart = np.abs(np.arange(block.start, block.stop)[:, None] - np.arange(len(windows))) > exclusion
        profile[block] = np.sqrt(np.maximum(np.where(apart, squared, np.inf).min(axis=1), 0.0))
    finite = np.isfinite(profile)
    profile[~finite] = profile[finite].max() if finite.any() else 0.0
    return _centred(profile, window, edge=float(profile.min()))


def polynomial(values: Floats, power: int = 4) -> Floats:
    """Spectral distance of each block of one period to a polynomial through its neighbourhood (TSB-AD's POLY)."""
    window = buffer_length(values)
    span = values.max() - values.min()
    scaled = (values - values.min()) / (span if span > 0 else 1.0)
    rows = values.size
    half = min(max(10 * window, 100), rows) // 2
    out = np.zeros(rows)
    for begin in range(-(-min(500, rows // 10) // window) * window, rows, window):
        end = min(begin + window, rows)
        first, last = max(begin - half, 0), min(begin + half, rows)
        around = np.concatenate([np.arange(first, begin), np.arange(end, max(last, end))])
        if around.size <= power:
            continue
        fitted = np.polynomial.Polynomial.fit(around, scaled[around], power)
        # Parseval: the norm of the spectrum is that of the residual times the root of its length.
        residual = scaled[begin:end] - fitted(np.arange(begin, end))
        out[begin:end] = np.linalg.norm(residual) / np.sqrt(end - begin)
    return out


def bayesian_changepoint(values: Floats, longest: int = 500, pace: float = 250.0) -> Floats:
    """How far the likeliest run length falls (Adams and MacKay, arXiv 0710.3742, with NAB's score and settings)."""
    from scipy.special import gammaln  # noqa: PLC0415 (keeps `import earshot.detectors` light)

    runs = np.arange(longest + 2)
    shape, precision = 0.1 + runs / 2, 1.0 + runs
    constant = gammaln(shape + 0.5) - gammaln(shape) - 0.5 * np.log(2 * np.pi * shape)
    mean, rate = np.zeros(longest + 2), np.full(longest + 2, 0.001)
    chance = np.zeros(longest + 2)
    chance[0], out, before = 1.0, np.zeros(values.size), 1
    for row, value in enumerate(values):
        known = min(row, longest) + 1
        s, k, m, b = shape[:known], precision[:known], mean[:known], rate[:known]
        wide = b * (k + 1) / (s * k)
        log = constant[:known] - 0.5 * np.log(wide) - (s + 0.5) * np.log1p(np.square(value - m) / (2 * s * wide))
        joint = chance[:known] * np.exp(log)
        chance = np.zeros(longest + 2)
        chance[1 : known + 1], chance[0] = joint * (1 - 1 / pace), joint.sum() / pace
        total = chance.sum()
        chance = chance / total if total > 0 else np.eye(1, longest + 2)[0]
        moved = np.square(value - m) * k / (2 * (k + 1))
        mean[1 : known + 1], rate[1 : known + 1] = (k * m + value) / (k + 1), b + moved
        mean[0], rate[0] = 0.0, 0.001
        likeliest = int(chance.argmax())
        out[row] = 1 - likeliest / before if likeliest < before else 0.0
        before = max(likeliest, 1)
    return out


def expose(values: Floats, decay: float = 0.01, gamma: float = 0.5) -> Floats:
    """One minus the decayed mean kernel to the past (Schneider, Ertel and Ramos, arXiv 1601.06602, NAB's settings)."""
    from sklearn.kernel_approximation import RBFSampler  # noqa: PLC0415 (keeps `import earshot.detectors` light)

    sampler = RBFSampler(gamma=gamma, n_components=20_000, random_state=290).fit(np.zeros((1, 1)))
    out, model = np.empty(values.size), None
    for begin in range(0, values.size, _FEATURE_ROWS):
        features = sampler.transform(values[begin : begin + _FEATURE_ROWS, None])
        for place, feature in enumerate(features, begin):
            if model is None:
                model = feature.copy()
            else:
                model *= 1 - decay
                model += decay * feature
            out[place] = (1 - feature @ model + 0.02) / 1.04
    return out


def windowed_gaussian(values: Floats, window: int = 6400, step: int = 100) -> Floats:
    """One minus the Gaussian tail of a value among those before it (NAB's windowed Gaussian)."""
    from scipy.special import erfc  # noqa: PLC0415 (keeps `import earshot.detectors` light)

    count = np.arange(1, min(window, values.size) + 1)
    origin = values[0]
    moved = values - origin
    mean = np.cumsum(moved[: count.size]) / count
    spread = np.sqrt(np.maximum(np.cumsum(np.square(moved[: count.size])) / count - np.square(mean), 0.0))
    for begin in range(window, values.size, step):
        past = moved[begin - window : begin]
        rows = min(step, values.size - begin)
        mean, spread = np.append(mean, np.full(rows, past.mean())), np.append(spread, np.full(rows, past.std()))
    mean, spread = mean[: values.size - 1], np.where(spread > 0, spread, 1e-6)[: values.size - 1]
    return np.concatenate([[0.0], 1 - 0.5 * erfc(np.abs(moved[1:] - mean) / spread / np.sqrt(2))])


def knn_cad(values: Floats, dimension: int = 19, neighbours: int = 27) -> Floats:
    """Conformal distance to nearest neighbours (Burnaev and Ishimtsev, arXiv 1608.04585, NAB's KNN CAD)."""
    training = int(min(0.15 * values.size, 750))
    out = np.zeros(values.size)
    if training <= dimension + neighbours:
        return out
    lags = sliding_window_view(values, dimension)
    known: Floats = lags[: training - dimension]
    shape: Floats = np.eye(dimension)
    ranked = np.array([_near(one, known, shape, neighbours + 1) for one in known])
    quiet = 0
    for row in range(training - 1, values.size):
        count = row + 1
        if count % training in {0, training // 2}:
            shape = np.asarray(np.linalg.pinv(known.T @ known), dtype=np.float64)
            if row == training - 1:
                ranked = np.array([_near(one, known, shape, neighbours + 1) for one in known])
        distance = _near(lags[row - dimension + 1], known, shape, neighbours)
        share = float(np.mean(ranked < distance))
        if count >= 2 * training:
            begin = count - 2 * training + 1
            known = lags[begin : begin + training - dimension]
        ranked = np.append(ranked[1:], distance)
        if quiet:
            quiet -= 1
            out[row] = 0.5
            continue
        out[row] = share
        quiet = training // 5 if share >= 0.9965 else 0  # noqa: PLR2004 - NAB's setting
    return out


def _near(item: Floats, known: Floats, shape: Floats, neighbours: int) -> float:
    apart = known - item
    distance = np.einsum("ij,ij->i", apart @ shape, apart)
    return float(np.partition(distance, neighbours)[:neighbours].sum())


PUBLISHED: Final[Mapping[str, Published]] = {
    "sub-sequence PCA": Published(sub_sequence_pca, False, "TSB-AD-U VUS-PR .42"),
    "POLY": Published(polynomial, False, "TSB-AD-U VUS-PR .39"),
    "matrix profile": Published(matrix_profile, False, "TSB-AD-U VUS-PR .35"),
    "Bayesian changepoint": Published(bayesian_changepoint, True, "NAB 17.7"),
    "EXPoSE": Published(expose, True, "NAB 16.4"),
    "windowed Gaussian": Published(windowed_gaussian, True, "NAB 39.6"),
    "KNN CAD": Published(knn_cad, True, "NAB 58.0"),
}


def scaled(scores: Floats) -> Floats:
    """To 0..1 by the least and the greatest."""
    span = scores.max() - scores.min()
    return (scores - scores.min()) / span if span > 0 else np.zeros(scores.size)


def _centred(by_window: Floats, window: int, edge: float | None = None) -> Floats:
    """One score a row: a window's is given to its middle row, the ends are filled."""
    before, after = int(np.ceil((window - 1) / 2)), (window - 1) // 2
    first, last = (by_window[0], by_window[-1]) if edge is None else (edge, edge)
    return np.concatenate([np.full(before, first), by_window, np.full(after, last)])
