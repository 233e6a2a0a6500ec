from __future__ import annotations

import pytest

from earshot.core.errors import SettingsError
from earshot.importers.simulated.scenario import Scenario, load_scenario, scenario_names

NAMES = {"default", "clean", "faults", "incidents", "manipulation", "gate_closed"}


def _written(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return str(path)


def test_the_scenarios_of_the_contract_are_there_and_can_be_read():
    assert set(scenario_names()) >= NAMES
    for name in NAMES:
        assert load_scenario(name).description


def test_a_scenario_of_ones_own_is_named_by_its_path(tmp_path, simulate):
    path = _written(tmp_path, "[faults]\nunknown_tier = 0.1\n")
    rules = {row["rule"] for row in simulate(path).truth("lines")}
    assert rules == {None, "known_tier"}


def test_an_unknown_scenario_names_the_nearest_and_all_others():
    with pytest.raises(SettingsError) as caught:
        load_scenario("fautls")
    assert "Use faults" in caught.value.remedy
    assert all(name in caught.value.remedy for name in NAMES)
    assert caught.value.exit_code == 2


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(SettingsError, match="no scenario file"):
        load_scenario(str(tmp_path / "none.toml"))


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("[faults]\ncut_lin = 0.1\n", "faults.cut_lin", "cut_line"),
        ("[arrivls]\n", "arrivls", "arrivals"),
        ("[faults]\ncut_line = 0.9\n", "faults.cut_line", "less than or equal to 0.2"),
        ("[faults]\ncut_line = 'often'\n", "faults.cut_line", "valid number"),
        ("[[lookalikes]]\nkind = 'shop'\nper_thousnd = 3\n", "lookalikes[0].per_thousnd", "per_thousand"),
        ("[[manipulation]]\nkind = 'robots'\n", "manipulation[0].kind", "bot_farm"),
        ("[[incidents]]\nkind = 'outage'\nsize = 0.5\nhour = 3\nhours = 4\ndimensions = { country = 'US' }\n",
         "incidents[0].day", "missing"),
        ("[[incidents]]\nkind = 'outage'\nsize = 0.5\nday = 1\nhour = 3\nhours = 4\ndimensions = { country = 'UK' }\n",
         "incidents[0].dimensions", "GB"),
        ("[[incidents]]\nkind = 'outage'\nsize = 0.5\nday = 1\nhour = 3\nhours = 4\ndimensions = { contry = 'US' }\n",
         "incidents[0].dimensions", "country"),
        ("[[incidents]]\nkind = 'outage'\nsize = 5.0\nday = 1\nhour = 3\nhours = 4\ndimensions = { country = 'US' }\n",
         "incidents[0]", "at most 1"),
        ("[drift]\nday = 1\ndevice = 'desktp'\n", "drift.device", "desktop"),
        ("[broken_day]\nshare = 2\n", "broken_day.share", "less than or equal to 1"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_key_and_what_was_meant(tmp_path, text, key, hint):
    path = _written(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load_scenario(path)
    told = str(caught.value)
    assert path in told
    assert key in told
    assert hint in told


def test_a_mistake_in_the_second_table_of_an_array_names_its_own_line(tmp_path):
    path = _written(tmp_path, "[[lookalikes]]\nkind = 'shop'\n\n[[lookalikes]]\nkind = 'shop'\nper_thousnd = 3\n")
    with pytest.raises(SettingsError) as caught:
        load_scenario(path)
    assert caught.value.where == f"{path}, line 6, key lookalikes[1].per_thousnd"


def test_toml_that_is_none_is_refused_with_its_file(tmp_path):
    path = _written(tmp_path, "[faults\n")
    with pytest.raises(SettingsError, match="cannot be read") as caught:
        load_scenario(path)
    assert caught.value.where == f"{path}, line 1"


def test_more_faults_than_good_lines_are_refused(tmp_path):
    path = _written(tmp_path, "[faults]\ncut_line = 0.2\ngarbage_bytes = 0.2\nunknown_tier = 0.2\n")
    with pytest.raises(SettingsError, match=r"at most 0\.5"):
        load_scenario(path)


def test_an_empty_scenario_is_a_clean_one():
    assert Scenario.model_validate({}).model_copy(update={"description": ""}) == load_scenario("clean").model_copy(
        update={"description": ""}
    )
