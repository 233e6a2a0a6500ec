from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dirty_tables import SPOILT_PLAYS, as_csv, plays, spoilt
from earshot.automation.cli import main

# Floors of F1 by cell; the suggested suites see the dirty file alone.
FLOORS = {"flights": 0.84, "rayyan": 0.95}
PRECISION = {"flights": 0.88, "rayyan": 0.97}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARSHOT_HOME", str(tmp_path / "home"))
    return tmp_path


def figures(capsys: Any, *options: str) -> dict[str, Any]:
    assert main(["evaluate", "quality", "--json", *options]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def twins(folder: Path) -> tuple[str, str]:
    rows, _ = spoilt(plays(), SPOILT_PLAYS, share=0.004)
    for name, content in (("plays.dirty.csv", rows), ("plays.clean.csv", plays())):
        (folder / name).write_text(as_csv(content))
    return str(folder / "plays.dirty.csv"), str(folder / "plays.clean.csv")


def test_suggested_suites_find_the_wrong_cells_of_flights_and_rayyan(shared_data: Path, capsys: Any) -> None:
    told = figures(capsys, "--raha", str(shared_data / "raha"))
    found = {row["dataset"]: row for row in told["twins"]}
    assert {name: row["errors"] for name, row in found.items()} == {"flights": 4920, "rayyan": 948}
    for name, row in found.items():
        assert row["f1"] >= FLOORS[name]
        assert row["precision"] >= PRECISION[name]
        assert {p["system"] for p in told["published"] if p["dataset"] == name} >= {"Raha", "dBoost", "NADEEF"}


def test_most_of_what_is_found_in_rayyan_are_dates_of_two_orders(shared_data: Path, capsys: Any) -> None:
    """Said wherever the figure is: without that rule little is left."""
    by_rule = figures(capsys, "--raha", str(shared_data / "raha"))["twins_by_rule"]
    order = next(row for row in by_rule if (row["dataset"], row["rule"]) == ("rayyan", "one_order"))
    assert order["f1_without"] < 0.4
    assert order["precision"] > 0.95


def test_any_pair_of_twins_can_be_scored(tmp_path: Path, capsys: Any) -> None:
    told = figures(capsys, "--twins", *twins(tmp_path))
    (row,) = told["twins"]
    assert (row["dataset"], row["cells"]) == ("plays", 18_000)
    assert row["f1"] >= 0.9
    assert "published" not in told


def test_the_same_file_twice_has_no_errors(tmp_path: Path, capsys: Any) -> None:
    clean = twins(tmp_path)[1]
    (row,) = figures(capsys, "--twins", clean, clean)["twins"]
    assert (row["errors"], row["flagged"], row["precision"], row["recall"]) == (0, 0, 1, 1)


def test_a_folder_may_be_named_by_a_setting_and_have_the_layout_of_the_original(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    dirty, clean = map(Path, twins(tmp_path))
    folder = tmp_path / "sets" / "mine"
    folder.mkdir(parents=True)
    dirty.rename(folder / "dirty.csv")
    clean.rename(folder / "clean.csv")
    monkeypatch.setenv("EARSHOT_QUALITY__TWINS", str(folder.parent))
    assert figures(capsys)["twins"][0]["dataset"] == "mine"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--raha", "empty"], "holds no twins"),
        (["--twins", "gone.csv", "gone.csv"], "gone.csv is no file"),
        (["--twins", "a.csv", "b.csv"], "differ in shape"),
        (["--twins", "ragged.csv", "a.csv"], "ragged.csv:3"),
    ],
)
def test_what_are_no_twins_is_refused(
    options: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("a.csv").write_text("a,b\n1,2\n")
    Path("b.csv").write_text("a,b\n1,2\n3,4\n")
    Path("ragged.csv").write_text("a,b\n1,2\n3\n")
    assert main(["evaluate", "quality", *options]) == 2
    assert told in capsys.readouterr().err


def test_twins_say_nothing_of_recommenders(tmp_path: Path, capsys: Any) -> None:
    assert main(["evaluate", "recommenders", "--raha", str(tmp_path)]) == 2
    assert "earshot evaluate quality" in capsys.readouterr().err
