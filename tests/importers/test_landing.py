from __future__ import annotations

import gzip
import json
import os
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import zstandard

from earshot.core.settings import IngestSettings, LimitsSettings, Settings
from earshot.importers.archive import archive_files, archive_path
from earshot.importers.landing import Known, LandingFile, _hash_and_cut, batch_id_of, new_files
from earshot.importers.reading import (
    VANISHED,
    ChangedError,
    balanced,
    check_unchanged,
    end_of_dated_folder,
    read_whole,
    source_of,
)
from earshot.importers.shape import Part

DAY = date(2026, 3, 29)
LINE = json.dumps({"listener": "anna", "started_at": "2026-03-29T01:00:00Z", "played_ms": 1, "track_id": "t"}) + "\n"


def land(settings: Settings, name: str, content: bytes | str = LINE) -> Path:
    path = settings.landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def found(settings: Settings, known: Known | None = None) -> dict[str, LandingFile]:
    return {file.source_file: file for file in new_files(settings, DAY, known or Known())}


def zipped(path: Path, members: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)


def test_files_still_being_written_and_days_to_come_are_left_alone(settings: Settings) -> None:
    for name in ("a.jsonl", "x/b.jsonl", "2026-03-29/c", "2026-03-30/d", "_e", ".f", "_g/h", "x/.i/j"):
        land(settings, name, LINE.replace("anna", name))
    assert sorted(found(settings)) == ["2026-03-29/c", "a.jsonl", "x/b.jsonl"]


def test_a_format_is_known_by_content_and_not_by_name(settings: Settings) -> None:
    land(settings, "plain.csv")
    land(settings, "packed.txt", gzip.compress(LINE.encode() * 2))
    land(settings, "packed", zstandard.compress(LINE.encode() * 3))
    land(settings, "wide", LINE.encode("utf-16"))
    land(settings, "radio.json", "song,artist,callsign,time\nA,B,KGB,1402943314\n")
    land(settings, "mine.dat", '[{"ts":"2026-01-01T00:00:00Z","ms_played":1,"master_metadata_track_name":"x"}]')
    formats = {name: file.format for name, file in found(settings).items()}
    assert formats == {
        "plain.csv": "canonical",
        "packed.txt": "canonical",
        "packed": "canonical",
        "wide": "canonical",
        "radio.json": "radio",
        "mine.dat": "spotify",
    }


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("letter.txt", b"hello\nworld\n", "unknown format"),
        ("other.jsonl", b'{"a": 1}\n{"b": 2}\n', "unknown format; nearest: canonical"),
        ("broken.gz", b"\x1f\x8bnot gzip at all", "cannot be read"),
        ("broken.zip", b"PK\x03\x04 and nothing else", "cannot be opened"),
        ("broken.parquet", b"PAR1 and nothing else", "cannot be read"),
    ],
)
def test_a_file_that_nobody_knows_is_set_aside_with_the_reason(
    settings: Settings, name: str, content: bytes, reason: str
) -> None:
    land(settings, name, content)
    assert found(settings)[name].reason.startswith(reason)


def test_members_of_a_zip_are_files_of_their_own(settings: Settings) -> None:
    zipped(settings.landing / "export.zip", {"a/plays.jsonl": LINE, "Read Me.pdf": "%PDF", "__MACOSX/x": LINE})
    files = found(settings)
    assert sorted(files) == ["export.zip!Read Me.pdf", "export.zip!a/plays.jsonl"]
    assert files["export.zip!a/plays.jsonl"].format == "canonical"
    assert files["export.zip!Read Me.pdf"].reason == "unknown format (a PDF)"
    assert files["export.zip!a/plays.jsonl"].landing_path == "export.zip"


def test_a_zip_beyond_the_limits_is_set_aside_unread(settings: Settings) -> None:
    zipped(settings.landing / "many.zip", {f"{n}.jsonl": LINE for n in range(4)})
    tight = settings.model_copy(update={"limits": LimitsSettings(max_archive_members=3)})
    assert "limits" in found(tight)["many.zip"].reason


def test_of_files_with_the_same_bytes_one_is_read(settings: Settings) -> None:
    for name in ("c", "a", "b"):
        land(settings, name)
    files = found(settings)
    assert [files[name].copy_of for name in "abc"] == [None, "a", "a"]
    assert [bool(files[name].parts) for name in "abc"] == [True, False, False]


def test_a_file_is_taken_once_and_its_copy_is_known_later(settings: Settings) -> None:
    land(settings, "a")
    known = Known().with_files(found(settings).values())
    assert found(settings, known) == {}
    land(settings, "b")
    assert found(settings, known)["b"].copy_of == "a"
    land(settings, "a", LINE.replace("anna", "bert"))
    assert found(settings, known)["a"].copy_of is None


def test_a_file_that_was_set_aside_may_come_again(settings: Settings) -> None:
    land(settings, "letter.txt", "hello")
    known = Known().with_files(found(settings).values())
    assert "letter.txt" in found(settings, known)


def test_a_batch_is_named_by_its_files_in_any_order_and_a_copy_is_another_batch(settings: Settings) -> None:
    land(settings, "a")
    first = list(found(settings).values())
    land(settings, "b")
    both = list(found(settings).values())
    assert batch_id_of(both) == batch_id_of(both[::-1]) != batch_id_of(first)
    assert batch_id_of(both[1:]) != batch_id_of(first)


def test_a_batch_has_at_most_as_many_files_as_the_settings_say(settings: Settings) -> None:
    for n in range(5):
        land(settings, f"{n}.jsonl", LINE.replace("anna", f"anna{n}"))
    few = settings.model_copy(update={"ingest": IngestSettings(max_files_per_batch=2)})
    assert sorted(found(few)) == ["0.jsonl", "1.jsonl"]


def test_a_manifest_gives_the_file_back(settings: Settings) -> None:
    land(settings, "a.jsonl")
    (file,) = found(settings).values()
    assert LandingFile.from_manifest(json.loads(json.dumps(file.as_manifest()))) == file


def test_a_published_file_lies_in_the_archive_under_its_hash(settings: Settings) -> None:
    landed = land(settings, "2026-03-29/a.jsonl")
    (file,) = found(settings).values()
    archive_files([file], settings)
    archive_files([file], settings)
    assert not landed.exists()
    assert archive_path(settings, file.sha256).read_text() == LINE


def test_a_file_that_has_grown_since_stays_in_landing(settings: Settings) -> None:
    landed = land(settings, "a.jsonl")
    (file,) = found(settings).values()
    with landed.open("a") as stream:
        stream.write(LINE)
    archive_files([file], settings)
    assert landed.exists()
    assert found(settings, Known().with_files([file]))["a.jsonl"].sha256 != file.sha256


def test_a_file_in_a_dated_folder_arrived_not_after_that_day() -> None:
    late = datetime(2026, 4, 20, tzinfo=UTC)
    assert end_of_dated_folder("2026-03-29/a", late) == datetime(2026, 3, 30, tzinfo=UTC)
    assert end_of_dated_folder("a", late) == late


def test_tasks_are_balanced_and_few() -> None:
    parts = [Part(n, size=1_000_000 * (n + 1)) for n in range(8)]
    tasks = balanced(parts, cores=2)
    loads = [sum(part.size for part in task) for task in tasks]
    assert len(tasks) == 2
    assert max(loads) <= 1.2 * min(loads)
    assert len(balanced([Part(0, size=100), Part(1, size=100)], cores=2)) == 1
    assert balanced([], cores=2) == [[]]


def test_many_tiny_files_are_shared_among_the_cores_in_few_tasks() -> None:
    tasks = balanced([Part(n, size=100) for n in range(10_000)], cores=2)
    assert 2 <= len(tasks) <= 8
    assert max(map(len, tasks)) - min(map(len, tasks)) <= 1


def test_a_file_that_grows_while_it_is_read_is_left_for_a_later_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = land(settings, "a.jsonl")

    def grow(path: Path) -> tuple[str, tuple[Part, ...]]:
        cut = _hash_and_cut(path)
        with path.open("a") as stream:
            stream.write(LINE)
        return cut

    monkeypatch.setattr("earshot.importers.landing._hash_and_cut", grow)
    (file,) = found(settings).values()
    assert file.reason.startswith("still growing")
    archive_files([file], settings)
    assert path.exists()
    monkeypatch.undo()
    assert found(settings, Known().with_files([file]))["a.jsonl"].format == "canonical"


def test_a_file_that_vanishes_while_it_is_listed_is_no_file(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = land(settings, "a.jsonl")
    land(settings, "b.jsonl", LINE.replace("anna", "bert"))
    monkeypatch.setattr("earshot.importers.landing.paths_up_to", lambda *_: [path.with_name("gone"), path])
    assert sorted(found(settings)) == ["a.jsonl"]


def test_a_file_that_may_not_be_read_is_set_aside_and_stays(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = land(settings, "a.jsonl")

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("earshot.importers.landing._hash_and_cut", refuse)
    (file,) = found(settings).values()
    assert file.reason == "cannot be opened: Permission denied"
    archive_files([file], settings)
    assert path.exists()


def test_what_was_listed_is_read_although_something_was_added_and_not_if_it_was_changed(settings: Settings) -> None:
    path = land(settings, "a.jsonl")
    (file,) = found(settings).values()
    source = source_of(file, settings)
    check_unchanged(source, file.sha256)
    with path.open("a") as stream:
        stream.write(LINE)
    check_unchanged(source, file.sha256)
    path.write_text(LINE.replace("anna", "bert"))
    with pytest.raises(ChangedError):
        check_unchanged(source, file.sha256)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        check_unchanged(source, file.sha256)


def test_a_batch_is_read_once_more_without_a_file_that_vanished_and_its_copies(settings: Settings) -> None:
    for name in ("a", "b"):
        land(settings, name)
    land(settings, "c", LINE.replace("anna", "bert"))
    attempts: list[list[str]] = []

    def read(files: Sequence[LandingFile]) -> Any:
        attempts.append([file.source_file for file in files if file.parts])
        return SimpleNamespace(lost={"a": VANISHED} if len(attempts) == 1 else {})

    files, _, _ = read_whole(list(found(settings).values()), read, lambda reading: Any)
    assert attempts == [["a", "c"], ["c"]]
    assert {file.source_file: file.reason for file in files} == {"a": VANISHED, "b": VANISHED, "c": ""}
    assert sorted(found(settings, Known().with_files(files))) == ["a", "b"]


def test_members_with_names_of_windows_are_read_and_those_that_lead_out_are_not(settings: Settings) -> None:
    names = {
        "dir\\CON.json": LINE,
        "../../x": LINE + " ",
        "C:\\y": LINE + "  ",
        "/z": LINE + "   ",
        "a\x1b[2J": LINE + "\n",
    }
    zipped(settings.landing / "a.zip", names)
    files = found(settings)
    assert sorted(name for name, file in files.items() if file.format) == ["a.zip!a%1B[2J", "a.zip!dir/CON.json"]
    assert sum("leads out of the zip" in file.reason for file in files.values()) == 3
    assert {file.landing_path for file in files.values()} == {"a.zip"}


def test_a_zip_that_expands_beyond_reason_is_set_aside_unread(settings: Settings) -> None:
    settings.landing.mkdir(parents=True)
    with zipfile.ZipFile(settings.landing / "bomb.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("a", b"\0" * 100_000_000)
    assert "limits.max_expansion" in found(settings)["bomb.zip"].reason


def test_an_encrypted_an_empty_and_a_doubled_member_are_told_apart(settings: Settings) -> None:
    settings.landing.mkdir(parents=True)
    (settings.landing / "empty.zip").write_bytes(b"PK\x05\x06" + b"\0" * 18)
    with zipfile.ZipFile(settings.landing / "twice.zip", "w") as archive, pytest.warns(UserWarning):
        archive.writestr("a", LINE)
        archive.writestr("a", LINE.replace("anna", "bert"))
    locked = bytearray((settings.landing / "twice.zip").read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for place in range(len(locked)):
            if locked[place : place + 4] == mark:
                locked[place + at] |= 1
    (settings.landing / "locked.zip").write_bytes(locked)
    files = found(settings)
    assert files["empty.zip"].reason == "the zip holds no file"
    assert (files["twice.zip!a"].format, "same name" in files["twice.zip!a#"].reason) == ("canonical", True)
    assert "encrypted" in files["locked.zip!a"].reason


def test_a_file_name_that_cannot_be_printed_is_escaped_and_still_found(settings: Settings) -> None:
    path = settings.landing / os.fsdecode(b"a\xff\nb.jsonl")
    path.parent.mkdir(parents=True)
    path.write_text(LINE)
    (file,) = found(settings).values()
    assert file.source_file == "a%FF%0Ab.jsonl"
    archive_files([file], settings)
    assert not path.exists()


def test_large_utf16_and_packed_files_are_not_cut(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earshot.importers.landing.PART_BYTES", 2_000)
    monkeypatch.setattr("earshot.importers.landing._CHUNK", 1_000)
    land(settings, "plain", LINE * 100)
    land(settings, "wide", (LINE * 100).encode("utf-16"))
    land(settings, "packed", gzip.compress(os.urandom(9_000)))
    files = found(settings)
    assert len(files["plain"].parts) > 2
    assert len(files["wide"].parts) == 1
