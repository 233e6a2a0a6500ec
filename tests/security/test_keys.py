from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from earshot.core.config import load_settings
from earshot.core.errors import SettingsError
from earshot.core.locations import source_root
from earshot.core.settings import PrivacySettings, Settings
from earshot.security.keys import load_keys

_SHOW_KEYS = """
import sys
from pathlib import Path
from earshot.core.locations import source_root
from earshot.core.settings import Settings
from earshot.security.keys import load_keys

keys = load_keys(Settings(home=Path(sys.argv[1])))
print(keys.pseudonym_key.hex(), keys.master_key.hex())
"""


def test_first_keys_are_made_for_the_owner_alone_and_stay_the_same(settings: Settings) -> None:
    first = load_keys(settings)
    for name in ("pseudonym-v1.key", "master.key"):
        assert stat.S_IMODE((settings.keys / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.keys.stat().st_mode) == 0o700
    assert load_keys(settings) == first
    assert len(first.master_key) == 32


def test_processes_that_start_together_use_the_same_keys(home: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(source_root())}
    command = [sys.executable, "-c", _SHOW_KEYS, str(home)]
    processes = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    shown = {process.communicate(timeout=120)[0] for process in processes}
    assert len(shown) == 1
    assert len(shown.pop().split()) == 2


def test_environment_wins_over_file_and_file_over_home(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pseudonym.key"
    file.write_text("from the file\n")
    configured = settings.model_copy(update={"privacy": PrivacySettings(pseudonym_key_file=str(file))})
    assert load_keys(configured).pseudonym_key == b"from the file"
    monkeypatch.setenv("EARSHOT_PSEUDONYM_KEY", "from the environment")
    assert load_keys(configured).pseudonym_key == b"from the environment"


def test_production_makes_no_key(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="production needs it") as raised:
        load_keys(settings.model_copy(update={"production": True}))
    assert raised.value.exit_code == 2
    assert not settings.keys.exists()


def test_production_refuses_a_short_key_without_showing_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_PSEUDONYM_KEY", "hunter2")
    with pytest.raises(SettingsError) as raised:
        load_keys(settings.model_copy(update={"production": True}))
    assert "hunter2" not in str(raised.value)


def test_a_key_file_that_cannot_be_read_is_an_error_of_the_settings(home: Path) -> None:
    settings = load_settings(
        overrides={"home": str(home), "privacy": {"master_key_file": str(home / "nowhere" / "master.key")}}
    )
    with pytest.raises(SettingsError, match="cannot be read"):
        load_keys(settings)


def test_keys_show_nothing_of_themselves(settings: Settings) -> None:
    keys = load_keys(settings)
    shown = repr(keys)
    assert keys.pseudonym_key.decode() not in shown
    assert repr(keys.master_key) not in shown


def test_keys_of_earlier_versions_are_found_beside_the_one_in_use(settings: Settings) -> None:
    first = load_keys(settings)
    later = load_keys(settings.model_copy(update={"privacy": PrivacySettings(key_version=2)}))
    assert later.key_version == 2
    assert later.earlier == {1: first.pseudonym_key}
    assert later.pseudonym_key != first.pseudonym_key
