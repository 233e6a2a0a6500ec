from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from earshot.core.errors import InputError, SettingsError
from earshot.importers.expressions import ExpressionError, check, compute
from earshot.importers.mapping_starter import start_mapping
from logfiles import detected, read_as_detected, source_of, written

AT = datetime(2026, 3, 10, 8, 30, tzinfo=UTC)
HEAD = 'kind = "csv"\nneeds = ["Who", "When", "What"]\n[columns]\nlistener = "Who"\ntrack_id = "What"\n'
TIMED = HEAD + 'started_at = { column = "When", format = "%d.%m.%Y %H:%M", zone = "Europe/Berlin" }\n'


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes a mapping into a folder of settings of the test's own."""

    def write(text: str, name: str = "mine") -> Path:
        folder = tmp_path / "conf"
        (folder / "mappings").mkdir(parents=True, exist_ok=True)
        (folder / "base.toml").touch()
        monkeypatch.setenv("EARSHOT_CONF", str(folder))
        (folder / "mappings" / f"{name}.toml").write_text(text, encoding="utf-8")
        return folder / "mappings" / f"{name}.toml"

    return write


def test_columns_constants_expressions_times_and_flags_make_a_play(conf, tmp_path: Path) -> None:
    more = """country = { constant = "DE" }
played_ms = { expression = "round(number(Secs) * 1000)" }
duration_ms = { expression = "milliseconds(Length)" }
track_title = { expression = "part(col('Title - Artist'), ' - ', 1)" }
artist_name = { expression = "upper(part(col('Title - Artist'), ' - ', 2))" }
skipped = { column = "Skip", true = ["ja"], false = ["nein"] }
"""
    conf(TIMED + more)
    text = "Who;When;What;Secs;Length;Title - Artist;Skip;Mood\nzoe;10.03.2026 09:30;7;61,5;3:20;Ding - Nena;ja;calm\n"
    path = written(tmp_path, text)
    assert detected(path) == "mine"
    (row,) = read_as_detected(path)
    assert (row["listener"], row["started_at"], row["track_id"], row["country"]) == ("zoe", AT, "7", "DE")
    assert (row["played_ms"], row["duration_ms"], row["skipped"]) == (61_500, 200_000, True)
    assert (row["track_title"], row["artist_name"], dict(row["extra"])) == ("Ding", "NENA", {"Mood": "calm"})
    assert row["parse_faults"] is None


def test_what_does_not_fit_is_named_and_what_is_filtered_is_counted(conf, tmp_path: Path) -> None:
    conf('filters = [{ when = "What == \'ad\'", reason = "advert" }]\n' + TIMED)
    rows = read_as_detected(written(tmp_path, "Who;When;What\nz;soon;1\nz;;1\nz;10.03.2026 09:30;ad\nz;1\n"))
    assert [(row["parse_faults"], row["filtered_reason"]) for row in rows] == [
        (["time_readable"], None),
        (["time_present"], None),
        (None, "advert"),
        (["readable_line"], None),
    ]


@pytest.mark.parametrize("kind", ["jsonl", "json", "parquet"])
def test_nested_json_and_parquet_are_mapped_by_names_with_dots(conf, tmp_path: Path, kind: str) -> None:
    conf(
        f'kind = "{kind}"\nneeds = ["track.id"]\nsource = "jukebox"\n[columns]\ntrack_id = "track.id"\n'
        'started_at = { column = "at", unit = "s" }\n'.replace("track.id", "track" if kind == "parquet" else "track.id")
    )
    item = {"track": {"id": 5}, "at": int(AT.timestamp())}
    path = tmp_path / "log"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist([{**item, "track": 5}]), path)
    else:
        path.write_text(json.dumps([item]) if kind == "json" else json.dumps(item))
    (row,) = read_as_detected(path)
    assert (row["listener"], row["track_id"], row["started_at"]) == ("owner", "5", AT)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kind =", "no TOML"),
        (HEAD, "started_at or ended_at must be mapped"),
        (TIMED.replace("Europe/Berlin", "Mars/Base"), "Mars/Base is no time zone"),
        (TIMED + 'mood = "x"', "mood is no column of an event"),
        (TIMED + 'country = { constant = "DE", column = "x" }', "give one of column, constant and expression"),
        (TIMED + 'country = { expression = "__import__(1)" }', "can be called"),
        (TIMED.replace("csv", "xlsx"), "'csv', 'jsonl', 'json' or 'parquet'"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_where_and_why(conf, tmp_path: Path, text: str, told: str) -> None:
    path = conf(text)
    with pytest.raises(SettingsError) as error:
        detected(written(tmp_path, "x"))
    assert told in str(error.value)
    assert str(path) in error.value.where


def test_a_mapping_cannot_take_the_name_of_a_format(conf, tmp_path: Path) -> None:
    conf(TIMED, "radio")
    with pytest.raises(SettingsError, match="built in"):
        detected(written(tmp_path, "x"))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("a + ' ' + b", "x y"),
        ("n * 2 + 1", 7),
        ("n / 0", None),
        ("n + a", None),
        ("missing + 1", None),
        ("a * 9", None),
        ("'yes' if n > 2 and not m else 'no'", "yes"),
        ("coalesce(m, col('odd name'), 'z')", "q"),
        ("number('1,5')", 1.5),
        ("number('1e999')", None),
        ("milliseconds('1:02:03.5')", 3_723_500),
        ("lower(trim(' AB '))", "ab"),
        ("replace(a, 'x', 'zz')", "zz"),
        ("n in [1, 3]", True),
        ("-n", -3),
        ("text(n)", "3"),
    ],
)
def test_expressions_compute(expression: str, value: object) -> None:
    assert compute(expression, {"a": "x", "b": "y", "n": 3, "m": None, "odd name": "q"}) == value


@pytest.mark.parametrize(
    "expression",
    [
        "a.b",
        "a[0]",
        "open('x')",
        "lambda: 1",
        "(x := 1)",
        "2 ** 9",
        "f'{a}'",
        "[x for x in a]",
        "a if b",
        "",
        "a" * 501,
        "col(a)",
    ],
)
def test_expressions_say_nothing_else(expression: str) -> None:
    with pytest.raises(ExpressionError):
        check(expression)


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (
            "Who;When;What;By;Secs;Room\n" + "zoe;10.03.2026 09:30;Ding;Nena;61;a\n" * 2,
            [
                'started_at = { column = "When", format = "%d.%m.%Y %H:%M", zone = "UTC" }',
                'played_ms = { column = "Secs", unit = "s" }',
                'track_title = "What"',
                '# not mapped, kept in extra: "Room"',
            ],
        ),
        (
            '[{"user":{"id":1},"ts":1773131400000,"song":{"name":"a"},"artist":"b"}]',
            ['kind = "json"', 'started_at = { column = "ts", unit = "ms" }', 'track_title = "song.name"'],
        ),
        (
            '{"user":"a","duration":"3:20","title":"x"}\n' * 3,
            [
                'duration_ms = { expression = "milliseconds(col(\\"duration\\"))" }',
                "# started_at = ... is needed: a column, { constant = ... } or { expression = ... }",
            ],
        ),
    ],
)
def test_a_starter_guesses_columns_units_and_formats(tmp_path: Path, content: str, lines: list[str]) -> None:
    starter = start_mapping(source_of(written(tmp_path, content)), "mine.csv")
    assert set(lines) <= set(starter.text.splitlines())


def test_a_starter_that_lacks_nothing_reads_the_file_it_was_made_from(conf, tmp_path: Path) -> None:
    path = written(tmp_path, "Who|When|What|By|Secs\n" + "zoe|03/10/2026 8:30 AM|Ding|Nena|61\n" * 3)
    conf(start_mapping(source_of(path), "x").text)
    assert detected(path) == "mine"
    row: dict[str, Any] = read_as_detected(path)[0]
    assert (row["started_at"], row["played_ms"], row["parse_faults"]) == (AT, 61_000, None)


@pytest.mark.parametrize("content", ["", "hello\nworld", "[1, 2]", "\0\1\2"])
def test_nothing_can_be_started_from_a_file_without_columns(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError, match="No mapping can be started"):
        start_mapping(source_of(written(tmp_path, content)), "x")


def test_a_day_that_became_a_time_is_mapped_before_and_after(conf, tmp_path: Path) -> None:
    conf(
        'kind = "parquet"\nneeds = ["who", "on"]\n[columns]\nlistener = "who"\ntrack_id = { constant = "1" }\n'
        'started_at = { column = "on", zone = "Europe/Berlin" }\n'
    )
    day, time = datetime(2026, 3, 10).date(), datetime(2026, 3, 10, 9, 30)
    for value, kind, at in (
        (day, pa.date32(), datetime(2026, 3, 9, 23, tzinfo=UTC)),
        (time, pa.timestamp("us"), AT),
        (AT, pa.timestamp("ns", "UTC"), AT),
    ):
        pq.write_table(pa.table({"who": ["zoe"], "on": pa.array([value], kind)}), tmp_path / "plays")
        (row,) = read_as_detected(tmp_path / "plays")
        assert (row["started_at"], row["parse_faults"]) == (at, None)
