from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from earshot.importers.elements import Text, elements
from earshot.importers.shape import Limits
from logfiles import LIMITS, source_of, written


def found(tmp_path: Path, content: str | bytes, limits: Limits = LIMITS) -> list[Any]:
    """Values; of what is broken, the reason."""
    text = Text(source_of(written(tmp_path, content), limits=limits))
    assert text.skip_blanks() == "["
    text.at += 1
    return [error.why if error else value for value, error, _ in elements(text, limits)]


def test_elements_come_one_by_one_with_blanks_of_every_kind(tmp_path: Path) -> None:
    assert found(tmp_path, '\ufeff [\r\n 1 ,"a",\t{"b":[{}, 2]}, null, true , -1.5e3]\n') == [
        1,
        "a",
        {"b": [{}, 2]},
        None,
        True,
        -1500.0,
    ]
    assert found(tmp_path, "[ ]") == []


def test_windows_end_anywhere_and_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [{"n": n, "text": 'ü€😀\\" ],[{'[: n % 7] * 3, "deep": [[n]]} for n in range(60)] + [12345, 67890]
    for size in (1, 2, 3, 7, 64, 1000):
        monkeypatch.setattr("earshot.importers.streams.BLOCK_BYTES", size)
        assert found(tmp_path, json.dumps(items, ensure_ascii=False)) == items


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ('{"a": tru}', "no JSON"),
        ('{"a": 1,}', "no JSON"),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": 1, "a": 2}', 'the key "a" stands there twice'),
        ('{"a": "\\ud800"}', "half of a surrogate pair"),
        ('{"a": "x\ny"}', "no JSON: Invalid control character"),
        ('{"a": "' + "x" * 2_000 + '"}', "longer than"),
        ('{"a": ' + "[" * 60_000 + "]" * 60_000 + "}", "too deep"),
    ],
)
def test_a_broken_element_is_one_error_and_those_around_it_are_read(tmp_path: Path, broken: str, why: str) -> None:
    limits = Limits(1_500, 2_000, 8, 64)
    before, error, after = found(tmp_path, f'[{{"n": 1}}, {broken}, {{"n": 3}}]', limits)
    assert (before, after) == ({"n": 1}, {"n": 3})
    assert why in error


def test_bytes_that_are_no_utf8_spoil_their_element(tmp_path: Path) -> None:
    one, bad, three = found(tmp_path, b'[{"n": 1}, {"n": "\xff"}, {"n": 3}]')
    assert (one, three) == ({"n": 1}, {"n": 3})
    assert "UTF-8" in bad


def test_a_cut_array_ends_in_an_error(tmp_path: Path) -> None:
    assert found(tmp_path, '[{"n": 1}, {"n": ')[1].startswith("no JSON")
    assert found(tmp_path, '[{"n": 1}') == [{"n": 1}, "the file ends within the array"]
    assert found(tmp_path, "[1 2]")[1] == "there is no comma before it"
