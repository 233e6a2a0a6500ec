"""Published localisers on deviations whose cause is plain, and the layouts of public sets."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from earshot.core.errors import InputError
from earshot.detectors.benchmark import cuboids
from earshot.detectors.benchmark.localisers import Leaves, adtributor, riskloc
from earshot.detectors.series import Dimensions

NAMES = ("a", "b", "c")
VALUES = tuple(tuple(f"{name}{n}" for n in range(1, 6)) for name in NAMES)
CODES = np.array(list(product(range(5), repeat=3)))


def leaves(share: float, *causes: dict[str, str], noise: float = 0.02) -> Leaves:
    """Leaves of which those of the causes keep only a share of what was due."""
    chance = np.random.default_rng(1)
    due = chance.gamma(3.0, 100.0, len(CODES))
    seen = due * np.exp(noise * chance.standard_normal(len(CODES)))
    for cause in causes:
        hit = np.ones(len(CODES), dtype=bool)
        for name, value in cause.items():
            hit &= CODES[:, NAMES.index(name)] == VALUES[NAMES.index(name)].index(value)
        seen[hit] *= share
    return Leaves(NAMES, VALUES, CODES, seen, due)


def test_adtributor_names_the_values_of_the_dimension_that_surprises_most() -> None:
    assert adtributor(leaves(0.2, {"b": "b2"}))[0] == (("b", "b2"),)
    assert set(adtributor(leaves(0.2, {"b": "b2"}, {"b": "b4"}))[:2]) == {(("b", "b2"),), (("b", "b4"),)}


@pytest.mark.parametrize("cause", [{"a": "a3"}, {"a": "a3", "c": "c1"}, {"a": "a3", "b": "b5", "c": "c1"}])
def test_riskloc_names_a_slice_of_any_depth(cause: dict[str, str]) -> None:
    assert riskloc(leaves(0.3, cause)) == [tuple(cause.items())]


def test_riskloc_names_two_causes() -> None:
    found = riskloc(leaves(0.3, {"a": "a3", "b": "b1"}, {"c": "c2"}))
    assert set(found) == {(("a", "a3"), ("b", "b1")), (("c", "c2"),)}


def squeeze(folder: Path, cause: dict[str, str], name: str = "100") -> Path:
    case = leaves(0.3, cause)
    rows = [
        ",".join((*(VALUES[at][code] for at, code in enumerate(codes)), f"{seen:.4f}", f"{due:.4f}"))
        for codes, seen, due in zip(case.codes, case.seen, case.due, strict=True)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.csv").write_text("\n".join(("a,b,c,real,predict", *rows)), encoding="utf-8")
    told = "&".join(f"{key}={value}" for key, value in cause.items())
    (folder / "injection_info.csv").write_text(f"timestamp,set\n{name},{told}\n200,a=a1\n", encoding="utf-8")
    return folder


def robustspot(folder: Path, cause: dict[str, int]) -> Path:
    """Plays of 2 CDNs x 3 bitrates a minute; 2 % are bad, of the cause half of them in the last minute."""
    chance, lines = np.random.default_rng(2), ["min,cdn,bitrate,value,cnt"]
    for minute, cdn, bitrate in product(range(600, 960, 60), (5, 7), (500, 1200, 2000)):
        hit = minute == 900 and all({"cdn": cdn, "bitrate": bitrate}[key] == value for key, value in cause.items())
        lines.append(f"{minute},{cdn},{bitrate},{chance.binomial(400, 0.5 if hit else 0.02)},400")
    (folder / "case 1.csv").write_text("\n".join(lines), encoding="utf-8")
    entry = f"- data: case 1\n  timestamp: 900\n  cause: {cause}\n- data: gone\n  timestamp: 1\n  cause: {{'cdn':5}}\n"
    (folder / "anomaly.yaml").write_text(entry, encoding="utf-8")
    return folder


@pytest.mark.parametrize("cause", [{"a": "a3"}, {"a": "a3", "c": "c1"}])
def test_causes_of_squeezes_layout_are_told(tmp_path: Path, cause: dict[str, str]) -> None:
    squeeze(tmp_path / "B0" / "layer", cause)
    told = cuboids.evaluate(tmp_path)
    assert told["cases"] == 1, "200.csv was not handed on"
    figures = {row["method"]: row for row in told["contest"]}
    assert figures["Earshot"]["top_1"] == figures["RiskLoc"]["top_1"] == 1.0
    assert figures["Adtributor"]["top_1"] == float(len(cause) == 1)


@pytest.mark.parametrize("cause", [{"cdn": 5}, {"bitrate": 2000, "cdn": 7}])
def test_causes_of_robustspots_layout_are_told(tmp_path: Path, cause: dict[str, int]) -> None:
    (case,) = cuboids.read_cases(robustspot(tmp_path, cause))
    wanted: Dimensions = tuple((name, str(value)) for name, value in cause.items())
    assert case.causes == (wanted,)
    assert cuboids.told_causes(case, 3).named == (wanted,)


def test_a_folder_without_cases_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no cases with known causes"):
        cuboids.evaluate(tmp_path)
    (tmp_path / "injection_info.csv").write_text("timestamp\n1\n", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read"):
        cuboids.evaluate(tmp_path)
