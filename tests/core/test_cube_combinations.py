"""Which dimensions the cube fixes together is a setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from earshot.core.config import load_settings
from earshot.core.cube_combinations import DEEP, SHALLOW
from earshot.core.errors import SettingsError


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARSHOT_CONF", str(tmp_path))
    return tmp_path / "base.toml"


def test_without_a_setting_every_pair_and_triple_is_crossed_but_for_platforms(base: Path) -> None:
    base.write_text("")
    marts = load_settings().marts
    assert (marts.cube_combinations, marts.cube_deep_combinations) == (SHALLOW, DEEP)
    assert len({*SHALLOW, *DEEP}) == 1 + 6 + 10 + 10


def test_a_combination_is_the_same_in_whatever_order_it_is_said(base: Path) -> None:
    base.write_text('[marts]\ncube_combinations = [["cdn", "country"], ["platform"]]\ncube_deep_combinations = []\n')
    marts = load_settings().marts
    assert marts.cube_combinations == (("country", "cdn"), ("platform",))
    assert marts.cube_deep_combinations == ()


@pytest.mark.parametrize("key", ["cube_combinations", "cube_deep_combinations"])
def test_an_unknown_dimension_is_named_with_its_place_and_the_nearest(base: Path, key: str) -> None:
    base.write_text(f'[marts]\n{key} = [["country"], ["country", "divice"]]\n')
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert caught.value.exit_code == 2
    assert caught.value.where.endswith(f"line 2, key marts.{key}[1][1]")
    assert "'divice'" in str(caught.value)
    assert "the nearest is device" in str(caught.value)
