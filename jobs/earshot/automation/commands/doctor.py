"""`earshot doctor`: what is in force, and whether everything is here."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from earshot.automation.invocation import current

_WORDS = {True: Text("ok", style="green"), False: Text("missing", style="bold red"), None: Text("-", style="dim")}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(
    submit_args: Annotated[
        bool, typer.Option("--submit-args", help="Print what spark-submit on a cluster needs.")
    ] = False,
) -> None:
    """Print the effective settings (secrets masked) and check Java, jars, disk, lake and servers.

    Raises:
        Exit: With 1 where something is missing.
    """
    from earshot.automation.doctor import examine, submit_arguments  # noqa: PLC0415 (keeps --help instant)
    from earshot.core.config import effective  # noqa: PLC0415

    if submit_args:
        current().emit(Text(submit_arguments()), {"submit_args": submit_arguments()})
        return
    settings = current().settings
    shown = effective(settings)
    findings = examine(settings)
    checks = Table("check", "", "found", "remedy", box=None, title="Checks", title_justify="left")
    for finding in findings:
        checks.add_row(finding.check, _WORDS[finding.ok], finding.detail, finding.remedy if not finding.ok else "")
    code = int(any(finding.ok is False for finding in findings))
    checked = [vars(finding) for finding in findings]
    status = "failed" if code else "done"
    machine = {"status": status, "exit_code": code, "settings": shown, "checks": checked}
    current().emit(Group(Text("Settings in force"), *_lines(shown), Text(), checks), machine)
    raise typer.Exit(code)


def _lines(shown: dict[str, Any], above: str = "") -> list[Text]:
    lines: list[Text] = []
    for key, value in shown.items():
        if isinstance(value, dict) and value:
            lines += _lines(value, f"{above}{key}.")
        else:
            lines.append(Text(f"  {above}{key} = {json.dumps(value, ensure_ascii=False)}"))
    return lines
