"""What becomes of the rows that a table of a database already has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Mode = Literal["replace", "upsert"]

MODES: Final[Mapping[str, Mode]] = {"replace": "replace", "upsert": "upsert"}
"""By name: all of them go; or those with a key that comes again are updated, and none goes."""
