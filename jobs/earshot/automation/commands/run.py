"""`earshot run` and `earshot backfill`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from earshot.automation.dates import days_between, parse_day, parse_interval
from earshot.automation.invocation import current
from earshot.automation.pipeline import JOBS, PIPELINE
from earshot.core.errors import ArgumentError
from earshot.core.explanations import nearest

if TYPE_CHECKING:
    from earshot.automation.runner import RunResult

_ALL = tuple(spec.name for spec in PIPELINE)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("run")(run)
    app.command("backfill")(backfill)


def run(
    jobs: Annotated[
        list[str] | None, typer.Argument(help="Jobs to run; all of the pipeline, in order, if none.")
    ] = None,
    day: Annotated[str | None, typer.Option("--date", help="Logical date, YYYY-MM-DD; default today, UTC.")] = None,
    every: Annotated[str | None, typer.Option(help="Run again and again: 30s, 5m, 1h.")] = None,
    notify: Annotated[bool, typer.Option(help="Deliver alerts of old windows too.")] = False,
    option: Annotated[list[str] | None, typer.Option("--option", help="KEY=VALUE for the job.")] = None,
) -> None:
    """Run jobs for one logical date; with --every, until SIGINT or SIGTERM, which let the job under way end.

    Raises:
        Exit: With 1, 2 or 3 where a job did not end 0; with 0 where a repeated run was asked to stop.
    """
    names = _checked(jobs or list(_ALL))
    arguments = _arguments(option or [], names) | ({"notify": "true"} if notify else {})
    interval = None if every is None else parse_interval(every)
    parse_day(day, "--date")
    if interval is None:
        raise typer.Exit(_once(names, parse_day(day, "--date"), arguments))
    from earshot.automation.repeating import repeat, stopped_by_signals  # noqa: PLC0415 (keeps --help instant)

    with stopped_by_signals() as stop:
        rounds = repeat(lambda: _once(names, parse_day(day, "--date"), arguments, stop.listen), interval, stop)
    Console(stderr=True).print(f"Stopped, as asked, after {rounds} runs.")


def backfill(
    first: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD.")],
    last: Annotated[str, typer.Option("--to", help="Last day, YYYY-MM-DD.")],
    jobs: Annotated[list[str] | None, typer.Argument(help="Jobs of each day; all if none.")] = None,
) -> None:
    """Run the jobs for each day in order; a second call resumes where the first stopped.

    Raises:
        Exit: With 1, 2 or 3 where a job did not end 0.
    """
    days = days_between(parse_day(first, "--from"), parse_day(last, "--to"))
    names = _checked(jobs or list(_ALL))
    from earshot.automation.backfill import run_backfill  # noqa: PLC0415 (keeps --help instant)
    from earshot.automation.runner import exit_code  # noqa: PLC0415
    from earshot.automation.summaries import run_object, run_table  # noqa: PLC0415

    def show(day: date, results: list[RunResult]) -> None:
        if not current().as_json:
            current().emit(run_table(results, f"{day}"), {})

    results = run_backfill(days, names, current().settings, as_json=current().as_json, on_day=show)
    if current().as_json:
        current().emit("", run_object(results))
    elif not results:
        current().emit("Every day of this backfill was done before.", {})
    raise typer.Exit(exit_code(results))


def _once(names: list[str], day: date, arguments: dict[str, str], stop: Callable[[], bool] = lambda: False) -> int:
    settings, as_json = current().settings, current().as_json
    from earshot.automation.runner import exit_code, run_jobs  # noqa: PLC0415 (keeps --help instant)
    from earshot.automation.summaries import run_object, run_table  # noqa: PLC0415

    results = run_jobs(names, day, settings, arguments=arguments, as_json=as_json, stop=stop)
    title = f"{day}, run {results[0].run_id}" if results else f"{day}: stopped before the first job"
    current().emit(run_table(results, title), run_object(results))
    return exit_code(results)


def _checked(names: list[str]) -> list[str]:
    for name in names:
        if name not in JOBS:
            known = ", ".join(JOBS)
            raise ArgumentError(f"There is no job {name}.", where="command line", remedy=f"Use one of: {known}.")
    return names


def _arguments(options: list[str], jobs: list[str]) -> dict[str, str]:
    """What the options tell; one that none of the jobs knows would change nothing, and is refused."""
    known = [name for job in jobs for name in JOBS[job].options]
    pairs = [option.partition("=") for option in options]
    for name, equals, _ in pairs:
        if not equals or not name:
            raise ArgumentError(f"{name!r} has no value.", where="option --option", remedy="Write --option KEY=VALUE.")
        if name not in known:
            raise ArgumentError(
                f"{', '.join(jobs)} has no option {name!r}." if len(jobs) == 1 else f"No job has an option {name!r}.",
                where="option --option",
                remedy=f"Use {nearest(name, known)}; known: {', '.join(known)}." if known else "Leave it out.",
            )
    return {name: value for name, _, value in pairs}
