"""`earshot demo`: the whole road in one command."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earshot.automation.invocation import current
from earshot.core.text import one_line

if TYPE_CHECKING:
    from earshot.automation.demo import DemoOutcome
    from earshot.automation.runner import RunResult


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    sources: Annotated[
        list[Path] | None, typer.Option("--from", help="Your own export instead of simulated logs.")
    ] = None,
    more: Annotated[list[Path] | None, typer.Argument(help="More files of yours.", metavar="[PATH...]")] = None,
) -> None:
    """Simulate two weeks (or take your own export), run everything, deliver an alert, write the report.

    Raises:
        Exit: With the code of the first job that did not end 0.
    """
    began = time.monotonic()
    call = current()
    settings = call.settings
    from earshot.automation.demo import run_demo  # noqa: PLC0415 (keeps --help instant)
    from earshot.automation.summaries import run_table  # noqa: PLC0415

    def show(day: date, results: list[RunResult]) -> None:
        if not call.as_json:
            call.emit(run_table(results, f"{day}"), {})

    paths = [*(sources or []), *(more or [])]
    outcome = run_demo(settings.home, paths, env=call.env or "demo", as_json=call.as_json, on_day=show)
    seconds = time.monotonic() - began
    call.emit(_words(outcome, seconds), _object(outcome, seconds))
    raise typer.Exit(outcome.exit_code)


def _words(outcome: DemoOutcome, seconds: float) -> str:
    home = outcome.home
    alerts = [alert for message in outcome.delivered for alert in message.get("alerts", [message])]
    lines = [
        "",
        f"Done in {seconds:.0f} s.  Days run: {', '.join(map(str, outcome.days))}.",
        f"  tables    {home}/lake            read them with delta-rs, Spark or DuckDB",
        f"  report    {home}/reports/report.html",
        f"  models    mlflow ui --backend-store-uri sqlite:///{home}/mlflow.db",
        f"  alerts    {len(alerts)} arrived at a webhook on loopback, kept in {home}/received.jsonl",
    ]
    lines += [f"            {one_line(alert['summary'])}" for alert in alerts if "summary" in alert][:5]
    lines.append(
        "  next      earshot alerts list · earshot evaluate anomalies · earshot quarantine list · earshot --help"
    )
    return "\n".join(lines)


def _object(outcome: DemoOutcome, seconds: float) -> dict[str, object]:
    return {
        "run_id": outcome.results[0].run_id if outcome.results else None,
        "status": "done" if outcome.exit_code == 0 else "failed",
        "exit_code": outcome.exit_code,
        "seconds": round(seconds, 1),
        "days": [day.isoformat() for day in outcome.days],
        "jobs": [result.as_dict() for result in outcome.results],
        "delivered": len(outcome.delivered),
    }
