"""Rules of the house that import-linter does not see."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from earshot.automation.pipeline import JOBS, PIPELINE
from earshot.automation.table_reference import reference
from earshot.core.schemas import TABLES

ROOT = Path(__file__).resolve().parents[1]
JOB_FILES = sorted((ROOT / "jobs").glob("*.py"))
CONTRACT = ROOT.parent / "shared" / "CONTRACT.md"


def test_every_job_has_a_file_and_every_file_is_a_job() -> None:
    assert {path.stem for path in JOB_FILES} == set(JOBS)


def test_every_job_travels_in_the_wheel() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packed = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {f"jobs/{name}.py" for name in JOBS} <= set(packed)


@pytest.mark.parametrize("path", JOB_FILES, ids=lambda path: path.stem)
def test_a_job_is_at_most_40_lines_and_imports_only_earshot(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 40
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    assert names <= {"earshot", "__future__", *sys.stdlib_module_names}


@pytest.mark.parametrize("path", sorted((ROOT / "jobs").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_is_longer_than_400_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_only_the_session_module_builds_a_session() -> None:
    builders = [p for p in (ROOT / "jobs").rglob("*.py") if "SparkSession.builder" in p.read_text(encoding="utf-8")]
    assert [path.name for path in builders] == ["session.py"]


@pytest.mark.parametrize("module", ["earshot.automation.pipeline", "earshot.detectors", "earshot"])
def test_light_modules_load_neither_spark_nor_great_expectations(module: str) -> None:
    code = f"import sys, {module}; print(sorted({{'pyspark', 'great_expectations', 'mlflow'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_pipeline_has_the_contracts_order() -> None:
    order = (
        "import_catalogue, ingest_listens, publish_listens, build_sessions, detect_manipulation, build_marts, "
        "train_anomaly_detector, train_manipulation_detector, score_anomalies, train_recommender, recommend_tracks, "
        "segment_listeners, "
        "publish_alerts, publish_cache, export_reports, maintain_tables"
    )
    assert [spec.name for spec in PIPELINE] == order.split(", ")


def test_the_table_reference_is_up_to_date() -> None:
    assert (ROOT / "docs" / "tables.md").read_text(encoding="utf-8") == reference(), "run `make docs`"


def test_every_column_of_the_contract_is_there() -> None:
    if not CONTRACT.exists():
        pytest.skip("the contract (../shared/CONTRACT.md) is not on this machine")
    text = CONTRACT.read_text(encoding="utf-8").split("## Tables")[1].split("Meanings:")[0]
    lines = re.sub(r"\n {20,}", " ", text)
    missing = {}
    for name, columns in re.findall(r"^ {4}((?:silver|gold|ops)\.\w+)\s+(.+)$", lines, flags=re.MULTILINE):
        wanted = {re.sub(r"\s.*", "", part.strip()) for part in re.sub(r"\([^)]*\)", "", columns).split(",")}
        missing[name] = wanted - set(TABLES[name].column_names)
    assert len(missing) == 20
    assert {name: columns for name, columns in missing.items() if columns} == {}
