"""The dimensions of gold.activity_cube, and which of them are fixed together where no setting says otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Annotated, Final

from pydantic import AfterValidator

from earshot.core.explanations import nearest

DIMENSIONS: Final = ("country", "device", "tier", "platform", "app_version", "cdn")


def _dimension(name: str) -> str:
    if name not in DIMENSIONS:
        raise ValueError(f"a dimension of the cube, the nearest is {nearest(name, DIMENSIONS)}")
    return name


def in_order(fixed: Iterable[str]) -> tuple[str, ...]:
    """The dimensions of a combination in the order of `DIMENSIONS`, each once."""
    named = set(fixed)
    return tuple(name for name in DIMENSIONS if name in named)


Dimension = Annotated[str, AfterValidator(_dimension)]
Combination = Annotated[tuple[Dimension, ...], AfterValidator(in_order)]

SHALLOW: Final[tuple[tuple[str, ...], ...]] = (
    (),
    *((name,) for name in DIMENSIONS),
    ("country", "device"),
    ("country", "tier"),
    ("device", "cdn"),
    ("device", "app_version"),
    ("app_version", "cdn"),
    ("device", "app_version", "cdn"),
)
"""Dimensions that are fixed together, and of which every metric is kept that such a combination carries."""

# A platform is told by its devices.
_CROSSED: Final = tuple(name for name in DIMENSIONS if name != "platform")
DEEP: Final[tuple[tuple[str, ...], ...]] = tuple(
    fixed for depth in (2, 3) for fixed in combinations(_CROSSED, depth) if fixed not in SHALLOW
)
"""Every other combination of two and three dimensions: for causes that lie deep, with a floor of their own."""
