"""How a run is shown when it ends: a table for a person, one object for a machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from earshot.automation.runner import RunResult, exit_code

_STYLE = {"done": "green", "skipped": "yellow", "refused": "bold red", "failed": "bold red"}


def run_table(results: Sequence[RunResult], title: str) -> RenderableType:
    """The jobs with status, seconds, rows and facts; below it what went wrong."""
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for heading, side in (("job", "left"), ("status", "left"), ("s", "right"), ("rows in", "right")):
        table.add_column(heading, justify=side)  # type: ignore[arg-type]
    table.add_column("rows out", justify="right")
    table.add_column("told", overflow="fold")
    for result in results:
        table.add_row(
            result.job,
            Text(result.status, style=_STYLE[result.status]),
            f"{result.seconds:.1f}",
            f"{result.summary.rows_in:,}",
            f"{result.summary.rows_out:,}",
            _told(result),
        )
    errors = [Text(f"{r.job}: {r.error}", style="red") for r in results if r.status in {"failed", "refused"}]
    return Group(table, *errors)


def run_object(results: Sequence[RunResult]) -> dict[str, Any]:
    """The contract's object: run_id, status, exit_code, jobs."""
    code = exit_code(results)
    statuses = {result.status for result in results}
    worst = next((s for s in ("failed", "refused") if s in statuses), "done")
    return {
        "run_id": results[0].run_id if results else None,
        "status": worst if code else "done",
        "exit_code": code,
        "jobs": [result.as_dict() for result in results],
    }


def _told(result: RunResult) -> str:
    if result.status == "skipped":
        return result.error
    return ", ".join(f"{label.replace('_', ' ')} {_short(value)}" for label, value in result.summary.facts.items())


def _short(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
