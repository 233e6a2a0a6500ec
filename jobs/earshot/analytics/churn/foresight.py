"""Who is likely to leave, as of the last day: with the champion, which is trained again every week."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import pandas as pd

from earshot.analytics.audience.sources import number
from earshot.analytics.churn.features import ListenerDays, listeners_at, snapshot
from earshot.analytics.churn.model import ChurnModel
from earshot.analytics.churn.publication import publish
from earshot.analytics.churn.training import first_day_read, shortage, train
from earshot.core import columns as c
from earshot.core.registered_models import Champion, OpenRunT, Registry
from earshot.core.settings import ChurnSettings
from earshot.core.small_tables import SmallTables


@dataclass
class Foresight:
    """The model and how to use it.

    Args:
        lake: The lake.
        settings: Horizon, history, when to train again.
        model_name: The registered model.

    Attributes:
        facts: What a person wants to know of it.
        promoted: Detail for the audit trail, where a version became champion.
    """

    lake: SmallTables
    settings: ChurnSettings
    model_name: str
    facts: dict[str, object] = field(default_factory=dict)
    promoted: dict[str, object] = field(default_factory=dict)
    _champion: Champion | None = None

    def prepare(
        self,
        open_registry: Callable[[], Registry[OpenRunT]],
        day: date,
        span: tuple[int, int],
        tags: Mapping[str, str],
    ) -> None:
        """Train where it is due, and find the champion; MLflow is not touched where the history cannot do with it.

        Args:
            open_registry: Opens the registry.
            day: The logical date D; trained is on days before it.
            span: First and last day of all sessions.
            tags: Tags of the runs of a training.
        """
        first, last = span[0], min(number(day) - 1, span[1])
        if lack := shortage(first, last, self.settings):
            self.facts["churn"] = f"skipped: {lack}"
            return
        registry = open_registry()
        self._champion = registry.champion(self.model_name)
        if not self._is_due(day):
            return
        days = ListenerDays.read(self.lake, max(first, first_day_read(last, self.settings)), last)
        kind = self._champion.kind if self._champion else None
        training = train(days, self.settings, last=last, champion=kind)
        if isinstance(training, str):
            self.facts["churn"] = f"not trained: {training}"
            return
        version = publish(training, registry, self.model_name, tags=tags, trained_until=day)
        judgement = training.winner.judgement
        self.promoted = {"version": version, "recipe": training.winner.recipe, "reason": training.reason}
        self.facts |= {
            "churn_model": f"{training.winner.recipe} ({training.decision}): {training.reason}",
            "brier": {one.recipe: round(one.judgement.brier, 4) for one in training.candidates},
            "ece": round(judgement.ece, 4),
            "auc": round(judgement.auc, 3),
        }
        self._champion = registry.champion(self.model_name)

    def risks(self, as_of: int) -> pd.DataFrame | None:
        """Index listener_id; churn_risk and churn_model of everybody with a session in the model's history."""
        if self._champion is None:
            return None
        model = ChurnModel.load(self._champion.folder)
        days = ListenerDays.read(self.lake, as_of - model.history_days + 1, as_of)
        taken = snapshot(days, as_of, history=model.history_days, horizon=model.horizon_days)
        return pd.DataFrame(
            {c.CHURN_RISK: model.risk(taken.features), c.CHURN_MODEL: self._champion.version},
            index=pd.Index(listeners_at(days, taken).to_pylist(), name=c.LISTENER_ID),
        )

    def _is_due(self, day: date) -> bool:
        if self._champion is None or "trained_until" not in self._champion.metadata:
            return True
        trained = date.fromisoformat(self._champion.metadata["trained_until"])
        return trained + timedelta(days=self.settings.retrain_days) <= day
