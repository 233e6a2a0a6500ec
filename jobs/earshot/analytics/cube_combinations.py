"""The dimensions of gold.activity_cube, and which of them are fixed together."""

from __future__ import annotations

from itertools import combinations
from typing import Final

from earshot.core import columns as c

DIMENSIONS: Final = (c.COUNTRY, c.DEVICE, c.TIER, c.PLATFORM, c.APP_VERSION, c.CDN)

SHALLOW: Final[tuple[tuple[str, ...], ...]] = (
    (),
    *((name,) for name in DIMENSIONS),
    (c.COUNTRY, c.DEVICE),
    (c.COUNTRY, c.TIER),
    (c.DEVICE, c.CDN),
    (c.DEVICE, c.APP_VERSION),
    (c.APP_VERSION, c.CDN),
    (c.DEVICE, c.APP_VERSION, c.CDN),
)
"""Dimensions that are fixed together, and of which every metric is kept that such a combination carries."""

# A platform is told by its devices.
_CROSSED: Final = tuple(name for name in DIMENSIONS if name != c.PLATFORM)
DEEP: Final[tuple[tuple[str, ...], ...]] = tuple(
    fixed for depth in (2, 3) for fixed in combinations(_CROSSED, depth) if fixed not in SHALLOW
)
"""Every other combination of two and three dimensions: for causes that lie deep, with a floor of their own."""

COMBINATIONS: Final = (*SHALLOW, *DEEP)
"""The dimensions that are fixed together; the empty one is the total."""
