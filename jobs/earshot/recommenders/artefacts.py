"""A fitted model as plain files: `model.json` and `arrays.npz`. No pickle, no listener."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from earshot.core.errors import InputError
from earshot.recommenders.candidates import ALGORITHMS
from earshot.recommenders.models import FittedModel, Recipe

_FORMAT = 1


def describe(fitted: FittedModel, *, trained_until: date) -> dict[str, Any]:
    """What is to be known of a model without opening its arrays; JSON types only."""
    return {
        "format": _FORMAT,
        "recipe": {"algorithm": fitted.recipe.algorithm, "parameters": dict(fitted.recipe.parameters)},
        "trained_until": trained_until.isoformat(),
        "tracks": len(fitted.tracks),
    }


def save(fitted: FittedModel, folder: Path, *, trained_until: date) -> None:
    """Write the model into a folder that exists; the same model gives the same bytes."""
    description = describe(fitted, trained_until=trained_until)
    (folder / "model.json").write_text(json.dumps(description, indent=2, sort_keys=True), encoding="utf-8")
    np.savez(
        folder / "arrays.npz",
        **{"track_ids": fitted.tracks, "listeners_by_track": fitted.popularity, **_prefixed(fitted)},
    )


def load(folder: Path) -> FittedModel:
    """Read what `save` wrote.

    Raises:
        InputError: The folder holds something else.
    """
    try:
        description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        with np.load(folder / "arrays.npz", allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        recipe = Recipe(description["recipe"]["algorithm"], description["recipe"]["parameters"])
        model = ALGORITHMS[recipe.algorithm].restore(
            {name.removeprefix("model."): array for name, array in arrays.items() if name.startswith("model.")},
            recipe.parameters,
        )
        return FittedModel(recipe, arrays["track_ids"], model, arrays["listeners_by_track"])
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"This is no recommender that Earshot wrote: {error}",
            where=str(folder),
            remedy="Run train_recommender, or give the alias `champion` to a version that it registered.",
        ) from None


def _prefixed(fitted: FittedModel) -> dict[str, Any]:
    return {f"model.{name}": array for name, array in fitted.model.arrays().items()}
