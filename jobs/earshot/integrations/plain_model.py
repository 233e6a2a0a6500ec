"""The loader of models that have none of their own: gives the registered artefacts by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


class PlainModel:
    """The plain files of a registered model.

    Args:
        folder: Where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def predict(self, frame: pd.DataFrame, params: Mapping[str, object] | None = None) -> pd.DataFrame:
        """Tell, for every row of the frame, which files there are and how large (bytes) they are."""
        files = sorted(path for path in self.folder.rglob("*") if path.is_file())
        listing = ", ".join(f"{path.relative_to(self.folder)} ({path.stat().st_size})" for path in files)
        return frame.assign(artefacts=listing)


def _load_pyfunc(path: str) -> PlainModel:
    return PlainModel(Path(path))
