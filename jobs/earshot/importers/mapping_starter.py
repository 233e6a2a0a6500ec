"""A mapping to start from, written from what a file holds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from earshot.core import columns as c
from earshot.core.errors import InputError
from earshot.importers.delimited import delimiter_of, header_of, records
from earshot.importers.detection import detect, sample_of
from earshot.importers.drafts import number_of
from earshot.importers.formats import known_importers
from earshot.importers.mapped import flat
from earshot.importers.objects import STRICT
from earshot.importers.parquet_rows import parquet_rows
from earshot.importers.shape import DEVICE_ID, FLAGS, IP, LISTENER, NUMBERS, TIMES, Sample, Source
from earshot.importers.streams import DAMAGED

Kind = Literal["csv", "jsonl", "json", "parquet"]
Record = Mapping[str, Any]

_ROWS = 50
_SYNONYMS = {
    LISTENER: "listener user userid username user_name user_id who account accountid customer member listener_id",
    c.STARTED_AT: "startedat started_at started start starttime start_time playedat played_at playedon when time "
    "timestamp ts date datetime date_time listened_at listenedat eventtime",
    c.ENDED_AT: "endedat ended_at ended end endtime end_time stoppedat stopped finished",
    c.PLAYED_MS: "playedms played_ms msplayed ms_played playtime listened played secs seconds playduration listenedms "
    "playedseconds secondsplayed",
    c.DURATION_MS: "durationms duration_ms duration length tracklength tracktime songlength trackduration",
    c.TRACK_TITLE: "track title song name tracktitle trackname track_name songname songtitle what recording",
    c.ARTIST_NAME: "artist artistname artist_name artists by performer band interpret",
    c.ALBUM_TITLE: "album albumtitle albumname album_name release releasename",
    c.TRACK_ID: "trackid track_id songid song_id uri trackuri spotifytrackuri",
    c.ARTIST_ID: "artistid artist_id",
    c.ISRC: "isrc",
    c.RECORDING_MBID: "recordingmbid recording_mbid mbid trackmbid track_mbid",
    c.COUNTRY: "country countrycode country_code conncountry",
    c.DEVICE: "device devicetype client",
    c.PLATFORM: "platform os operatingsystem",
    c.APP_VERSION: "appversion app_version version",
    c.TIER: "tier plan subscription level",
    c.SKIPPED: "skipped skip wasskipped",
    c.SHUFFLE: "shuffle",
    c.OFFLINE: "offline",
    IP: "ip ipaddress ip_address ipaddr",
    DEVICE_ID: "deviceid device_id",
}
_TARGET_OF = {name: target for target, names in _SYNONYMS.items() for name in names.split()}
_FORMATS = (
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %I:%M %p",
    "%d %b %Y %H:%M",
    "%d %b %Y, %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
)
_MS_FROM, _US_FROM = 1e11, 1e14
_SECONDS_UP_TO = 3_600


@dataclass(frozen=True)
class Starter:
    """A mapping to start from.

    Attributes:
        text: TOML.
        kind: What kind of file it reads.
        mapped: Column of the event to column of the file.
        missing: What an event needs and nothing was found for.
        unmapped: Columns that stay in `extra`.
    """

    text: str
    kind: Kind
    mapped: Mapping[str, str]
    missing: Sequence[str]
    unmapped: Sequence[str]


def known_format(source: Source) -> str:
    """The format that already reads the file; empty where none does."""
    return detect(source, known_importers()).format


def start_mapping(source: Source, name: str) -> Starter:
    """Write a mapping from the first rows of a file.

    Raises:
        InputError: It holds no rows with named columns.
    """
    try:
        sample = sample_of(source)
        kind, records_ = _rows(sample, source)
    except DAMAGED as error:
        raise _refusal(source, f"it cannot be read: {error or type(error).__name__}") from None
    columns = list(dict.fromkeys(key for record in records_ for key in record))
    if not columns or not records_:
        raise _refusal(source, "it holds no rows with named columns")
    mapped: dict[str, str] = {}
    for column in columns:
        target = _TARGET_OF.get(re.sub(r"[^a-z0-9_]", "", column.rpartition(".")[2].lower()))
        if target and target not in mapped:
            mapped[target] = column
    lines = [_line(target, column, [record.get(column) for record in records_]) for target, column in mapped.items()]
    missing = _missing(mapped)
    unmapped = [column for column in columns if column not in mapped.values()]
    text = _text(name, kind, list(mapped.values()) or columns[:1], lines, missing, unmapped)
    return Starter(text, kind, mapped, missing, unmapped)


def _rows(sample: Sample, source: Source) -> tuple[Kind, list[Record]]:
    if sample.columns:
        rows = parquet_rows(source)
        return "parquet", [flat(record) for _, (_, record) in zip(range(_ROWS), rows, strict=False)]
    begin = sample.text.lstrip()[:1]
    if begin == "{":
        return "jsonl", [flat(item) for item in sample.objects]
    if begin == "[":
        return "json", [flat(item) for item in _elements(sample.text)]
    header = header_of(sample)
    numbered = ((n, line.rstrip("\r").encode()) for n, line in enumerate(sample.lines[1:], 2))
    rows_ = records(numbered, delimiter_of(sample.lines[0]) if sample.lines else ",", source.limits, len(header))
    found: list[Record] = [dict(zip(header, fields, strict=True)) for _, fields, _ in rows_ if isinstance(fields, list)]
    return "csv", found if len(header) > 1 else []


def _elements(text: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    at = text.find("{")
    while at >= 0 and len(found) < _ROWS:
        try:
            value, end = STRICT.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        found.append(value)
        at = text.find("{", end)
    return found


def _missing(mapped: Mapping[str, str]) -> list[str]:
    missing = [] if set(TIMES) & set(mapped) else [c.STARTED_AT]
    if c.TRACK_ID not in mapped:
        missing += [name for name in (c.TRACK_TITLE, c.ARTIST_NAME) if name not in mapped]
    return missing


def _line(target: str, column: str, values: Sequence[Any]) -> str:
    filled = [value for value in values if value is not None and value != ""]
    more = ""
    if target in TIMES:
        more = _time_options(filled)
    elif target in NUMBERS and filled:
        numbers = [number for value in filled if (number := number_of(value)) is not None]
        if not numbers and all(isinstance(value, str) and ":" in value for value in filled):
            return f"{target} = {{ expression = {_quoted(f'milliseconds(col({json.dumps(column)}))')} }}"
        if numbers and max(numbers) <= _SECONDS_UP_TO and target in {c.PLAYED_MS, c.DURATION_MS}:
            more = ', unit = "s"'
    elif (
        target in FLAGS and filled and not {str(v).lower() for v in filled} <= {"true", "false", "1", "0", "yes", "no"}
    ):
        more = ', true = ["yes"], false = ["no"]'
    return f"{target} = {{ column = {_quoted(column)}{more} }}" if more else f"{target} = {_quoted(column)}"


def _time_options(values: Sequence[Any]) -> str:
    if not values or isinstance(values[0], datetime):
        return ', zone = "UTC"' if values and not values[0].tzinfo else ""
    numbers = [number_of(value) for value in values]
    if all(number is not None for number in numbers):
        largest = max(abs(number) for number in numbers if number is not None)
        return f', unit = "{"us" if largest >= _US_FROM else "ms" if largest >= _MS_FROM else "s"}"'
    texts = [str(value).strip() for value in values]
    if all(_iso(text) is not None for text in texts):
        return "" if all(moment.tzinfo for text in texts if (moment := _iso(text))) else ', zone = "UTC"'
    for fmt in _FORMATS:
        if all(_matches(text, fmt) for text in texts):
            return f', format = "{fmt}", zone = "UTC"'
    return ', format = "%Y-%m-%d %H:%M", zone = "UTC"'


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _matches(text: str, fmt: str) -> bool:
    try:
        datetime.strptime(text, fmt)
    except ValueError:
        return False
    return True


def _text(
    name: str, kind: Kind, needs: Sequence[str], lines: Sequence[str], missing: Sequence[str], unmapped: Sequence[str]
) -> str:
    to_do = [
        f"# {target} = ... is needed: a column, {{ constant = ... }} or {{ expression = ... }}" for target in missing
    ]
    if not any(line.startswith(f"{LISTENER} ") for line in lines):
        to_do.append("# listener: no column was found; plays are those of the setting ingest.export_listener")
    rest = [f"# not mapped, kept in extra: {', '.join(map(_quoted, unmapped))}"] if unmapped else []
    return "\n".join(
        [
            f"# How files like {name} become plays. Zones and units are guesses: check them.",
            "# A value is a column, { constant = ... } or { expression = ... };",
            "# times take format, zone or unit (s, ms, us).",
            "",
            f"kind = {_quoted(kind)}",
            "# A file is read by this mapping if it has all of these columns.",
            f"needs = [{', '.join(map(_quoted, needs))}]",
            "",
            "[columns]",
            *lines,
            *to_do,
            *rest,
            "",
        ]
    )


def _quoted(text: str) -> str:
    """A basic string of TOML; JSON's escapes are among TOML's."""
    return json.dumps(text, ensure_ascii=True)


def _refusal(source: Source, why: str) -> InputError:
    return InputError(
        f"No mapping can be started: {why}.",
        where=source.path,
        remedy="Give a CSV with a header, JSON objects (one a line, or an array) or Parquet; UTF-8, unpacked.",
    )
