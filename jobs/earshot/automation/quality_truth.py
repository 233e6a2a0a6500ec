"""What the gate did with every line, against truth/lines.parquet: for `earshot evaluate quality`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from earshot.core.errors import ArgumentError
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables

Place = tuple[str, int]
Lines = dict[Place, tuple[str, str | None]]
_COUNTS = ("read", "accepted", "duplicate", "quarantined", "filtered")
_MOST_PROBLEMS = 10


def compare_with_truth(settings: Settings) -> dict[str, Any]:
    """Compare quarantine, ledger and silver with the simulator's truth.

    Only lines of files that ops.ledger calls committed are compared.

    Returns:
        `by_rule` (faulty lines, how many were quarantined, and under the right rule), `by_file` (lines by
        fate, where ledger and truth differ), `problems` (the first lines that went wrong), and figures:
        `recall` (faulty lines quarantined under the right rule), `precision` (quarantined lines that are
        faulty), `duplicate_recall` and `duplicate_precision`, `balanced` (read = sum of fates in every file).

    Raises:
        ArgumentError: HOME has no truth/lines.parquet, or nothing was published.
    """
    truth = settings.home / "truth"
    if not (truth / "lines.parquet").is_file():
        raise ArgumentError(
            "There is no truth to compare with.",
            where=str(truth / "lines.parquet"),
            remedy="Simulate logs with `earshot generate`, which writes it, and run the pipeline on them.",
        )
    small_tables = SmallTables(settings.lake_root)
    ledger = [row for row in small_tables.rows("ops.ledger") if row["status"] == "committed"]
    if not ledger:
        raise ArgumentError("Nothing was published yet.", where="ops.ledger", remedy="Run `earshot run` first.")
    lines = _lines(truth / "lines.parquet", {row["source_file"] for row in ledger})
    quarantine = {
        (row["source_file"], row["source_line"]): list(row["failed_rules"] or ())
        for row in small_tables.arrow(
            "silver.quarantine", columns=["source_file", "source_line", "failed_rules"]
        ).to_pylist()
    }
    judged = _judge_quarantine(lines, quarantine)
    return {
        "lines": len(lines),
        "files": len(ledger),
        "balanced": all(row["read"] == sum(row[count] or 0 for count in _COUNTS[1:]) for row in ledger),
        **judged,
        **_judge_duplicates(truth / "duplicates.parquet", lines, set(quarantine), small_tables),
        "by_file": _files_that_differ(lines, ledger),
        "kpis": _latest_kpis(small_tables),
    }


def _lines(path: Path, files: set[str]) -> Lines:
    """What should happen to each line, and the rule that it should fail."""
    table = pq.read_table(path, columns=["source_file", "source_line", "rule", "expected"])
    columns = [table.column(name).to_pylist() for name in ("source_file", "source_line", "expected", "rule")]
    return {(file, line): (fate, rule) for file, line, fate, rule in zip(*columns, strict=True) if file in files}


def _judge_quarantine(lines: Lines, quarantine: dict[Place, list[str]]) -> dict[str, Any]:
    by_rule: dict[str, dict[str, Any]] = {}
    problems: list[dict[str, Any]] = []
    right = 0
    for place, (fate, rule) in lines.items():
        if fate != "quarantined":
            continue
        counts = by_rule.setdefault(rule or "", {"rule": rule, "lines": 0, "quarantined": 0, "under_the_rule": 0})
        counts["lines"] += 1
        counts["quarantined"] += place in quarantine
        is_right = rule in quarantine.get(place, ())
        counts["under_the_rule"] += is_right
        right += is_right
        if not is_right:
            told = f"failed {', '.join(quarantine[place])}" if place in quarantine else "was not quarantined"
            problems.append({"line": _spoken(place), "expected": f"quarantined by {rule}", "found": told})
    wrongly = [place for place in quarantine if place in lines and lines[place][0] != "quarantined"]
    for place in wrongly:
        found = f"quarantined by {', '.join(quarantine[place])}"
        problems.append({"line": _spoken(place), "expected": lines[place][0], "found": found})
    faulty = sum(counts["lines"] for counts in by_rule.values())
    set_aside = sum(place in lines for place in quarantine)
    return {
        "faulty_lines": faulty,
        "quarantined": set_aside,
        "recall": right / faulty if faulty else 1.0,
        "precision": 1 - len(wrongly) / set_aside if set_aside else 1.0,
        "by_rule": sorted(by_rule.values(), key=lambda counts: str(counts["rule"])),
        "problems": problems[:_MOST_PROBLEMS],
    }


def _judge_duplicates(path: Path, lines: Lines, quarantine: set[Place], small_tables: SmallTables) -> dict[str, Any]:
    """A duplicate is found when one line of the plays that are the same is in silver, whichever it is."""
    if not path.is_file():
        return {}
    silver = small_tables.arrow("silver.listens", columns=["source_file", "source_line"])
    kept = set(_places(silver))
    pairs = pq.read_table(path, columns=["source_file", "source_line", "of_file", "of_line"])
    groups = _groups(
        (a, b)
        for a, b in zip(
            _places(pairs.select(["source_file", "source_line"])),
            _places(pairs.select(["of_file", "of_line"])),
            strict=True,
        )
        if a in lines and b in lines
    )
    doubles = sum(len(group) - 1 for group in groups)
    surplus = sum(max(0, len(kept & group) - 1) for group in groups)
    grouped = set().union(*groups) if groups else set()
    seen = kept | quarantine
    dropped = [place for place, (fate, _) in lines.items() if fate in {"accepted", "duplicate"} and place not in seen]
    rightly = sum(max(0, len(group - kept) - (0 if kept & group else 1)) for group in groups)
    lost = [place for place in dropped if place not in grouped]
    return {
        "duplicates": doubles,
        "duplicate_recall": 1 - surplus / doubles if doubles else 1.0,
        "duplicate_precision": rightly / len(dropped) if dropped else 1.0,
        "lost": [{"line": _spoken(place)} for place in lost[:_MOST_PROBLEMS]],
    }


def _places(table: pa.Table) -> list[Place]:
    files, lines = (column.to_pylist() for column in table.columns)
    return list(zip(files, lines, strict=True))


def _groups(pairs: Iterable[tuple[Place, Place]]) -> list[set[Place]]:
    """Lines that are the same play, over any number of pairs."""
    group_of: dict[Place, set[Place]] = {}
    for a, b in pairs:
        merged = group_of.get(a, {a}) | group_of.get(b, {b})
        group_of.update(dict.fromkeys(merged, merged))
    return list({id(group): group for group in group_of.values()}.values())


def _files_that_differ(lines: Lines, ledger: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Files whose ledger row differs from truth: in read, quarantined, filtered, or accepted and duplicate together.

    Which of two equal plays is the duplicate depends on the order in which files arrive.
    """
    wanted: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(_COUNTS, 0))
    for (file, _), (fate, _rule) in lines.items():
        wanted[file]["read"] += 1
        wanted[file][fate] += 1
    different = []
    for row in ledger:
        truth = wanted[row["source_file"]]
        same = all(truth[count] == (row[count] or 0) for count in ("read", "quarantined", "filtered"))
        kept = truth["accepted"] + truth["duplicate"] == (row["accepted"] or 0) + (row["duplicate"] or 0)
        if not (same and kept):
            shown = {count: f"{row[count]} (truth {truth[count]})" for count in _COUNTS}
            different.append({"source_file": row["source_file"], **shown})
    return different[:_MOST_PROBLEMS]


def _latest_kpis(small_tables: SmallTables) -> list[dict[str, Any]]:
    latest: dict[str, dict[str, Any]] = {}
    for row in sorted(small_tables.rows("gold.quality_kpis"), key=lambda row: row["measured_at"]):
        latest[row["kpi"]] = {name: row[name] for name in ("kpi", "value", "target", "met")}
    return [latest[kpi] for kpi in sorted(latest)]


def _spoken(place: Place) -> str:
    return f"{place[0]}:{place[1]}"
