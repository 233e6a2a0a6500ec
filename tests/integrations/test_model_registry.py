from __future__ import annotations

import json
import pickletools
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from earshot.core.errors import DependencyError, InputError
from earshot.integrations.model_registry import RECOMMENDER, ModelRegistry, comparison_tags


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> ModelRegistry:
    return ModelRegistry(f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db", "tests")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    artefacts = tmp_path / "artefacts"
    artefacts.mkdir()
    np.savez(artefacts / "arrays.npz", factors=np.arange(6.0), names=np.array(["a", "b"]))
    (artefacts / "model.json").write_text('{"format": 1}')
    return artefacts


def _register(registry: ModelRegistry, folder: Path, name: str) -> str:
    with registry.run("als") as run:
        return registry.register(
            run,
            name,
            folder,
            kind="als",
            input_example={"listener_id": "somebody", "track_id": "trk:1"},
            output_example={"rank": [1, 2], "score": [0.5, 0.25]},
            metadata={"trained_until": "2026-03-29", "recipe": {"algorithm": "als"}},
        )


def test_there_is_no_champion_before_one_is_promoted(registry: ModelRegistry, folder: Path) -> None:
    assert registry.champion("nobody") is None
    _register(registry, folder, "unpromoted")
    assert registry.champion("unpromoted") is None


def test_a_promoted_version_comes_back_with_files_metadata_and_metrics(registry: ModelRegistry, folder: Path) -> None:
    version = _register(registry, folder, "round-trip")
    registry.promote("round-trip", version, {"ndcg_at_10": 0.25})
    champion = registry.champion("round-trip")
    assert champion is not None
    assert (champion.version, champion.kind, champion.metrics) == (version, "als", {"ndcg_at_10": 0.25})
    assert champion.metadata["recipe"] == {"algorithm": "als"}
    for path in folder.iterdir():
        assert (champion.folder / path.name).read_bytes() == path.read_bytes()


def test_the_old_champion_stays_one_alias_away(registry: ModelRegistry, folder: Path) -> None:
    first, second = (_register(registry, folder, "twice") for _ in range(2))
    assert registry.promote("twice", first, {}) is None
    assert registry.promote("twice", second, {}) == first
    client = mlflow.MlflowClient(registry.tracking_uri, registry_uri=registry.tracking_uri)
    assert client.get_model_version_by_alias("twice", "champion").version == int(second)
    assert client.get_model_version_by_alias("twice", "previous").version == int(first)


def test_promoting_the_champion_again_keeps_the_previous_one(registry: ModelRegistry, folder: Path) -> None:
    first, second = (_register(registry, folder, "again") for _ in range(2))
    for version in (first, second, second):
        registry.promote("again", version, {})
    client = mlflow.MlflowClient(registry.tracking_uri, registry_uri=registry.tracking_uri)
    assert client.get_model_version_by_alias("again", "previous").version == int(first)


def test_mlflow_itself_opens_the_model_with_signature_and_example(registry: ModelRegistry, folder: Path) -> None:
    registry.promote("opened", _register(registry, folder, "opened"), {})
    mlflow.set_tracking_uri(registry.tracking_uri)
    model = mlflow.pyfunc.load_model("models:/opened@champion")
    assert model.metadata.signature.inputs.input_names() == ["listener_id", "track_id"]
    assert model.metadata.signature.outputs.input_names() == ["rank", "score"]
    assert model.input_example.to_dict("records") == [{"listener_id": "somebody", "track_id": "trk:1"}]
    answer = model.predict(pd.DataFrame({"listener_id": ["x"], "track_id": ["y"]}))
    assert "arrays.npz" in answer["artefacts"][0]


def test_nothing_that_was_logged_is_a_pickle(registry: ModelRegistry, folder: Path) -> None:
    registry.promote("plain", _register(registry, folder, "plain"), {})
    champion = registry.champion("plain")
    assert champion is not None
    package = champion.folder.parents[1]
    files = [path for path in package.rglob("*") if path.is_file()]
    assert package / "MLmodel" in files
    assert not [path for path in files if path.suffix in {".pkl", ".pickle", ".joblib", ".bin"}]
    for path in files:
        assert not _is_pickle(path.read_bytes()), path


def _is_pickle(content: bytes) -> bool:
    if not content.startswith(b"\x80"):
        return False
    try:
        list(pickletools.genops(content))
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("name", ["model.pkl", "model.py", "model.joblib"])
def test_a_file_that_could_run_code_is_refused(registry: ModelRegistry, folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"x")
    with pytest.raises(InputError, match=name):
        _register(registry, folder, "refused")


def test_an_array_of_objects_is_refused(registry: ModelRegistry, folder: Path) -> None:
    np.savez(folder / "objects.npz", names=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match=r"objects\.npz"):
        _register(registry, folder, "refused")


def test_an_empty_folder_is_refused(registry: ModelRegistry, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no artefacts"):
        _register(registry, tmp_path, "refused")


def test_runs_of_one_training_are_found_again_in_their_order(registry: ModelRegistry) -> None:
    for day, algorithms in (("28", ["popularity", "als"]), ("29", ["ease", "popularity"])):
        for algorithm in algorithms:
            with registry.run(algorithm, tags=comparison_tags(RECOMMENDER, f"o'run:{day}")) as run:
                run.log_params({"algorithm": algorithm, "factors": 32})
                run.log_metrics({"ndcg_at_10": 0.5})
    found = registry.comparisons(RECOMMENDER)
    assert [record.name for record in found] == ["ease", "popularity"]
    assert found[0].metrics == {"ndcg_at_10": 0.5}
    assert found[0].params == {"algorithm": "ease", "factors": "32"}


def test_a_run_whose_block_raises_is_failed_and_not_compared(registry: ModelRegistry) -> None:
    with pytest.raises(ZeroDivisionError), registry.run("broken", tags=comparison_tags("fragile", "1")) as run:
        _ = 1 / 0
    client = mlflow.MlflowClient(registry.tracking_uri)
    assert client.get_run(run.run_id).info.status == "FAILED"
    assert registry.comparisons("fragile") == []


def test_figures_and_tables_stand_beside_the_run(registry: ModelRegistry) -> None:
    with registry.run("als") as run:
        run.log_figure(Figure(figsize=(1, 1)), "comparison.png")
        run.log_table([{"algorithm": "als", "ndcg": 0.5}, {"algorithm": "ease", "ndcg": 0.4}], "comparison.json")
    client = mlflow.MlflowClient(registry.tracking_uri)
    assert {file.path for file in client.list_artifacts(run.run_id)} == {"comparison.png", "comparison.json"}
    table = json.loads(Path(client.download_artifacts(run.run_id, "comparison.json")).read_text())
    assert table["data"] == [["als", 0.5], ["ease", 0.4]]


def test_artefacts_lie_beside_the_database(registry: ModelRegistry, folder: Path) -> None:
    registry.promote("beside", _register(registry, folder, "beside"), {})
    champion = registry.champion("beside")
    assert champion is not None
    database = Path(registry.tracking_uri.removeprefix("sqlite:///"))
    assert champion.folder.is_relative_to(database.parent / "mlartifacts")


@pytest.fixture
def broken_server() -> Iterator[str]:
    class Broken(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(403)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Broken)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://user:secret@127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_server_that_refuses_is_named_without_its_password(broken_server: str) -> None:
    registry = ModelRegistry(broken_server, "tests")
    with pytest.raises(DependencyError, match="MLflow does not answer") as refused:
        registry.champion(RECOMMENDER)
    assert "secret" not in str(refused.value)
    assert "mlflow.tracking_uri" in str(refused.value)
