"""Dates as the command line takes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from earshot.core.errors import ArgumentError


def parse_day(text: str | None, option: str) -> date:
    """A day from `YYYY-MM-DD`, `today` or `yesterday`; today (UTC) where nothing is said.

    Raises:
        ArgumentError: The text is none of these.
    """
    today = datetime.now(UTC).date()
    named = {None: today, "today": today, "yesterday": today - timedelta(days=1)}
    if text in named:
        return named[text]
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise ArgumentError(
            f"{text!r} is no date.", where=f"option {option}", remedy="Write it as YYYY-MM-DD, for example 2026-03-29."
        ) from None


def parse_interval(text: str) -> timedelta:
    """An interval such as 30s, 5m or 1h.

    Raises:
        ArgumentError: The text is no positive interval.
    """
    units = {"s": "seconds", "m": "minutes", "h": "hours"}
    number, unit = text[:-1], text[-1:]
    if unit in units and number.isdigit() and int(number) > 0:
        return timedelta(**{units[unit]: int(number)})
    raise ArgumentError(f"{text!r} is no interval.", where="option --every", remedy="Write 30s, 5m or 1h.")


def days_between(first: date, last: date) -> list[date]:
    """Every day from the first to the last, both included.

    Raises:
        ArgumentError: The last comes before the first.
    """
    if last < first:
        raise ArgumentError(
            f"{last} comes before {first}.", where="options --from and --to", remedy="Give the earlier day to --from."
        )
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
