"""`earshot gate show` and `earshot gate release`: batches that the quality gate refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from earshot.automation.actor import actor
from earshot.automation.invocation import current
from earshot.core.errors import ArgumentError

if TYPE_CHECKING:
    from earshot.validators.verdicts import GateVerdict

_REFUSED = "refused"
_JOB = "publish_listens"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    gate = typer.Typer(help="Explain or admit batches that the quality gate refused.")
    gate.command("show")(show)
    gate.command("release")(release)
    app.add_typer(gate, name="gate")


def show(
    batch: Annotated[str | None, typer.Argument(help="The batch; without one, those that were refused.")] = None,
) -> None:
    """Say why a batch was refused, with figures and first examples; judge it again if the suite has changed."""
    if batch is None:
        _list_refused()
        return
    rows = _ledger_rows(batch)
    from earshot.validators.releases import release_of  # noqa: PLC0415 (keeps --help instant)
    from earshot.validators.reports import read_report  # noqa: PLC0415
    from earshot.validators.suites import load_gate_suite  # noqa: PLC0415

    verdict = read_report(current().settings, batch)
    fingerprint = load_gate_suite().fingerprint
    again = _judge_again(batch) if _is_refused(rows) and verdict and verdict.fingerprint != fingerprint else None
    files = [{name: row[name] for name in ("source_file", "status", "reason", "read", "quarantined")} for row in rows]
    released = release_of(current().small_tables, batch)
    said = {key: str(released[key]) for key in ("author", "at", "reason")} if released else None
    machine: dict[str, Any] = {
        "batch_id": batch,
        "batch_status": _status(rows),
        "files": files,
        "verdict": verdict.to_json() if verdict else None,
        "verdict_now": again.to_json() if again else None,
        "released": said,
    }
    from rich.text import Text  # noqa: PLC0415 (keeps --help instant; examples are no markup)

    admitted = f"\nAdmitted by {said['author']} at {said['at']}: {said['reason']}" if said else ""
    current().emit(Text(_explained(batch, rows, verdict, again) + admitted), machine)


def release(
    batch: Annotated[str, typer.Argument(help="The batch to admit.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for the audit.")],
) -> None:
    """Admit a refused batch, audited, and publish it.

    Lines that fail a rule of the action quarantine are still set aside.

    Raises:
        Exit: With the exit code of publish_listens.
    """
    if not reason.strip():
        raise ArgumentError("The reason is empty.", where="option --reason", remedy="Say why the batch is admitted.")
    rows = _ledger_rows(batch)
    if not _is_refused(rows):
        raise ArgumentError(
            f"Batch {batch} is {_status(rows)}, so there is nothing to release.",
            where="ops.ledger",
            remedy="`earshot gate show` lists the batches that were refused.",
        )
    from earshot.automation.runner import exit_code, run_jobs  # noqa: PLC0415 (keeps --help instant)
    from earshot.automation.summaries import run_object, run_table  # noqa: PLC0415
    from earshot.security.audit import AuditChain  # noqa: PLC0415
    from earshot.security.keys import load_keys  # noqa: PLC0415
    from earshot.validators.releases import record_release, released_batches  # noqa: PLC0415

    call = current()
    author = actor()
    if batch not in released_batches(call.small_tables):
        record_release(call.small_tables, batch, author=author, reason=reason.strip(), at=datetime.now(UTC))
        keys = load_keys(call.settings)
        chain = AuditChain(
            call.small_tables,
            author,
            lambda: datetime.now(UTC),
            master_key=keys.master_key,
            home=call.settings.home,
        )
        chain.record("gate.release", batch, {"reason": reason.strip(), "files": len(rows)})
    results = run_jobs([_JOB], datetime.now(UTC).date(), call.settings, as_json=call.as_json)
    status = _status(_ledger_rows(batch))
    call.emit(
        run_table(results, f"batch {batch} is {status}"),
        {**run_object(results), "batch_id": batch, "batch_status": status},
    )
    raise typer.Exit(exit_code(results))


def _ledger_rows(batch: str) -> list[dict[str, Any]]:
    rows = current().small_tables.rows("ops.ledger")
    found = [row for row in rows if row["batch_id"] == batch]
    if not found:
        refused = sorted({row["batch_id"] for row in rows if row["status"] == _REFUSED})
        raise ArgumentError(
            f"There is no batch {batch}.",
            where="ops.ledger",
            remedy=f"Refused batches: {', '.join(refused)}." if refused else "No batch is refused.",
        )
    return sorted(found, key=lambda row: str(row["source_file"]))


def _is_refused(rows: list[dict[str, Any]]) -> bool:
    return any(row["status"] == _REFUSED for row in rows)


def _status(rows: list[dict[str, Any]]) -> str:
    return _REFUSED if _is_refused(rows) else str(rows[0]["status"])


def _read(rows: list[dict[str, Any]]) -> int:
    return sum(row["read"] or 0 for row in rows)


def _list_refused() -> None:
    from rich.table import Table  # noqa: PLC0415 (keeps --help instant)
    from rich.text import Text  # noqa: PLC0415

    from earshot.validators.reports import read_report  # noqa: PLC0415

    batches: dict[str, list[dict[str, Any]]] = {}
    for row in current().small_tables.rows("ops.ledger"):
        if row["status"] == _REFUSED:
            batches.setdefault(row["batch_id"], []).append(row)
    table = Table(title="Refused batches", title_justify="left", box=None)
    for heading in ("batch", "files", "lines", "since", "reason"):
        table.add_column(heading, no_wrap=heading != "reason", overflow="fold")
    machine = []
    for batch, rows in sorted(batches.items()):
        verdict = read_report(current().settings, batch)
        lines = verdict.rows if verdict else _read(rows)
        since = min(row["committed_at"] or row["started_at"] for row in rows)
        reason = next((row["reason"] for row in rows if row["reason"]), "")
        table.add_row(batch, str(len(rows)), f"{lines:,}", f"{since:%Y-%m-%d %H:%M}", Text(reason))
        machine.append({"batch_id": batch, "files": len(rows), "lines": lines, "since": since, "reason": reason})
    current().emit(table if batches else "No batch is refused.", {"refused": machine})


def _judge_again(batch: str) -> GateVerdict:
    from pyspark.sql import functions as F  # noqa: PLC0415 (keeps --help instant)

    from earshot.core.columns import BATCH_ID  # noqa: PLC0415
    from earshot.validators.again import judge_again  # noqa: PLC0415
    from earshot.validators.gate_suite import gate_suite  # noqa: PLC0415

    rows = current().tables().read("bronze.listens").where(F.col(BATCH_ID) == batch)
    return judge_again(rows, gate_suite(current().settings), batch_id=batch)


def _explained(batch: str, rows: list[dict[str, Any]], verdict: GateVerdict | None, again: GateVerdict | None) -> str:
    lines = verdict.rows if verdict else _read(rows)
    text = [f"Batch {batch}: {_status(rows)}, {len(rows)} file(s), {lines:,} lines."]
    text += [f"  {row['source_file']}" for row in rows[:5]]
    text += [f"  and {len(rows) - 5} more"] if len(rows) > 5 else []  # noqa: PLR2004 (files shown)
    reason = next((row["reason"] for row in rows if row["reason"]), "no reason was recorded")
    text.append(verdict.explain() if verdict else f"The verdict itself is not on disk; the ledger says: {reason}")
    if again:
        text += ["", "The suite has changed since. Judged again:", again.explain()]
    if _is_refused(rows):
        text += [
            "",
            "Mend the files and land them again under a new content, or admit the batch as it is:",
            f"  earshot gate release {batch} --reason TEXT",
        ]
    return "\n".join(text)
