"""MLflow: runs that can be compared, versions of models, and which of them is champion.

Everything goes through one client with its own address, so that no global state of MLflow's is
touched, nothing is asked of git and nothing is told to the network (the package's `__init__`
switches telemetry off). Importing this module costs about 2 s, MLflow; the first use costs another
1.5 s, and 1 s more where the SQLite file is new. `preload` spends that while others wait for Spark.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.entities import LoggedModel, LoggedModelOutput
from mlflow.exceptions import MlflowException
from mlflow.models import Model

from earshot.core.errors import DependencyError
from earshot.integrations.model_packages import artefacts_of, build_package, refuse_code
from earshot.integrations.model_runs import Run, RunRecord

CHAMPION = "champion"
PREVIOUS = "previous"
RECOMMENDER = "earshot-recommender"
ANOMALY_DETECTOR = "earshot-anomaly-detector"
MANIPULATION_DETECTOR = "earshot-manipulation-detector"
CHURN = "earshot-churn"
OFFERS = "earshot-offers"

# Tags of a run by which a comparison is found again: the registered model, and one training of it.
MODEL_TAG = "earshot.model"
COMPARISON_TAG = "earshot.comparison"

_KIND_TAG = "earshot.kind"
_METRICS_TAG = "earshot.metrics"
_PLAIN_LOADER = "earshot.integrations.plain_model"


@dataclass(frozen=True)
class ChampionModel:
    """The version that bears the alias `champion`.

    Attributes:
        version: Version in the registry.
        folder: The plain files that were registered.
        metadata: What was registered with them.
        metrics: The metrics with which it was promoted.
        kind: What sort of model it is.
    """

    version: str
    folder: Path
    metadata: dict[str, Any]
    metrics: dict[str, float]
    kind: str = ""


class ModelRegistry:
    """Runs and versions of models under one tracking address.

    Args:
        tracking_uri: `sqlite:///FILE`, or the address of a tracking server.
        experiment: Name of the experiment that holds the runs; made at the first use.
    """

    def __init__(self, tracking_uri: str, experiment: str) -> None:
        self.tracking_uri = tracking_uri
        self.experiment = experiment

    @contextmanager
    def run(self, name: str, *, tags: Mapping[str, str] | None = None) -> Iterator[Run]:
        """Open a run; it ends FINISHED, or FAILED when the block raises."""
        created = self._client.create_run(self._experiment_id, run_name=name, tags=dict(tags or {}))
        run = Run(self._client, created.info.run_id, name)
        try:
            yield run
        except BaseException:
            self._client.set_terminated(run.run_id, "FAILED")
            raise
        self._client.set_terminated(run.run_id)

    def register(
        self,
        run: Run,
        model_name: str,
        folder: Path,
        *,
        kind: str,
        input_example: Mapping[str, object],
        output_example: Mapping[str, object],
        metadata: Mapping[str, object],
        loader: str = _PLAIN_LOADER,
    ) -> str:
        """Log a folder of plain files as a model of the run and give it a version.

        Args:
            run: The run that trained it; may have ended.
            model_name: Registered model.
            folder: npz, safetensors, skops or JSON files; no pickle.
            kind: What sort of model it is; kept as a tag.
            input_example: Column to value (or list of values) that `predict` takes.
            output_example: The same of what it gives.
            metadata: JSON types only; comes back with the champion.
            loader: Dotted name of a module with `_load_pyfunc(path)` whose object has
                `predict(frame, params=None)`; by default the model only gives its artefacts by name.

        Returns:
            The version.

        Raises:
            InputError: The folder holds a file that could run code when loaded.
        """
        refuse_code(folder)
        facts = json.loads(json.dumps({**metadata, "kind": kind}, default=str))
        logged = self._client.create_logged_model(
            self._experiment_id, name=model_name, source_run_id=run.run_id, tags={_KIND_TAG: kind}, model_type=kind
        )
        with tempfile.TemporaryDirectory(prefix="earshot-model-") as scratch:
            package = Path(scratch) / "model"
            build_package(
                package,
                folder,
                loader=loader,
                ids={"run_id": run.run_id, "model_id": logged.model_id},
                input_example=input_example,
                output_example=output_example,
                metadata=facts,
            )
            self._client.log_model_artifacts(logged.model_id, str(package))
        self._client.finalize_logged_model(logged.model_id, "READY")
        self._link_to_run(run.run_id, logged.model_id)
        return self._add_version(model_name, logged, kind)

    def champion(self, model_name: str) -> ChampionModel | None:
        """The version with the alias `champion`, its files on this machine; None where there is none."""
        version = self._version_by_alias(model_name, CHAMPION)
        if version is None:
            return None
        package = self._local(self._client.get_model_version_download_uri(model_name, version.version))
        return ChampionModel(
            version=str(version.version),
            folder=artefacts_of(package),
            metadata=dict(Model.load(str(package)).metadata or {}),
            metrics=json.loads(version.tags.get(_METRICS_TAG, "{}")),
            kind=version.tags.get(_KIND_TAG, ""),
        )

    def promote(self, model_name: str, version: str, metrics: Mapping[str, float]) -> str | None:
        """Make a version champion; the one before gets the alias `previous`.

        Args:
            model_name: Registered model.
            version: What `register` gave.
            metrics: The figures with which it won; they come back with the champion.

        Returns:
            The version that was champion before, if there was another.
        """
        before = self._version_by_alias(model_name, CHAMPION)
        figures = {key: float(value) for key, value in metrics.items()}
        self._client.set_model_version_tag(model_name, version, _METRICS_TAG, json.dumps(figures, sort_keys=True))
        if before is not None and str(before.version) == version:
            return None
        if before is not None:
            self._client.set_registered_model_alias(model_name, PREVIOUS, before.version)
        self._client.set_registered_model_alias(model_name, CHAMPION, version)
        return str(before.version) if before is not None else None

    def runs(self, *, tags: Mapping[str, str], limit: int = 50) -> list[RunRecord]:
        """Finished runs that have these tags, newest first."""
        wanted = [f"tags.`{key}` = {_quoted(value)}" for key, value in tags.items()]
        found = self._client.search_runs(
            [self._experiment_id],
            filter_string=" and ".join(["attributes.status = 'FINISHED'", *wanted]),
            max_results=limit,
            order_by=["attributes.start_time DESC"],
        )
        return [
            RunRecord(
                run_id=run.info.run_id,
                name=run.info.run_name or "",
                started_at_ms=run.info.start_time,
                params=dict(run.data.params),
                metrics=dict(run.data.metrics),
                tags={key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")},
            )
            for run in found
        ]

    def comparisons(self, model_name: str) -> list[RunRecord]:
        """The runs of the newest training of a model, in the order in which they were logged."""
        newest = self.runs(tags={MODEL_TAG: model_name}, limit=1)
        if not newest:
            return []
        together = {MODEL_TAG: model_name}
        if comparison := newest[0].tags.get(COMPARISON_TAG):
            together[COMPARISON_TAG] = comparison
        return list(reversed(self.runs(tags=together)))

    def preload(self) -> Thread:
        """Open the tracking address on a thread of its own; errors wait for the first use.

        Returns:
            The thread, already started.
        """
        thread = Thread(target=self._open_quietly, name="open-mlflow", daemon=True)
        thread.start()
        return thread

    def _open_quietly(self) -> None:
        with suppress(DependencyError):
            _ = self._client

    @cached_property
    def _client(self) -> MlflowClient:
        if database := self._database():
            database.parent.mkdir(parents=True, exist_ok=True)
        try:
            client = MlflowClient(self.tracking_uri, registry_uri=self.tracking_uri)
            client.get_experiment_by_name(self.experiment)
        except (MlflowException, OSError) as error:
            raise DependencyError(
                f"MLflow does not answer: {_without_credentials(str(error)).splitlines()[0]}",
                where=_without_credentials(self.tracking_uri),
                remedy="Check mlflow.tracking_uri (EARSHOT_MLFLOW__TRACKING_URI); empty means SQLite in HOME.",
            ) from None
        return client

    @cached_property
    def _experiment_id(self) -> str:
        found = self._client.get_experiment_by_name(self.experiment)
        if found is not None:
            return str(found.experiment_id)
        return str(self._client.create_experiment(self.experiment, artifact_location=self._artefact_location()))

    def _artefact_location(self) -> str | None:
        database = self._database()
        return (database.parent / "mlartifacts").as_uri() if database else None

    def _database(self) -> Path | None:
        if not self.tracking_uri.startswith("sqlite:///"):
            return None
        return Path(self.tracking_uri.removeprefix("sqlite:///")).resolve()

    def _version_by_alias(self, model_name: str, alias: str) -> Any | None:
        try:
            return self._client.get_model_version_by_alias(model_name, alias)
        except MlflowException as error:
            if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                return None
            raise

    def _add_version(self, model_name: str, logged: LoggedModel, kind: str) -> str:
        try:
            self._client.create_registered_model(model_name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        version = self._client.create_model_version(
            model_name,
            source=logged.artifact_location,
            run_id=logged.source_run_id,
            tags={_KIND_TAG: kind},
            model_id=logged.model_id,
        )
        return str(version.version)

    def _link_to_run(self, run_id: str, model_id: str) -> None:
        self._client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])

    def _local(self, uri: str) -> Path:
        parts = urlsplit(uri)
        if parts.scheme in {"", "file"}:
            return Path(unquote(parts.path))
        scratch = tempfile.mkdtemp(prefix="earshot-champion-")
        return Path(download_artifacts(artifact_uri=uri, dst_path=scratch, tracking_uri=self.tracking_uri))


def comparison_tags(model_name: str, comparison: str) -> dict[str, str]:
    """The tags by which `ModelRegistry.comparisons` finds the runs of one training of a model again."""
    return {MODEL_TAG: model_name, COMPARISON_TAG: comparison}


def _quoted(value: str) -> str:
    return f'"{value}"' if "'" in value else f"'{value}'"


def _without_credentials(text: str) -> str:
    return re.sub(r"://[^/@\s]+@", "://***@", text)
