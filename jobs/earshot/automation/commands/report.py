"""`earshot report`, `earshot publish` and `earshot maintain`: single jobs under their everyday names."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from earshot.automation.commands.run import run
from earshot.automation.dates import parse_day
from earshot.automation.invocation import current
from earshot.core.errors import ArgumentError, InputError

Day = Annotated[str | None, typer.Option("--date", help="As of the end of this day; default the last day with plays.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("report")(report)
    app.command("publish")(publish)
    app.command("maintain")(maintain)


def report(
    day: Day = None,
    listener: Annotated[
        str | None, typer.Option(help="The year in review of one listener: identity or pseudonym.")
    ] = None,
    year: Annotated[
        int | None, typer.Option(min=1970, max=9998, help="With --listener: which year; default that of --date.")
    ] = None,
) -> None:
    """Write HOME/reports/report.html, one file that opens offline.

    With --listener: the year in review of one listener, by their own clock; with --json its plain data beside it.

    Raises:
        ArgumentError: A year was named, but no listener.
        InputError: There is no play yet, or none of this listener.
    """
    settings = current().settings
    if listener is None and year is not None:
        raise ArgumentError("--year is of a listener.", where="option --year", remedy="Name one with --listener.")
    as_of = _with_plays(parse_day(day, "--date")) if day else _last_day()
    if listener is None:
        from earshot.automation.report import write_report  # noqa: PLC0415 (keeps --help instant)

        page = write_report(settings, as_of)
        return current().emit(f"The report is in {page}", {"report": str(page), "date": as_of})
    _write_review(as_of, listener, year)
    return None


def _write_review(as_of: date, listener: str, year: int | None) -> None:
    from earshot.automation.report import review_listener  # noqa: PLC0415 (keeps --help instant)
    from earshot.formatters.report.year_page import write_page  # noqa: PLC0415 (keeps --help instant)

    review = review_listener(current().settings, as_of, listener, year)
    page, data = write_page(review, current().settings.home / "reports", with_data=current().as_json)
    told = {"report": str(page), "date": as_of, "data": str(data), "review": review.as_dict()}
    current().emit(f"The year in review is in {page}", told)


def publish(day: Day = None) -> None:
    """Publish results to the cache (Redis, or in the process where none is configured)."""
    run(["publish_cache"], str(parse_day(day, "--date") if day else _last_day()))


def maintain(day: Day = None) -> None:
    """Compact the tables and remove files that no recent version needs."""
    run(["maintain_tables"], str(parse_day(day, "--date") if day else _last_day()))


def _with_plays(day: date) -> date:
    if (first := min(_days())) > day:
        raise InputError(
            f"There is no play until the end of {day}.", where="option --date", remedy=f"Use {first} or a later day."
        )
    return day


def _last_day() -> date:
    return max(_days())


def _days() -> list[date]:
    activity = current().small_tables.arrow("gold.activity", columns=["activity_date"])
    days: list[date] = activity.column("activity_date").to_pylist()
    if not days:
        raise InputError("There is no play yet.", where="gold.activity", remedy="Run `earshot demo` or `earshot run`.")
    return days
