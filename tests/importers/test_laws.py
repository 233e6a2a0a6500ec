"""Laws that every importer keeps, whatever a file holds: it never raises, every line is told of once, order is nothing.

A file is made of good lines of the format, of broken ones and of noise; seeds are Hypothesis's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from earshot.importers import canonical
from earshot.importers.detection import detect
from earshot.importers.events import event_of
from earshot.importers.formats import IMPORTERS, known_importers
from earshot.importers.shape import Importer, Limits, plays_of
from logfiles import read, source_of

SMALL = Limits(max_line_bytes=3_000, max_text_chars=200, max_nesting=8, max_extra_keys=20)
LISTEN = {"track_name": "T", "artist_name": "A", "additional_info": {}}
GOOD: dict[str, tuple[str, str]] = {
    "canonical": ("", '{"listener":"a","started_at":"2026-03-10T08:30:00Z","played_ms":9,"track_id":"t","x":"y"}'),
    "canonical_csv": ("listener,started_at,played_ms,track_id", 'a,2026-03-10T08:30:00Z,9,"t,1"'),
    "listenbrainz": ("", json.dumps({"listened_at": 1_700_000_000, "track_metadata": LISTEN, "user_name": "r"})),
    "lastfm": (
        "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid",
        '"1700000000","","A","","","","T",""',
    ),
    "lastfm_1k": ("", "user_000001\t2009-04-08T01:57:47Z\t\tA\t\tT"),
    "lastfm_1k_profiles": ("#id\tgender\tage\tcountry\tregistered", "user_000001\tm\t\tJapan\tAug 13, 2006"),
    "eventsim": (
        "",
        json.dumps({"ts": 1_541_990_258_796, "userId": "1", "page": "NextSong", "song": "S", "artist": "A"}),
    ),
    "scrobbler_log": ("#AUDIOSCROBBLER/1.1", "A\tB\tT\t1\t200\tL\t1700000000\t"),
    "cmcd": ("", '{"timestamp":"2026-03-10T08:30:00Z","cmcd":{"sid":"s","cid":"t","su":true,"br":9}}'),
    "radio": ("song,artist,callsign,time", "S,A,KGB,1402943314"),
}
ELEMENT = '{"ts":"2024-05-01T10:03:00Z","ms_played":9,"master_metadata_track_name":"T","spotify_track_uri":"u"}'
BLNS = Path(__file__).resolve().parents[3] / "shared" / "data" / "blns" / "blns.json"
FORMULA = '=cmd|" /C calc"!A0'

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def line_importers() -> list[Any]:
    return [pytest.param(one, id=one.name) for one in IMPORTERS if one.name in GOOD]


def without_breaks(line: str) -> str:
    return line.replace("\n", " ").replace("\r", " ")


@st.composite
def lines(draw: st.DrawFn, good: str) -> str:
    """A good line, or one that is cut, doubled, mixed up, noise, or has another value in a field."""
    kind = draw(st.integers(0, 6))
    if kind <= 1:
        return good
    if kind == 2:
        return good[: draw(st.integers(1, len(good)))]
    if kind == 3 and good.startswith("{"):
        item = json.loads(good)
        item[draw(st.sampled_from(sorted(item)))] = draw(values)
        return json.dumps(item, ensure_ascii=draw(st.booleans()))
    if kind == 4:
        at = draw(st.integers(0, len(good)))
        return without_breaks(good[:at] + draw(st.text(max_size=10)) + good[at:])
    if kind == 5:
        return draw(
            st.sampled_from(['"', '"' * 3, "\0", "{" * 900, "[" * 2_000, good + good, "x" * 4_000, FORMULA, "\t" * 5])
        )
    return without_breaks(draw(st.text(max_size=40)))


@st.composite
def files(draw: st.DrawFn, name: str) -> list[str]:
    return draw(st.lists(lines(GOOD[name][1]), max_size=8))


def stored(folder: Path, header: str, body: list[str]) -> Path:
    path = folder / "log"
    text = "\n".join([header, *body] if header else body)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return path


def told(importer: Importer, path: Path) -> list[dict[str, Any]]:
    return read(importer, source_of(path, limits=SMALL))


@pytest.mark.parametrize("importer", line_importers())
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_line_is_told_of_once_and_each_fault_has_a_cause(
    importer: Importer, tmp_path: Path, data: st.DataObject
) -> None:
    header, _ = GOOD[importer.name]
    body = data.draw(files(importer.name))
    assume(header or "\x00" not in "".join(body))  # every other byte null is how UTF-16 without its mark begins
    rows = told(importer, stored(tmp_path, header, body))
    first = 2 if header else 1
    filled = {n for n, line in enumerate(body, first) if line.strip(" \t\r\n\x0b\x0c")}
    if importer.name in {"scrobbler_log", "lastfm_1k_profiles", "cmcd"}:
        filled = {n for n in filled if not body[n - first].startswith("#")}
    numbers = [row["source_line"] for row in rows]
    assert len(set(numbers)) == len(numbers)
    assert set(numbers) <= filled | {n for n, line in enumerate(body, first) if line}
    if not any('"' in line for line in body) or importer.splits_at_lines or importer.name == "scrobbler_log":
        assert filled <= set(numbers)
    for row in rows:
        assert bool(row["parse_faults"]) == bool(row["cause"])
        assert row["cause"] is None or (row["cause"].isprintable() and len(row["cause"]) <= 400)


@pytest.mark.parametrize("importer", line_importers())
@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_mean_the_same_in_any_order(importer: Importer, tmp_path: Path, data: st.DataObject) -> None:
    header, _ = GOOD[importer.name]
    body = [line for line in data.draw(files(importer.name)) if '"' not in line or line.startswith("{")]
    mixed = data.draw(st.permutations(body))

    def plays(order: list[str]) -> list[str]:
        rows = told(importer, stored(tmp_path, header, order))
        return sorted(json.dumps(row | {"source_line": 0}, default=str, sort_keys=True) for row in rows)

    assert plays(body) == plays(mixed)


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_fast_and_the_exact_way_agree_on_any_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    monkeypatch.setattr(canonical, "_FEW", 0)
    body = [line for line in data.draw(files("canonical")) if line.strip()]
    found = told(IMPORTERS[0], stored(tmp_path, "", body))
    raw = [line.encode("utf-8", "surrogatepass").strip(b" \t\r") for line in body]
    exact = [{"source_line": n, **event_of(line, SMALL)} for n, line in enumerate(raw, 1) if line]
    assert sorted(found, key=_number) == sorted(_rows(exact), key=_number)


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_elements_of_an_export_are_told_of_in_order(tmp_path: Path, data: st.DataObject) -> None:
    body = data.draw(st.lists(lines(ELEMENT), max_size=6))
    spotify = next(one for one in IMPORTERS if one.name == "spotify")
    rows = told(spotify, stored(tmp_path, "[" + ",\n".join(body) + "]", []))
    assert [row["source_line"] for row in rows] == list(range(1, len(rows) + 1))
    if all(line == ELEMENT for line in body):
        assert [row["parse_faults"] for row in rows] == [None] * len(body)
    assert all(bool(row["parse_faults"]) == bool(row["cause"]) for row in rows)


@pytest.mark.parametrize("importer", [pytest.param(one, id=one.name) for one in IMPORTERS])
@given(content=st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(content=b"")
@example(content=b"\xef\xbb\xbf")
@example(content=b"\xff\xfe{")
@example(content=b"[")
@example(content=b"\x1f\x8b\x08")
@example(content=b"(\xb5/\xfd")
def test_no_importer_raises_on_noise(importer: Importer, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "log"
    path.write_bytes(content)
    told(importer, path)
    found = detect(source_of(path, limits=SMALL), known_importers())
    assert bool(found.format) != bool(found.reason)


@pytest.mark.parametrize("importer", [one for one in line_importers() if one.id != "cmcd"])  # of one play
def test_naughty_strings_are_read_or_named_and_change_no_other_line(importer: Importer, tmp_path: Path) -> None:
    if not BLNS.exists():
        pytest.skip("the naughty strings (../shared/data/blns) are not on this machine")
    header, good = GOOD[importer.name]
    naughty = [without_breaks(text) for text in json.loads(BLNS.read_text(encoding="utf-8"))]
    body = [line for text in naughty for line in (good, _put(good, text))]
    rows = {row["source_line"]: row for row in told(importer, stored(tmp_path, header, body))}
    first = 2 if header else 1
    clean = {str({**rows[n], "source_line": 0}) for n in range(first, first + len(body), 2)}
    assert len(clean) == 1
    assert len(rows) >= len(body) - sum(not text.strip() for text in naughty)


def _put(good: str, text: str) -> str:
    """The text in the place of the first field that can hold it."""
    if not good.startswith("{"):
        quoted = '"' + text.replace('"', '""') + '"'
        return good.replace("T", text.replace("\t", " ") if "\t" in good else quoted, 1)
    item = json.loads(good)
    key = next(key for key in ("track_id", "song", "user_name") if key in item)
    return json.dumps(item | {key: text}, ensure_ascii=False)


def _number(row: dict[str, Any]) -> int:
    return int(row["source_line"])


def _rows(plays: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    columns = plays_of(plays)
    for n in range(len(plays)):
        yield {name: column[n].as_py() for name, column in columns.items()}
