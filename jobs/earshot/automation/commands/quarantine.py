"""`earshot quarantine list|show|export` and `earshot replay`: lines that were set aside, and their way back."""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from earshot.automation.invocation import current
from earshot.core.errors import ArgumentError
from earshot.core.explanations import nearest
from earshot.core.text import guarded, one_line

TABLE = "silver.quarantine"
_JOB = "replay_quarantine"
_SHOWN = 20
_CUT = 400
_COLUMNS = ("batch_id", "source_file", "source_line", "failed_rules", "cause", "quarantined_at", "replayed_at", "raw")
_REMEDY = "Mend a line at its source and land the file again, or change the rule and `earshot replay --rule R`."

Rule = Annotated[str | None, typer.Option("--rule", help="Only lines that failed this rule.")]
Since = Annotated[str | None, typer.Option("--since", help="Only lines set aside since this day (YYYY-MM-DD).")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    quarantine = typer.Typer(help="Work with lines that the gate set aside.")
    quarantine.command("list")(list_rules)
    quarantine.command("show")(show)
    quarantine.command("export")(export)
    app.add_typer(quarantine, name="quarantine")
    app.command("replay")(replay)


def list_rules(since: Since = None) -> None:
    """Count the lines by rule and by file."""
    from rich.table import Table  # noqa: PLC0415 (keeps --help instant)

    rows = _rows(None, since)
    by_rule = Counter(rule for row in rows for rule in row["failed_rules"] or ())
    by_file = Counter(row["source_file"] for row in rows)
    table = Table("rule", "lines", "first example", box=None)
    for rule, count in by_rule.most_common():
        first = next(row for row in rows if rule in row["failed_rules"])
        table.add_row(rule, f"{count:,}", f"{first['source_file']}:{first['source_line']}")
    machine = {"lines": len(rows), "rules": dict(by_rule), "files": dict(by_file)}
    current().emit(table if rows else "No line is in the quarantine.", machine)


def show(
    file: Annotated[str | None, typer.Argument(help="FILE or FILE:LINE; all files without it.")] = None,
    rule: Rule = None,
    since: Since = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many lines to show.")] = _SHOWN,
) -> None:
    """Show lines with the rules that they failed; identities are masked, unreadable lines encrypted."""
    from rich.text import Text  # noqa: PLC0415 (keeps --help instant; payloads are no markup)

    rows = [row for row in _rows(rule, since) if file is None or file in _names(row)]
    if not rows and file is not None:
        raise ArgumentError(
            f"No quarantined line is {file}.", where=TABLE, remedy="`earshot quarantine list` names the files."
        )
    lines = [_spoken(row) for row in rows[:limit]]
    more = [f"and {len(rows) - limit:,} more"] if len(rows) > limit else []
    text = "\n".join([*lines, *more, _REMEDY]) if rows else "No line is in the quarantine."
    current().emit(Text(text), {"lines": len(rows), "shown": [_plain(row) for row in rows[:limit]]})


def export(
    out: Annotated[Path, typer.Argument(help="Where to write: .csv or .jsonl.")],
    rule: Rule = None,
    since: Since = None,
) -> None:
    """Write the lines to a CSV (formulas defused) or JSON-lines file, as they are kept."""
    rows = [_plain(row) for row in _rows(rule, since)]
    if out.suffix not in {".csv", ".jsonl"}:
        raise ArgumentError(f"{out.name} is neither .csv nor .jsonl.", where="OUT", remedy="Choose one of the two.")
    try:
        with out.open("w", encoding="utf-8", newline="") as stream:
            if out.suffix == ".csv":
                writer = csv.writer(stream)
                writer.writerow(_COLUMNS)
                writer.writerows([_defused(row[name]) for name in _COLUMNS] for row in rows)
            else:
                stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    except OSError as error:
        raise ArgumentError(
            f"{out} cannot be written: {error.strerror}.", where="OUT", remedy="Name a file in a folder that is there."
        ) from None
    current().emit(f"{len(rows):,} lines written to {out}", {"lines": len(rows), "file": str(out)})


def replay(
    rule: Rule = None,
    since: Since = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many lines would pass.")] = False,
) -> None:
    """Judge quarantined lines again, after a rule or a parser changed; those that pass enter silver once.

    Raises:
        ArgumentError: There is no such rule, or HOME is not there.
        Exit: With the exit code of the run.
    """
    from earshot.automation.runner import exit_code, run_jobs  # noqa: PLC0415 (keeps --help instant)
    from earshot.automation.summaries import run_object, run_table  # noqa: PLC0415

    _rows(rule, since)
    call = current()
    given = {"rule": rule, "since": since, "dry_run": "true" if dry_run else None}
    arguments = {key: value for key, value in given.items() if value}
    results = run_jobs([_JOB], datetime.now(UTC).date(), call.settings, arguments=arguments, as_json=call.as_json)
    title = "replay (dry run)" if dry_run else "replay"
    call.emit(run_table(results, title), run_object(results))
    raise typer.Exit(exit_code(results))


def _rows(rule: str | None, since: str | None) -> list[dict[str, Any]]:
    """The lines that wait, of a rule that is or was one: a misspelt name is not an empty quarantine."""
    from earshot.importers.replay import waiting  # noqa: PLC0415 (keeps --help instant)

    small = current().small_tables
    rows = waiting(small, rule=rule, since=_day(since))
    if rule is not None and not rows and not waiting(small, rule=rule):
        _check_rule(rule)
    return rows


def _check_rule(rule: str) -> None:
    """Refuse a rule that is in no suite of the gate."""
    from earshot.validators.suites import load_gate_suite  # noqa: PLC0415 (keeps --help instant)

    known = sorted(expectation.rule for expectation in load_gate_suite().expectations)
    if rule not in known:
        raise ArgumentError(
            f"There is no rule {one_line(rule, _CUT)}, and no line in the quarantine failed it.",
            where="option --rule",
            remedy=f"Use {nearest(rule, known)}, or another that `earshot quarantine list` shows.",
        )


def _day(since: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(since).replace(tzinfo=UTC) if since else None
    except ValueError:
        raise ArgumentError(
            f"{since} is no day.", where="option --since", remedy="Write it as YYYY-MM-DD, such as 2026-03-29."
        ) from None


def _names(row: dict[str, Any]) -> tuple[str, str]:
    return row["source_file"], f"{row['source_file']}:{row['source_line']}"


def _spoken(row: dict[str, Any]) -> str:
    cause = f"\n    {one_line(row['cause'], _CUT)}" if row.get("cause") else ""
    return f"{_names(row)[1]}  {', '.join(row['failed_rules'])}{cause}\n    {one_line(row['raw'] or '', _CUT)}"


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    kept = {name: row.get(name) for name in _COLUMNS}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in kept.items()}


def _defused(value: Any) -> Any:
    text = ";".join(value) if isinstance(value, list) else value
    return guarded(text) if isinstance(text, str) else text
