from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from earshot.automation.cli import main

TABLE = "Who;When;What;By;Secs\n" + "zoe;10.03.2026 09:30;Ding;Nena;61\n" * 3
RADIO = "song,artist,callsign,time\nA,B,KGB,1402943314\n"


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "conf"
    folder.mkdir()
    (folder / "base.toml").touch()
    monkeypatch.setenv("EARSHOT_CONF", str(folder))
    monkeypatch.setenv("EARSHOT_HOME", str(tmp_path / "home"))
    return folder / "mappings"


def written(tmp_path: Path, name: str, text: str) -> str:
    (tmp_path / name).write_text(text)
    return str(tmp_path / name)


def test_a_file_that_nobody_knows_gets_a_mapping_and_is_known_then(conf: Path, tmp_path: Path, capsys) -> None:
    file = written(tmp_path, "My Own (1).csv", TABLE)
    assert main(["map", file, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["file"] == str(conf / "my_own_1.toml")
    assert said["mapped"]["track_title"] == "What"
    assert said["missing"] == []
    assert main(["map", file]) == 0
    assert "is read as my_own_1" in capsys.readouterr().out


def test_a_known_format_needs_none(conf: Path, tmp_path: Path, capsys) -> None:
    assert main(["map", written(tmp_path, "plays.csv", RADIO)]) == 0
    assert "is read as radio: it needs no mapping" in capsys.readouterr().out.replace("\n", " ")
    assert not conf.exists()


def test_a_member_of_a_zip_can_be_mapped(conf: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x/own.csv", TABLE)
    assert main(["map", f"{tmp_path}/a.zip!x/own.csv"]) == 0
    assert (conf / "own.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["gone.csv"], "gone.csv is no file"),
        (["own.csv", "--name", "My Name"], "is no name of a mapping"),
        (["letter.txt"], "holds no rows with named columns"),
    ],
)
def test_mistakes_end_with_2_and_a_remedy(
    conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, arguments: list[str], told: str
) -> None:
    written(tmp_path, "own.csv", TABLE)
    written(tmp_path, "letter.txt", "Dear Sir\n")
    monkeypatch.chdir(tmp_path)
    assert main(["map", *arguments]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert "remedy:" in error


def test_a_mapping_that_is_there_is_not_written_over(conf: Path, tmp_path: Path, capsys) -> None:
    conf.mkdir()
    (conf / "own.toml").write_text(
        (Path(__file__).parents[3] / "conf/mappings/spotify_account_history.toml").read_text()
    )
    assert main(["map", written(tmp_path, "own.csv", TABLE)]) == 2
    assert "is there already" in capsys.readouterr().err


def test_a_starter_that_lacks_something_stands_in_nobodys_way(conf: Path, tmp_path: Path, capsys) -> None:
    unknown = written(tmp_path, "x.csv", "a,b\n1,2\n")
    assert main(["map", unknown, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["missing"] == ["started_at", "track_title", "artist_name"]
    assert said["file"] == str(conf / "x.toml.unfinished")
    assert main(["map", written(tmp_path, "own.csv", TABLE)]) == 0, "the other file is mapped all the same"
    assert main(["map", unknown]) == 0
    assert "rename the file to x.toml" in " ".join(capsys.readouterr().out.split())
