"""What a training needs of a model registry; `integrations.model_registry.ModelRegistry` is the one there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class OpenRun(Protocol):
    """A run that is open: where a training leaves its record."""

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log what the model was built with."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log figures."""

    def log_figure(self, figure: Figure, name: str) -> None:
        """Log a picture."""

    def log_table(self, rows: Sequence[Mapping[str, object]], name: str) -> None:
        """Log rows."""


class Champion(Protocol):
    """The version in use."""

    @property
    def version(self) -> str:
        """Version in the registry."""

    @property
    def folder(self) -> Path:
        """Its artefacts."""

    @property
    def kind(self) -> str:
        """What sort of model it is."""

    @property
    def metadata(self) -> dict[str, Any]:
        """What was registered with it."""


OpenRunT = TypeVar("OpenRunT", bound=OpenRun)


class Registry(Protocol[OpenRunT]):
    """Runs, versions, and which of them is champion."""

    def run(self, name: str, *, tags: Mapping[str, str] | None = None) -> AbstractContextManager[OpenRunT]:
        """Open a run."""

    def register(
        self,
        run: OpenRunT,
        model_name: str,
        folder: Path,
        *,
        kind: str,
        input_example: Mapping[str, object],
        output_example: Mapping[str, object],
        metadata: Mapping[str, object],
        loader: str = ...,
    ) -> str:
        """Give a folder of plain files a version."""

    def promote(self, model_name: str, version: str, metrics: Mapping[str, float]) -> str | None:
        """Make a version champion."""

    def champion(self, model_name: str) -> Champion | None:
        """The version in use; None before the first training."""
