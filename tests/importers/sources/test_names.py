from __future__ import annotations

import os
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from earshot.importers.names import landed, written
from earshot.importers.sources.names import Landed, is_hidden, safe_path

KEYS = st.text(st.one_of(st.sampled_from("./\\:%!_ aA"), st.characters(codec="utf-8")), min_size=1, max_size=40)


@given(KEYS)
def test_every_key_stays_below_its_folder_and_is_found_again_under_its_written_name(key: str) -> None:
    path = safe_path(key)
    assert not PurePosixPath(path).is_absolute()
    assert not PureWindowsPath(path).drive
    assert all(part not in {"", ".", ".."} and part[-1] not in ". " for part in path.split("/"))
    assert written(Path(path)) == path, "nothing is left to be escaped"
    assert landed(Path(os.sep, "nowhere"), path) == Path(os.sep, "nowhere", path)


@given(st.lists(KEYS, unique=True, max_size=12))
@example(["a", "a/b", "a/b/c", "A"])
def test_no_two_files_of_a_source_want_the_same_place(keys: list[str]) -> None:
    landed_ones = Landed(())
    places = [landed_ones.place(key, "etag").casefold() for key in keys]
    assert len(set(places)) == len(places)
    folders = {str(above) for place in places for above in PurePosixPath(place).parents}
    assert not folders.intersection(places), "none is a folder of another"


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("2026/03/a.jsonl", "2026/03/a.jsonl"),
        ("../x", "--/x"),
        ("a//b", "a/b"),
        ("C:\\x", "C--x"),
        ("nul.json", "-nul.json"),
        ("end. ", "end--"),
        ("a!b%2F", "a-b-2F"),
        ("Björk – Jóga.csv", "Björk – Jóga.csv"),
    ],
)
def test_a_plain_key_keeps_its_name_and_a_hostile_one_loses_what_is_hostile(key: str, path: str) -> None:
    assert safe_path(key) == path


def test_names_that_mean_unfinished_are_no_data() -> None:
    assert [key for key in ("_SUCCESS", "a/_temporary/b", ".x", "a/.b", "../a", "a/./b", "a_b") if is_hidden(key)] == [
        "_SUCCESS",
        "a/_temporary/b",
        ".x",
        "a/.b",
    ]
