"""`earshot erase` and `earshot verify`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from earshot.automation.invocation import current


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("erase")(erase)
    app.command("verify")(verify)


def erase(
    listener: Annotated[str, typer.Argument(help="The source's identity, or the pseudonym (v1:...).")],
) -> None:
    """Remove a listener from tables, quarantine, archive, cache and vault, and print the proof.

    Raises:
        ArgumentError: HOME is not there: a misspelt path would be proof of nothing.
        Exit: With 1 where something of the listener is left.
    """
    from rich.table import Table  # noqa: PLC0415 (keeps --help instant)

    from earshot.automation.runner import run_jobs  # noqa: PLC0415 (keeps --help instant)

    call = current()
    call.small_tables  # noqa: B018 (asks for HOME)
    arguments = {"listener": listener}
    (result,) = run_jobs(
        ["erase_listeners"], datetime.now(UTC).date(), call.settings, arguments=arguments, as_json=call.as_json
    )
    proof = Table("where", "before -> after", title=result.error or "The listener is gone.", title_justify="left")
    for place, change in result.summary.facts.items():
        proof.add_row(place.replace("_", " "), str(change))
    machine = {
        "run_id": result.run_id,
        "status": result.status,
        "exit_code": result.exit_code,
        "jobs": [result.as_dict()],
    }
    call.emit(proof, machine)
    raise typer.Exit(result.exit_code)


def verify() -> None:
    """Check the hash chain of ops.audit: changed, missing, doubled or reordered entries.

    Raises:
        Exit: With 1 where something is wrong.
    """
    from earshot.security.audit import AuditChain  # noqa: PLC0415 (keeps --help instant)
    from earshot.security.keys import load_keys  # noqa: PLC0415 (keeps --help instant)

    call = current()
    lake = call.small_tables
    keys = load_keys(call.settings)
    chain = AuditChain(lake, "verify", master_key=keys.master_key, home=call.settings.home)
    problems = chain.verify()
    entries = 0 if problems else lake.arrow("ops.audit", columns=["sequence"]).num_rows
    code = 1 if problems else 0
    lines = [f"- {problem.what}" for problem in problems]
    human = (
        "\n".join([f"{len(problems)} problems in ops.audit", *lines])
        if problems
        else (f"ops.audit is whole: {entries} entries, each following the one before.")
    )
    machine = {
        "status": "failed" if problems else "done",
        "exit_code": code,
        "entries": entries,
        "problems": [{"what": problem.what, "sequence": problem.sequence} for problem in problems],
    }
    call.emit(human, machine)
    raise typer.Exit(code)
