"""The algorithms, their search space, and how a recipe becomes a model."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from earshot.core.settings import RecommenderSettings
from earshot.recommenders.als import ALS
from earshot.recommenders.ease import EASE
from earshot.recommenders.interactions import Interactions
from earshot.recommenders.item_knn import ITEM_KNN
from earshot.recommenders.models import Algorithm, FittedModel, Recipe
from earshot.recommenders.popularity import POPULARITY, listeners_by_track

BASELINE = "popularity"

ALGORITHMS: Mapping[str, Algorithm] = {"popularity": POPULARITY, "item_knn": ITEM_KNN, "als": ALS, "ease": EASE}


def search_space(settings: RecommenderSettings, tracks: int) -> dict[str, list[Recipe]]:
    """The recipes to try, by algorithm; EASE is left out where the catalogue is too large for its matrix."""
    common = {"skip_cost": (settings.skip_cost,)}
    space: dict[str, list[dict[str, float]]] = {
        "popularity": [{}],
        "item_knn": _grid(neighbours=settings.neighbours, shrinkage=(settings.shrinkage,), **common),
        "als": _grid(
            factors=settings.factors,
            alpha=settings.alpha,
            regularisation=settings.regularisation,
            iterations=(settings.iterations,),
            seed=(settings.seed,),
            **common,
        ),
        "ease": _grid(penalty=settings.penalty, keep=(200,), **common) if tracks <= settings.ease_max_tracks else [],
    }
    return {name: [Recipe(name, parameters) for parameters in grid] for name, grid in space.items() if grid}


def fit(recipe: Recipe, interactions: Interactions) -> FittedModel:
    """Fit a recipe on everything in `interactions`."""
    model = ALGORITHMS[recipe.algorithm].fit(interactions, recipe.parameters)
    return FittedModel(recipe, interactions.tracks, model, listeners_by_track(interactions))


def _grid(**choices: tuple[float, ...]) -> list[dict[str, float]]:
    return [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]
