"""Settings: what wins, and what an error says."""

from __future__ import annotations

from pathlib import Path

import pytest

from earshot.core.config import effective, load_settings
from earshot.core.errors import SettingsError


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "conf"
    folder.mkdir()
    (folder / "base.toml").write_text("[spark]\nshuffle_partitions = 3\n")
    monkeypatch.setenv("EARSHOT_CONF", str(folder))
    return folder


def test_the_overlay_wins_over_base_the_environment_over_it_and_the_command_line_over_all(
    conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().spark.shuffle_partitions == 3
    (conf / "demo.toml").write_text("[spark]\nshuffle_partitions = 5\n")
    assert load_settings("demo").spark.shuffle_partitions == 5
    monkeypatch.setenv("EARSHOT_SPARK__SHUFFLE_PARTITIONS", "7")
    assert load_settings("demo").spark.shuffle_partitions == 7
    assert load_settings("demo", {"spark": {"shuffle_partitions": 9}}).spark.shuffle_partitions == 9


def test_an_unknown_key_names_file_key_and_the_nearest_one(conf: Path) -> None:
    (conf / "base.toml").write_text("[spark]\nshufle_partitions = 3\n")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert caught.value.exit_code == 2
    assert "spark.shufle_partitions" in caught.value.what
    assert str(conf / "base.toml") in caught.value.where
    assert "shuffle_partitions" in caught.value.remedy


def test_a_wrong_type_says_what_was_expected(conf: Path) -> None:
    (conf / "base.toml").write_text('[spark]\nshuffle_partitions = "many"\n')
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "'many'" in caught.value.what
    assert "integer" in caught.value.what
    assert "spark.shuffle_partitions" in caught.value.where


def test_a_file_that_is_no_toml_names_the_line(conf: Path) -> None:
    (conf / "base.toml").write_text("[spark\n")
    with pytest.raises(SettingsError, match="line 1"):
        load_settings()


def test_an_unknown_variable_is_refused_with_the_nearest_section(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_SPARKLE__MASTER", "x")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "EARSHOT_SPARK" in caught.value.remedy


def test_a_mistake_names_its_line_and_the_whole_key_to_use_instead(conf: Path) -> None:
    (conf / "base.toml").write_text("[ingest]\narchive_days = 3\n\n[spark]\n# few\nshufle_partitions = 3\n")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert caught.value.where == f"{conf / 'base.toml'}, line 6, key spark.shufle_partitions"
    assert caught.value.remedy == "Use spark.shuffle_partitions, or remove it."


def test_a_misspelt_key_is_named_rather_than_the_one_that_is_missing_for_it(conf: Path) -> None:
    price = '{ country = "*", tier = "free", curency = "EUR", price = 1 }'
    (conf / "base.toml").write_text(f"[revenue]\nprices = [{price}]\n")
    with pytest.raises(SettingsError, match=r"revenue\.prices\[0\]\.curency is no setting") as caught:
        load_settings()
    assert "prices[0].currency" in caught.value.remedy


@pytest.mark.parametrize(
    ("variable", "value", "what", "remedy"),
    [
        ("EARSHOT_INGST__ARCHIVE_DAYS", "3", "is no setting", "EARSHOT_INGEST__ARCHIVE_DAYS"),
        ("EARSHOT_INGEST__ARCHIVE_DYAS", "3", "is no setting", "EARSHOT_INGEST__ARCHIVE_DAYS"),
        ("EARSHOT_INGEST__ARCHIVE_DAYS", "soon", "valid integer", "a value of that kind"),
        ("EARSHOT_ALERTS__CHANNELS", "file,console", "is no JSON", '["file", "console"]'),
        ("EARSHOT_SPARK", "local", "is no JSON", "as JSON"),
        ("EARSHOT_SMTP__PORT", "99999999", "less than or equal to 65535", "a value of that kind"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named_with_what_to_set_instead(
    conf: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, what: str, remedy: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert caught.value.where == f"environment variable {variable}"
    assert what in caught.value.what
    assert remedy in caught.value.remedy


def test_a_secret_of_the_wrong_kind_is_not_repeated(conf: Path) -> None:
    (conf / "base.toml").write_text('[smtp]\npassword = ["hunter2"]\n')
    with pytest.raises(SettingsError, match=r"smtp\.password is a secret of another kind") as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


def test_an_environment_is_a_name_and_no_path(conf: Path) -> None:
    (conf.parent / "elsewhere.toml").write_text("")
    with pytest.raises(SettingsError, match="no environment"):
        load_settings("../elsewhere")


def test_an_unknown_environment_is_refused(conf: Path) -> None:
    with pytest.raises(SettingsError, match="no environment staging"):
        load_settings("staging")


def test_production_without_a_secret_is_refused_and_names_the_variable(
    conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (conf / "production.toml").write_text('production = true\n[alerts]\nchannels = ["slack"]\n')
    with pytest.raises(SettingsError) as caught:
        load_settings("production")
    assert "EARSHOT_ALERTS__SLACK_URL" in caught.value.remedy
    monkeypatch.setenv("EARSHOT_ALERTS__SLACK_URL", "https://hooks.example/T0/B0/secret")
    with pytest.raises(SettingsError, match="pseudonym_key"):
        load_settings("production")


def test_secrets_are_masked_in_what_the_doctor_prints(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_ALERTS__SLACK_URL", "https://hooks.example/T0/B0/secret")
    assert "hooks.example" not in str(effective(load_settings()))


def test_the_shipped_files_are_valid() -> None:
    assert load_settings().env == "development"
    assert "webhook" in load_settings("demo").alerts.channels
