"""A folder of plain files as an MLflow model: MLmodel, signature, input example, no pickle anywhere."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
from mlflow import pyfunc
from mlflow.models import Model, infer_signature

from earshot.core.errors import InputError

PLAIN_SUFFIXES = frozenset({".npz", ".npy", ".safetensors", ".skops", ".json", ".toml", ".txt", ".csv", ".parquet"})

# MLflow copies the folder of artefacts under this name into the model.
ARTEFACTS = "data"


def refuse_code(folder: Path) -> None:
    """Check that a folder of artefacts holds data only: no pickle, no object array, no script.

    Raises:
        InputError: A file is of a kind that could run code when it is loaded, or there is none.
    """
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    if not files:
        raise InputError("The model has no artefacts.", where=str(folder), remedy="Save it before registering it.")
    for path in files:
        if path.suffix not in PLAIN_SUFFIXES or _holds_objects(path):
            raise InputError(
                f"{path.name} could run code when it is loaded.",
                where=str(folder),
                remedy=f"Keep artefacts as one of {', '.join(sorted(PLAIN_SUFFIXES))}, arrays without objects.",
            )


def build_package(
    target: Path,
    artefacts: Path,
    *,
    loader: str,
    ids: Mapping[str, str],
    input_example: Mapping[str, object],
    output_example: Mapping[str, object],
    metadata: Mapping[str, object],
) -> None:
    """Write the MLflow model that `mlflow.pyfunc.load_model` opens.

    Args:
        target: The folder to make.
        artefacts: The folder of plain files.
        loader: Dotted name of a module with `_load_pyfunc(path)`, which gives an object with `predict`.
        ids: `run_id` and `model_id` of the tracking server.
        input_example: Column to value, or to a list of values: what `predict` takes.
        output_example: The same of what it gives.
        metadata: Stands in MLmodel; JSON types only.
    """
    warnings.filterwarnings("ignore", message="Hint: Inferred schema contains integer", category=UserWarning)
    given, returned = (pd.DataFrame(_columns(example)) for example in (input_example, output_example))
    pyfunc.save_model(
        path=str(target),
        loader_module=loader,
        data_path=str(artefacts),
        mlflow_model=Model(run_id=ids["run_id"], model_uuid=ids["model_id"], model_id=ids["model_id"]),
        signature=infer_signature(given, returned),
        input_example=given,
        pip_requirements=["earshot"],
        metadata=dict(metadata),
    )


def artefacts_of(package: Path) -> Path:
    """The folder of plain files inside an MLflow model."""
    inside = package / ARTEFACTS
    folders = [path for path in sorted(inside.iterdir()) if path.is_dir()] if inside.is_dir() else []
    if len(folders) != 1:
        raise InputError(
            "The model has no artefacts that Earshot wrote.",
            where=str(package),
            remedy="Give the alias `champion` to a version that a training job registered.",
        )
    return folders[0]


def _columns(example: Mapping[str, object]) -> dict[str, list[object]]:
    return {name: value if isinstance(value, list) else [value] for name, value in example.items()}


def _holds_objects(path: Path) -> bool:
    if path.suffix == ".npy":
        with path.open("rb") as file:
            return _header_names_objects(file)
    if path.suffix == ".npz":
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                with archive.open(name) as member:
                    if not name.endswith(".npy") or _header_names_objects(member):
                        return True
    return False


def _header_names_objects(file: IO[bytes]) -> bool:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    _, _, dtype = read(file)
    return bool(dtype.hasobject)
