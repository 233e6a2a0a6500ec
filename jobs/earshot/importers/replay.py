"""Quarantined lines read again: what a rule or a parser refused then may pass now.

Order: silver.listens, ops.ledger, silver.listens again (published plays that are told better now), silver.quarantine.
Each step sees whether it was done before, so that a replay that was killed can be run again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from earshot.core import columns as c
from earshot.core.commits import DeltaLog
from earshot.core.job import Job
from earshot.core.small_tables import SmallTables
from earshot.importers.amendments import SILVER, amend_silver, amendment_of, superseded
from earshot.importers.bronze import LEDGER
from earshot.importers.dressing import DRESSED, open_wardrobe
from earshot.importers.events import play_of
from earshot.importers.formats import importer_named, known_importers
from earshot.importers.landing import limits_of
from earshot.importers.play_files import PlaysAtHand, passed, published_files
from earshot.importers.publication import QUARANTINE
from earshot.importers.reading import end_of_dated_folder
from earshot.importers.shape import PARSE_FAULTS, READABLE_LINE, TIME, Importer, Source, plays_of
from earshot.importers.silver_entry import told_once
from earshot.importers.tellings import Rule, told_twice
from earshot.security.encryption import BatchCipher, is_encrypted
from earshot.security.keys import load_keys
from earshot.security.vault import Vault

JUDGED, PASSED = "judged", "passed"
_TOKENS = (c.LISTENER_ID, c.DEVICE_TOKEN, c.NETWORK_TOKEN)
_SEPARATOR = "\x1f"

Line = Mapping[str, Any]
Key = tuple[str, str, int]


@dataclass(frozen=True)
class Replay:
    """What judges lines again, given from outside.

    Attributes:
        canonical: Plays as parsed to canonical listens.
        judge: Adds failed_rules and quarantine_rules.
        tellings: Says which tellings are of one play.
    """

    canonical: Callable[[pa.Table], pa.Table]
    judge: Callable[[pa.Table], pa.Table]
    tellings: Rule


def waiting(small: SmallTables, *, rule: str | None = None, since: datetime | None = None) -> list[dict[str, Any]]:
    """The lines of silver.quarantine that were not replayed yet, in the order of batch, file and line.

    Args:
        small: The lake.
        rule: Only those that failed this rule.
        since: Only those that were set aside at or after this time.
    """
    rows = small.rows(QUARANTINE, filters=pc.field(c.REPLAYED_AT).is_null())
    chosen = [row for row in rows if rule is None or rule in (row[c.FAILED_RULES] or ())]
    return sorted((row for row in chosen if since is None or row[c.QUARANTINED_AT] >= since), key=_key)


def replay_lines(job: Job, lines: Sequence[Line], replay: Replay, *, dry_run: bool = False) -> dict[str, int]:
    """Judge the lines again; those that pass leave the quarantine and enter silver, unless silver tells of them.

    Args:
        job: The run.
        lines: Rows of silver.quarantine, from `waiting`.
        replay: What judges them.
        dry_run: Change nothing; duplicates are not looked for.

    Returns:
        judged, passed, accepted, duplicate.
    """
    counts = {JUDGED: len(lines), PASSED: 0, c.ACCEPTED: 0, c.DUPLICATE: 0}
    if not lines:
        return counts
    small, now, root = SmallTables(job.settings.lake_root), job.clock(), job.settings.lake_root
    judged = replay.judge(replay.canonical(_dressed(job, lines, small)))
    good = judged.filter(passed(judged))
    counts[PASSED] = good.num_rows
    if dry_run or not good.num_rows:
        return counts
    entering = [(*_split(row[c.SOURCE_FILE]), row[c.SOURCE_LINE]) for row in good.select(_LINE).to_pylist()]
    days = set(good[c.LISTEN_DATE].to_pylist())
    around = {day + timedelta(days=n) for day in days for n in (-1, 0, 1)}
    twice = told_twice([PlaysAtHand(good), *published_files(root, around)], replay.tellings)
    is_new = pc.equal(twice[c.IS_NEW], 1)
    changed = twice.filter(pc.invert(is_new)).drop_columns([c.IS_NEW])
    _enter(job, told_once(good, twice.filter(is_new), passed(good)), days, now)
    keys = set(entering)
    accepted = _found_in_silver(root, keys, days)
    _correct_ledger(small, keys, accepted)
    _recount(small, root, changed)
    amend_silver(root, changed, app_id=amendment_of(f"replay:{job.run_id}"))
    _mark(root, keys, now)
    return counts | {c.ACCEPTED: len(accepted), c.DUPLICATE: len(keys) - len(accepted)}


_LINE = (c.SOURCE_FILE, c.SOURCE_LINE)


def _key(row: Line) -> Key:
    return row[c.BATCH_ID], row[c.SOURCE_FILE], row[c.SOURCE_LINE]


def _split(tagged: str) -> tuple[str, str]:
    batch_id, _, source_file = tagged.partition(_SEPARATOR)
    return batch_id, source_file


def _enter(job: Job, plays: pa.Table, days: Set[date], now: datetime) -> None:
    """Append plays to silver.listens; while they are judged, source_file carries the batch before it."""
    log = DeltaLog(job.settings.lake_root, SILVER)
    places = [_split(place) for place in plays[c.SOURCE_FILE].to_pylist()]
    known = {
        c.BATCH_ID: pa.array([batch for batch, _ in places], pa.string()),
        c.SOURCE_FILE: pa.array([file for _, file in places], pa.string()),
        c.INGESTED_AT: pa.array([now] * len(places), TIME),
    }
    rows = pa.table({name: known[name] if name in known else plays[name] for name in log.schema.names})
    name = f"replay:{job.run_id}"
    staged = log.stage(f"replay={job.run_id}").write(rows)
    log.add(
        staged, app_id=name, metadata={"replay": job.run_id, "touched_days": sorted(day.isoformat() for day in days)}
    )


def _dressed(job: Job, lines: Sequence[Line], small: SmallTables) -> pa.Table:
    """The lines as importers would yield them now."""
    ledger = {(row[c.BATCH_ID], row[c.SOURCE_FILE]): row for row in small.rows(LEDGER)}
    master_key, importers = load_keys(job.settings).master_key, known_importers()
    rows: list[dict[str, Any]] = []
    tokens: dict[str, list[str | None]] = {name: [] for name in _TOKENS}
    formats, files, arrivals = [], [], []
    for line in lines:
        told = ledger[line[c.BATCH_ID], line[c.SOURCE_FILE]]
        arrived_at = end_of_dated_folder(line[c.SOURCE_FILE], told[c.STARTED_AT])
        importer = importer_named(told[c.FORMAT], importers)
        event = _event(line, master_key)
        for name in _TOKENS:
            tokens[name].append(event.pop(name, None) if isinstance(event, dict) else None)
        rows.append(_play(event, line, importer, _source(job, arrived_at)) | {c.SOURCE_LINE: line[c.SOURCE_LINE]})
        formats.append(importer.source if importer else told[c.FORMAT])
        files.append(f"{line[c.BATCH_ID]}{_SEPARATOR}{line[c.SOURCE_FILE]}")
        arrivals.append(arrived_at)
    wardrobe = open_wardrobe(job.settings, small, "replay")
    batch, met = wardrobe.dress(plays_of(rows), source="", source_file="", arrived_at=job.clock())
    Vault(job.settings, small, job.clock).remember_sealed(met)
    columns = {name: batch.column(name) for name in DRESSED.names}
    columns |= {name: pc.coalesce(pa.array(given, pa.string()), columns[name]) for name, given in tokens.items()}
    if wardrobe.tombstones:
        gone = wardrobe.tombstones.mask(columns[c.LISTENER_ID])
        columns[c.FILTERED_REASON] = pc.if_else(gone, "erased listener", columns[c.FILTERED_REASON])
    columns |= {c.SOURCE: pa.array(formats), c.SOURCE_FILE: pa.array(files), c.ARRIVED_AT: pa.array(arrivals, TIME)}
    return pa.table([columns[name] for name in DRESSED.names], schema=DRESSED)


def _source(job: Job, arrived_at: datetime) -> Source:
    given = job.settings.ingest
    return Source(
        "",
        None,
        limits_of(job.settings),
        given.station_time_zone,
        given.export_listener,
        given.export_time_zone,
        arrived_at,
    )


def _event(line: Line, master_key: bytes) -> dict[str, Any] | str:
    """What the quarantine keeps of a line: the masked item, or the text that was none."""
    raw = line[c.RAW] or ""
    if is_encrypted(raw):
        return BatchCipher(master_key, line[c.BATCH_ID]).decrypt(raw)
    event: dict[str, Any] = json.loads(raw)
    return event


def _play(event: dict[str, Any] | str, line: Line, importer: Importer | None, source: Source) -> dict[str, Any]:
    """The play in a line; one whose parser had found no fault is kept under the names of silver."""
    if isinstance(event, dict) and (importer is None or c.DERIVED_TIME in event):
        event.pop(event.pop(c.DERIVED_TIME, None), None)
        event.pop(c.SOURCE, None)
        extra = event.pop(c.EXTRA, None)
        event = {**extra, **event} if isinstance(extra, dict) else event
        needed = c.PLAYED_MS in event or "played_ms_present" in line[c.FAILED_RULES]
        return play_of(event, source.limits, needs_played_ms=needed)
    if importer is None:
        return {PARSE_FAULTS: [READABLE_LINE]}
    return importer.again(event, source)


def _found_in_silver(root: str, keys: set[Key], days: set[date]) -> set[Key]:
    columns = [c.BATCH_ID, c.SOURCE_FILE, c.SOURCE_LINE]
    batches = pc.field(c.BATCH_ID).isin(sorted({batch for batch, *_ in keys}))
    chosen = batches & pc.field(c.LISTEN_DATE).isin(sorted(days))
    found: set[Key] = set()
    for rows in DeltaLog(root, SILVER).batches(filters=chosen, columns=columns):
        found |= {_key(row) for row in rows.to_pylist()} & keys
    return found


def _correct_ledger(small: SmallTables, keys: set[Key], accepted: set[Key]) -> None:
    """Move the lines from quarantined to accepted or duplicate, in files for which that was not done yet."""
    still = Counter((row[c.BATCH_ID], row[c.SOURCE_FILE]) for row in waiting(small))
    moved = Counter((batch, file) for batch, file, _ in keys)
    entered = Counter((batch, file) for batch, file, _ in accepted)
    for batch_id in sorted({batch for batch, _ in moved}):
        rows = small.rows(LEDGER, filters=[(c.BATCH_ID, "=", batch_id)])
        for row in rows:
            file = (batch_id, row[c.SOURCE_FILE])
            if moved[file] and row[c.QUARANTINED] == still[file]:
                row[c.QUARANTINED] -= moved[file]
                row[c.ACCEPTED] += entered[file]
                row[c.DUPLICATE] += moved[file] - entered[file]
        small.overwrite(LEDGER, rows, predicate=f"{c.BATCH_ID} = '{batch_id}'")


def _recount(small: SmallTables, root: str, changed: pa.Table) -> None:
    """What is left of files whose plays are about to leave silver; counted anew, so that it can be repeated."""
    leaving = {(batch_id, file): count for batch_id, file, count in superseded(changed)}
    if not leaving:
        return
    batches = sorted({batch_id for batch_id, _ in leaving})
    there: Counter[tuple[str, str]] = Counter()
    columns = [c.BATCH_ID, c.SOURCE_FILE]
    for rows in DeltaLog(root, SILVER).batches(filters=pc.field(c.BATCH_ID).isin(batches), columns=columns):
        there.update(zip(*(column.to_pylist() for column in rows.columns), strict=True))
    ledger = small.rows(LEDGER, filters=[(c.BATCH_ID, "in", batches)])
    for row in ledger:
        file = (row[c.BATCH_ID], row[c.SOURCE_FILE])
        if file in leaving:
            accepted = there[file] - leaving[file] + row[c.ERASED]
            row[c.DUPLICATE] += row[c.ACCEPTED] - accepted
            row[c.ACCEPTED] = accepted
    small.overwrite(LEDGER, ledger, predicate=f"{c.BATCH_ID} IN ({', '.join(repr(b) for b in batches)})")


def _mark(root: str, keys: set[Key], now: datetime) -> None:
    batch, file, line = zip(*sorted(keys), strict=True)
    schema = pa.schema([(c.BATCH_ID, pa.string()), (c.SOURCE_FILE, pa.string()), (c.SOURCE_LINE, pa.int64())])
    marks = pa.table([list(batch), list(file), list(line)], schema=schema)
    marks = marks.append_column(c.REPLAYED_AT, pa.array([now] * len(marks), TIME))
    DeltaLog(root, QUARANTINE).update_from(marks, on=schema.names, columns=[c.REPLAYED_AT])
