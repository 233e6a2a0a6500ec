"""Who converts in which arm: a regularised logistic regression an arm (a T-learner), and its out-of-fold scores."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold

from earshot.analytics.optimisation.experiment import Experiment
from earshot.analytics.plays import Floats, Integers

_PENALTIES: Final = (0.003, 0.03, 0.3)
_INNER_FOLDS: Final = 3
_KNOTS: Final = (1 / 3, 2 / 3)


@dataclass(frozen=True)
class Responses:
    """The probability to convert in each of k arms, by covariates.

    Attributes:
        features: Names of the d covariates.
        knots: Where a covariate's line may bend: j pairs of column and place.
        centre: Mean of each of the d + j columns.
        spread: Their standard deviation.
        weights: k x (d + j + 1); the intercept comes last.
    """

    features: tuple[str, ...]
    knots: tuple[tuple[int, float], ...]
    centre: Floats
    spread: Floats
    weights: Floats

    def predict(self, covariates: Floats) -> Floats:
        """Probabilities, n x k."""
        x = np.clip((_bent(covariates, self.knots) - self.centre) / self.spread, -8, 8)
        odds: Floats = x @ self.weights[:, :-1].T + self.weights[:, -1]
        return 1 / (1 + np.exp(-odds))

    def to_json(self) -> str:
        """All of it as JSON: coefficients, and nothing of any listener."""
        return json.dumps({name: np.asarray(value).tolist() for name, value in vars(self).items()})

    @classmethod
    def from_json(cls, text: str) -> Responses:
        """What `to_json` wrote."""
        told: Mapping[str, Any] = json.loads(text)
        knots = tuple((int(column), float(place)) for column, place in told["knots"])
        arrays = {name: np.array(told[name], float) for name in ("centre", "spread", "weights")}
        return cls(tuple(told["features"]), knots, **arrays)


@dataclass(frozen=True)
class Scores:
    """Of each listener, by models that never saw them.

    Attributes:
        predicted: n x k, probability to convert in each arm.
        robust: n x k, doubly robust scores, whose mean over any listeners chosen by `predicted` or covariates is
            their conversion rate in that arm without bias, however wrong the model is: the lottery is known
            (Robins, Rotnitzky & Zhao 1994; Chernozhukov et al. 2018).
        fold: The part in which the listener was left out.
    """

    predicted: Floats
    robust: Floats
    fold: Integers


def fit(experiment: Experiment, *, seed: int) -> Responses:
    """Fit one regression an arm on covariates that may bend at their terciles; penalties by cross-validation."""
    x = experiment.covariates
    knots = tuple(
        (column, place)
        for column in range(x.shape[1])
        if len(np.unique(x[:, column])) > 2  # noqa: PLR2004 (an indicator does not bend)
        for place in sorted({float(np.quantile(x[:, column], share)) for share in _KNOTS})
    )
    bent = _bent(x, knots)
    spread = bent.std(axis=0)
    centre, spread = bent.mean(axis=0), np.where(spread > 0, spread, 1.0)
    scaled = (bent - centre) / spread
    weights = [
        _weights(scaled[experiment.arm == place], experiment.converted[experiment.arm == place], seed)
        for place in range(len(experiment.arms))
    ]
    return Responses(experiment.features, knots, centre, spread, np.array(weights))


def cross_fitted(experiment: Experiment, *, folds: int, seed: int) -> Scores:
    """Predict each listener by models of the others, and correct by what they did.

    Args:
        experiment: Of which each arm has both outcomes often enough (see `checks.thin_arms`).
        folds: Parts.
        seed: Of the parts.
    """
    listeners, arms = len(experiment), len(experiment.arms)
    predicted, fold = np.empty((listeners, arms)), np.empty(listeners, np.int64)
    for number, (known, left_out) in enumerate(_parts(experiment, folds, seed)):
        model = fit(experiment.where(known), seed=seed)
        predicted[left_out] = model.predict(experiment.covariates[left_out])
        fold[left_out] = number
    assigned = experiment.arm[:, None] == np.arange(arms)
    share = assigned.mean(axis=0)
    robust = predicted + assigned * (experiment.converted[:, None] - predicted) / share
    return Scores(predicted, robust, fold)


def _parts(experiment: Experiment, folds: int, seed: int) -> Iterator[tuple[Any, Any]]:
    strata = experiment.arm * 2 + experiment.converted.astype(np.int64)
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for _, left_out in splitter.split(strata, strata):
        known = np.ones(len(experiment), bool)
        known[left_out] = False
        yield known, ~known


def _weights(x: Floats, converted: Floats, seed: int) -> Floats:
    splitter = StratifiedKFold(_INNER_FOLDS, shuffle=True, random_state=seed)
    model = LogisticRegressionCV(
        Cs=_PENALTIES,
        cv=splitter,
        scoring="neg_log_loss",
        l1_ratios=(0.0,),
        use_legacy_attributes=False,
        solver="newton-cholesky",
    )
    model.fit(x, converted)
    return np.append(model.coef_[0], model.intercept_[0])


def _bent(x: Floats, knots: tuple[tuple[int, float], ...]) -> Floats:
    hinges = [np.maximum(x[:, column] - place, 0.0) for column, place in knots]
    return np.column_stack([x, *hinges])
