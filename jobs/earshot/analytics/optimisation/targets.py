"""gold.offers: the offer that is predicted to bring most of each listener, with the effect found in their group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.analytics.optimisation.answer import Answer
from earshot.analytics.optimisation.experiment import CONTROL, encoded, words
from earshot.analytics.optimisation.policy import values
from earshot.analytics.optimisation.responses import Responses, Scores
from earshot.analytics.plays import Floats
from earshot.core import columns as c
from earshot.core.tables import spec_of

TABLE: Final = "gold.offers"
_SCHEMA: Final = to_arrow_schema(spec_of(TABLE).schema, timezone="UTC")
_DECIMALS: Final = 6


@dataclass(frozen=True)
class Targeting:
    """What is needed to choose an offer; light enough for every task, and without any listener.

    Attributes:
        experiment: That taught it.
        arms: `control` first.
        offered: Tier of each arm.
        model: Fitted on all of the experiment.
        places: By country and tier of the experiment: currency, price of each arm, what is brought without converting.
        average: Mean effect of each arm in the experiment.
        slopes: By which predicted differences are shrunk.
        centre: Mean predicted effect in the experiment.
        cuts: Where groups by predicted effect end, (groups - 1) x k.
        bounds: 95 % interval of the mean effect, by arm and group.
    """

    experiment: str
    arms: tuple[str, ...]
    offered: tuple[str | None, ...]
    model: Responses
    places: Mapping[tuple[str, str], tuple[str, Floats, float]]
    average: Floats
    slopes: Floats
    centre: Floats
    cuts: Floats
    bounds: Mapping[tuple[str, int], tuple[float | None, float | None]]

    def choose(self, listeners: pa.Table, *, model_version: str, as_of: date) -> pa.Table:
        """The best arm of each listener, as rows of gold.offers.

        A predicted effect is that of the experiment on average, plus what the listener differs, shrunk by the slope
        found on listeners left out (`heterogeneity`, kept within 0 and 1): it promises no more differences than
        there are. An honest interval of one listener's effect does not exist: what is told is that of the mean
        effect in their group.

        Args:
            listeners: listener_id, country, tier and covariates.
            model_version: Version in the registry.
            as_of: Logical date.

        Returns:
            Rows of those in a country and tier that the experiment had; of others it says nothing.
        """
        place = list(zip(listeners.column(c.COUNTRY).to_pylist(), listeners.column(c.TIER).to_pylist(), strict=True))
        there = listeners.filter(pa.array([one in self.places for one in place], pa.bool_()))
        if not there.num_rows:
            return _SCHEMA.empty_table()
        of = [self.places[one] for one in place if one in self.places]
        _, covariates = encoded(there, words(there.column(c.COUNTRY)), words(there.column(c.TIER)), self.model.features)
        response = self.model.predict(covariates)
        effect = response - response[:, :1]
        uplift = self.average + self.slopes * (effect - self.centre)
        price, kept = np.array([one[1] for one in of]), np.array([one[2] for one in of])
        brought = values(price, kept, np.clip(response[:, :1] + uplift, 0, 1))
        arm = brought.argmax(axis=1)
        rows = np.arange(len(arm))
        group = (self.cuts[:, arm].T < effect[rows, arm][:, None]).sum(axis=1) + 1
        interval = [self.bounds.get((self.arms[a], int(g)), (None, None)) for a, g in zip(arm, group, strict=True)]
        chosen: dict[str, Any] = {
            c.EXPERIMENT: [self.experiment] * len(arm),
            c.LISTENER_ID: there.column(c.LISTENER_ID),
            c.ARM: [self.arms[a] for a in arm],
            c.OFFERED_TIER: [self.offered[a] for a in arm],
            c.PRICE: [None if self.arms[a] == CONTROL else _money(price[n, a]) for n, a in enumerate(arm)],
            c.CURRENCY: [one[0] for one in of],
            "uplift": uplift[rows, arm],
            "gain": brought[rows, arm] - brought[:, 0],
            "group": [None if self.arms[a] == CONTROL else int(g) for a, g in zip(arm, group, strict=True)],
            c.LOWER: [lower for lower, _ in interval],
            c.UPPER: [upper for _, upper in interval],
            c.MODEL_VERSION: [model_version] * len(arm),
            c.AS_OF: [as_of] * len(arm),
        }
        return pa.table({field.name: pa.array(chosen[field.name], field.type) for field in _SCHEMA}, schema=_SCHEMA)


def targeting(answer: Answer, scores: Scores, model: Responses, *, groups: int) -> Targeting:
    """What an answered experiment teaches for listeners who were not in it.

    Args:
        answer: Of a drawn experiment.
        scores: Its scores.
        model: Fitted on all of it.
        groups: As in `uplift.uplift`.
    """
    experiment = answer.experiment
    known = np.flatnonzero(np.isfinite(experiment.kept) & np.isfinite(experiment.price[:, 0]))
    taught = model.predict(experiment.covariates)
    effect = taught - taught[:, :1]
    slope = {e.dimensions["arm"]: e.value or 0.0 for e in answer.estimates if e.metric == "heterogeneity"}
    of_groups = [e for e in answer.estimates if e.metric == "effect_of_group"]
    return Targeting(
        experiment=experiment.name,
        arms=experiment.arms,
        offered=experiment.offered,
        model=model,
        places={
            (str(experiment.country[n]), str(experiment.tier[n])): (
                str(experiment.currency[n]),
                experiment.price[n],
                float(experiment.kept[n]),
            )
            for n in known
        },
        average=(scores.robust - scores.robust[:, :1]).mean(axis=0),
        slopes=np.clip([slope.get(arm, 0.0) for arm in experiment.arms], 0, 1),
        centre=effect.mean(axis=0),
        cuts=np.quantile(effect, np.arange(1, groups) / groups, axis=0),
        bounds={(e.dimensions["arm"], int(e.dimensions["group"])): (e.lower, e.upper) for e in of_groups},
    )


def _money(price: float) -> Decimal:
    return Decimal(str(round(float(price), _DECIMALS)))
