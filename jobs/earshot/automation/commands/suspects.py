"""`earshot suspects`: list, confirm, clear."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

import typer

from earshot.automation.actor import actor
from earshot.automation.invocation import current
from earshot.core.errors import ArgumentError, InputError

Listener = Annotated[str, typer.Argument(help="Pseudonym, or its first digits.")]
Track = Annotated[str | None, typer.Option("--track", help="Only this track; default all.")]
Day = Annotated[str | None, typer.Option("--day", help="Only this UTC day, YYYY-MM-DD; default every day.")]
Reason = Annotated[str, typer.Option("--reason", help="Why.")]
_LISTED = 5


def register(app: typer.Typer) -> None:
    """Add the commands."""
    suspects = typer.Typer(help="Streams that look manipulated, and what people say of them.")
    suspects.command("list")(list_suspects)
    suspects.command("confirm")(confirm)
    suspects.command("clear")(clear)
    app.add_typer(suspects, name="suspects")


def list_suspects(
    verdict: Annotated[str | None, typer.Option(help="suspect, confirmed or cleared.")] = None,
    day: Day = None,
    limit: Annotated[int, typer.Option(min=1, help="The highest so many.")] = 50,
) -> None:
    """List suspect listens, the highest scores first."""
    from rich.table import Table  # noqa: PLC0415 (keeps --help instant)

    if verdict not in {None, "suspect", "confirmed", "cleared"}:
        remedy = "Use suspect, confirmed or cleared."
        raise ArgumentError(f"There is no verdict {verdict!r}.", where="option --verdict", remedy=remedy)
    wanted = _day(day)
    rows = [
        row
        for row in current().small_tables.rows("gold.suspect_listens")
        if verdict in {None, row["verdict"]} and wanted in {None, row["listen_date"]}
    ]
    rows.sort(key=lambda row: (-row["score"], row["listen_date"], row["listener_id"], row["track_id"] or ""))
    table = Table(title=f"{min(limit, len(rows))} of {len(rows)} suspect listens")
    for heading in ("listener", "track", "day", "streams", "score", "verdict", "signals"):
        table.add_column(heading, overflow="fold")
    for row in rows[:limit]:
        signals = ", ".join(f"{one['name']} {one['value']:.3g}" for one in row["signals"] or ())
        cells = (row["listener_id"], row["track_id"] or "all", str(row["listen_date"]), str(row["streams"]))
        table.add_row(*cells, f"{row['score']:.2f}", row["verdict"], signals)
    current().emit(table if rows else "Nothing is suspect.", {"suspects": rows[:limit], "total": len(rows)})


def confirm(listener: Listener, track: Track = None, day: Day = None, reason: Reason = "") -> None:
    """Say that these streams are manipulated."""
    _say("confirmed", listener, track, day, reason)


def clear(listener: Listener, track: Track = None, day: Day = None, reason: Reason = "") -> None:
    """Say that these streams are innocent."""
    _say("cleared", listener, track, day, reason)


def _say(verdict: Literal["confirmed", "cleared"], listener: str, track: str | None, day: str | None, why: str) -> None:
    from earshot.detectors.verdicts import subject_of  # noqa: PLC0415 (keeps --help instant)
    from earshot.security.audit import AuditChain  # noqa: PLC0415
    from earshot.security.keys import load_keys  # noqa: PLC0415

    if not why.strip():
        raise ArgumentError("A verdict needs a reason.", where="option --reason", remedy="Write --reason TEXT.")
    tables = current().small_tables
    rows = tables.rows("gold.suspect_listens")
    full = _one_listener(listener, rows)
    subject = subject_of(full, track, _day(day))
    concerned = sum(_concerns(row, full, track, _day(day)) for row in rows)
    if not concerned:
        raise InputError(
            f"No suspect streams are {subject}.",
            where="options --track, --day",
            remedy=f"`earshot suspects list` shows tracks and days of {full}.",
        )
    author = actor()
    said = {"subject_kind": "suspect", "subject": subject, "verdict": verdict, "author": author, "reason": why.strip()}
    tables.append("ops.feedback", [{**said, "at": datetime.now(UTC)}])
    settings = current().settings
    chain = AuditChain(tables, author, master_key=load_keys(settings).master_key, home=settings.home)
    chain.record(f"suspect.{verdict}", subject, {"reason": why.strip()})
    text = f"{full} is {verdict}; {concerned} rows change with the next detect_manipulation."
    current().emit(text, {**said, "rows": concerned})


def _one_listener(begin: str, rows: list[dict[str, Any]]) -> str:
    known = sorted({str(row["listener_id"]) for row in rows})
    matching = [begin] if begin in known else [one for one in known if begin and one.startswith(begin)]
    if len(matching) == 1:
        return matching[0]
    listed = ", ".join((matching or known)[:_LISTED])
    raise ArgumentError(
        f"{begin!r} names {len(matching) or 'no'} suspect listeners.",
        where="gold.suspect_listens",
        remedy=f"Use one of: {listed}." if listed else "There are no suspects yet; run detect_manipulation.",
    )


def _concerns(row: Mapping[str, Any], listener: str, track: str | None, day: date | None) -> bool:
    return row["listener_id"] == listener and track in {None, row["track_id"]} and day in {None, row["listen_date"]}


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentError(f"{text!r} is no day.", where="option --day", remedy="Write YYYY-MM-DD.") from None
