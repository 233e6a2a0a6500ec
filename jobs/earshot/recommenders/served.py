"""The recommender as MLflow serves it: plays in, ranked tracks out.

`mlflow.pyfunc.load_model("models:/earshot-recommender@champion").predict(plays)` comes here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

from earshot.core import columns as c
from earshot.recommenders import artefacts
from earshot.recommenders.interactions import PlayCounts
from earshot.recommenders.models import FittedModel
from earshot.recommenders.recommendations import recommend

LOADER = __name__
RECOMMENDATIONS = 20


class ServedRecommender:
    """What MLflow holds after loading.

    Args:
        fitted: The model.
    """

    def __init__(self, fitted: FittedModel) -> None:
        self.fitted = fitted

    def predict(self, plays: pd.DataFrame, params: Mapping[str, object] | None = None) -> pd.DataFrame:
        """Recommend 20 tracks to every listener in `plays`.

        Args:
            plays: listener_id and track_id of plays that were liked, in any order. Tracks that the model
                does not know are ignored; who has no others gets what is popular.
            params: Nothing so far.

        Returns:
            listener_id, rank, track_id, score.
        """
        counts = PlayCounts.of(
            pa.table(
                {
                    c.LISTENER_ID: pa.array(plays[c.LISTENER_ID].astype(str)),
                    c.TRACK_ID: pa.array(plays[c.TRACK_ID].astype(str)),
                    "phase": pa.array([0] * len(plays)),
                    "plays": pa.array([1] * len(plays)),
                    "likes": pa.array([1] * len(plays)),
                    "skips": pa.array([0] * len(plays)),
                }
            )
        )
        ranked = recommend(self.fitted, counts.interactions(), RECOMMENDATIONS)
        frame: pd.DataFrame = ranked.select([c.LISTENER_ID, c.RANK, c.TRACK_ID, c.SCORE]).to_pandas()
        return frame


def examples(fitted: FittedModel) -> tuple[dict[str, object], dict[str, object]]:
    """An input of a made-up listener who liked the three most popular tracks, and its output (columns)."""
    popular = fitted.tracks[(-fitted.popularity).argsort(kind="stable")[:3]].tolist()
    given: dict[str, object] = {c.LISTENER_ID: ["somebody"] * len(popular), c.TRACK_ID: popular}
    returned = ServedRecommender(fitted).predict(pd.DataFrame(given))
    return given, {str(name): returned[name].tolist() for name in returned.columns}


def _load_pyfunc(path: str) -> ServedRecommender:
    return ServedRecommender(artefacts.load(Path(path)))
