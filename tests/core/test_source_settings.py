"""Sources in the settings: what stands there, and what an error says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from earshot.core.config import load_settings
from earshot.core.errors import SettingsError

SHOP = {"url": "jdbc:sqlite:shop.db", "table": "plays", "key": "id"}


def refused(**source: Any) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load_settings(overrides={"sources": {"shop": source}})
    return caught.value


def test_sources_stand_in_a_file_under_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tmp_path / "base.toml"
    monkeypatch.setenv("EARSHOT_CONF", str(tmp_path))
    base.write_text(
        '[sources.partner]\nurl = "s3://bucket/logs"\n\n'
        '[sources.shop]\nurl = "jdbc:postgresql://db/plays"\ntable = "public.plays"\nkey = ["at", "id"]\n'
    )
    sources = load_settings().sources
    assert (sources["partner"].kind, sources["partner"].bucket, sources["partner"].prefix) == ("s3", "bucket", "logs/")
    assert (sources["shop"].kind, sources["shop"].key) == ("jdbc", ("at", "id"))
    base.write_text('[sources.partner]\nurl = "s3://bucket/logs"\n# ...\npatern = "*.gz"\n')
    with pytest.raises(SettingsError, match=r"sources\.partner\.patern is no setting") as caught:
        load_settings()
    assert caught.value.where == f"{base}, line 4, key sources.partner.patern"
    assert caught.value.remedy == "Use sources.partner.pattern, or remove it."


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"url": "http://x"}, "s3://BUCKET/PREFIX or jdbc:"),
        ({"pattern": "*"}, "no pattern: a source of kind jdbc has none"),
        ({"query": "SELECT 1"}, "either table or query"),
        ({"key": []}, "key, the columns by which rows grow"),
        ({"table": "plays; DROP TABLE plays"}, "pattern"),
        ({"key": "id) OR (1=1"}, "pattern"),
        ({"url": "s3://bucket/x"}, "no table: a source of kind s3 has none"),
    ],
)
def test_a_source_that_cannot_be_meant_is_refused(changes: dict[str, Any], what: str) -> None:
    assert what in refused(**SHOP | changes).what


@pytest.mark.parametrize(
    "url", ["jdbc:postgresql://me:hunter2@db/x", "jdbc:postgresql://db/x?user=me&password=hunter2"]
)
def test_a_password_in_an_address_is_refused_and_not_repeated(url: str) -> None:
    error = refused(**SHOP | {"url": url})
    assert "user_env and password_env" in error.what
    assert "hunter2" not in str(error)
