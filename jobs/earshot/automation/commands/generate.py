"""`earshot generate`: simulated logs with their truth."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from earshot.automation.invocation import current

if TYPE_CHECKING:
    from earshot.importers.simulated import Generated

_FIRST_DAY = datetime(2026, 3, 16, tzinfo=UTC).replace(tzinfo=None)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("generate")(generate_logs)


def generate_logs(
    out: Annotated[
        Path | None, typer.Argument(help="Where landing/, truth/ and catalogue/ go; default HOME.", metavar="[OUT]")
    ] = None,
    days: Annotated[int, typer.Option(help="UTC days.")] = 14,
    listeners: Annotated[int, typer.Option(help="Organic accounts; manipulators come on top.")] = 600,
    tracks: Annotated[int, typer.Option(help="Size of the catalogue.")] = 3_000,
    start: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="First day.", metavar="DATE", show_default="2026-03-16")
    ] = _FIRST_DAY,
    seed: Annotated[int, typer.Option(min=0, help="The same seed writes the same bytes.")] = 42,
    scenario: Annotated[str, typer.Option(help="A name of conf/scenarios/, or the path of a TOML file.")] = "default",
    plays: Annotated[
        int | None, typer.Option(help="Organic plays; 18 a listener and day if left out.", show_default=False)
    ] = None,
) -> None:
    """Write simulated listening logs, with the truth about every line."""
    call = current()
    from earshot.importers.simulated import generate  # noqa: PLC0415 (keeps --help instant)

    began = time.monotonic()
    generated = generate(
        out or call.settings.home,
        days=days,
        listeners=listeners,
        tracks=tracks,
        plays=plays,
        start=start.date(),
        seed=seed,
        scenario=scenario,
    )
    seconds = time.monotonic() - began
    call.emit(_words(generated, seconds), _object(generated, seconds))


def _words(done: Generated, seconds: float) -> str:
    rate = done.plays / max(seconds, 1e-9)
    return (
        f"{done.lines:,} lines of {done.plays:,} organic plays in {done.files} files ({done.bytes / 1e6:,.1f} MB), "
        f"{done.first_day} to {done.last_day}, in {seconds:.1f} s ({rate:,.0f} plays/s)\n"
        f"  logs       {done.landing}\n"
        f"  truth      {next(iter(done.truth.values())).parent}  ({', '.join(sorted(done.truth))})\n"
        f"  catalogue  {done.catalogue}\n"
        f"  next       earshot backfill --from {done.first_day} --to {done.last_day}"
    )


def _object(done: Generated, seconds: float) -> dict[str, Any]:
    return {
        "files": done.files,
        "lines": done.lines,
        "plays": done.plays,
        "bytes": done.bytes,
        "seconds": round(seconds, 3),
        "landing": str(done.landing),
        "catalogue": str(done.catalogue),
        "truth": {name: str(path) for name, path in done.truth.items()},
        "first_day": done.first_day.isoformat(),
        "last_day": done.last_day.isoformat(),
    }
