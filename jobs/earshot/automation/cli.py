"""The command line: `earshot COMMAND`, each topic a module of `automation.commands`."""

from __future__ import annotations

import atexit
import importlib
import inspect
import os
import pkgutil
import re
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress

import typer
from rich.console import Console

from earshot.automation import commands
from earshot.automation.invocation import current, machine_line, take_common_options
from earshot.core.errors import ArgumentError, DependencyError, EarshotError, InputError
from earshot.core.explanations import nearest
from earshot.core.logs import StructuredLog
from earshot.core.system_faults import system_fault
from earshot.core.text import one_line

_INTERRUPTED = 130
_EVALUATIONS = {"recommenders"}
_FOR_PROGRAMMERS = re.compile(r"\n\n(?:Args|Returns|Raises):\n")
_NO_COMMAND = re.compile(r"No such command '(.*?)'")
_USERS_TO_MEND = (PermissionError, FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError)


def build_app() -> typer.Typer:
    """The application with the commands of every topic."""
    app = typer.Typer(
        name="earshot",
        help="Listening logs to trusted tables, comparable models and acted-on alerts.",
        epilog="Every command takes --home DIR, --env NAME and --json, before or after it.",
        no_args_is_help=not current().as_json,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for topic in sorted({module.name for module in pkgutil.iter_modules(commands.__path__)} - _EVALUATIONS):
        importlib.import_module(f"{commands.__name__}.{topic}").register(app)
    _say_what_users_need(app)
    return app


def _say_what_users_need(app: typer.Typer) -> None:
    """Let --help leave out what a docstring says to programmers."""
    for command in app.registered_commands:
        command.help = _FOR_PROGRAMMERS.split(inspect.cleandoc(command.callback.__doc__ or ""))[0]
    for group in app.registered_groups:
        if group.typer_instance is not None:
            _say_what_users_need(group.typer_instance)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit code: 0 done, 1 failed, 2 bad arguments or settings, 3 the quality gate refused.
    """
    try:
        arguments = take_common_options(sys.argv[1:] if argv is None else argv)
        code = build_app()(args=arguments, prog_name="earshot", standalone_mode=False)
    except EarshotError as error:
        return _report(error)
    except typer.TyperException as error:
        return _report(_misused(error))
    except (SystemExit, typer.Abort) as exit_:
        code = getattr(exit_, "code", 1)
    except OSError as error:
        return _report(_of_the_system(error))
    except Exception as error:
        return _report(system_fault(error, current().settings.home) or _unexpected(error))
    if code == _INTERRUPTED:
        said = "Interrupted. Run the same command again: nothing is done twice."
        Console(stderr=True).print(said)
        if current().as_json:
            print(machine_line({"status": "failed", "exit_code": code, "error": said}))
    return code if isinstance(code, int) else 0


def entry_point() -> None:
    """What `.venv/bin/earshot` calls.

    After a run the interpreter would spend more than a second on taking its modules apart; the process just ends.
    """
    code = main()
    atexit._run_exitfuncs()
    with suppress(OSError):  # whoever read the output is gone
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _misused(error: typer.TyperException) -> ArgumentError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "earshot"
    said = " ".join(error.format_message().replace("Value error, ", "").split())
    remedy = f"See `{command} --help`."
    known = getattr(context.command, "commands", {}) if context else {}
    if unknown := _NO_COMMAND.match(said):
        remedy = f"Use {nearest(unknown[1], known)}, or see `{command} --help`."
    if said in {"", "Missing command."}:
        said = f"{command} needs a command: {', '.join(known)}."
    return ArgumentError(said, where=command, remedy=remedy)


def _of_the_system(error: OSError) -> EarshotError:
    """A file, folder or address that cannot be used: what the user can mend, or what went wrong by itself."""
    what = f"{error.filename or 'Something'} cannot be used: {error.strerror or error}."
    where = str(error.filename or "")
    if isinstance(error, _USERS_TO_MEND) or "Unable to create dir" in str(error):
        return InputError(what, where=where, remedy="Name a place that is there and that you may read and write.")
    if fault := system_fault(error, current().settings.home):
        return fault
    return DependencyError(what, where=where, remedy="Mend it (`earshot doctor` helps) and run the command again.")


def _unexpected(error: Exception) -> EarshotError:
    """A fault of ours: the trace goes into a log line, not onto the screen."""
    StructuredLog().error("unexpected error", traceback=traceback.format_exc())
    return EarshotError(
        f"{type(error).__name__}: {str(error) or 'no message'}",
        remedy="This is a fault of Earshot: report it with the log line above. Running the command again is safe.",
    )


def _report(error: EarshotError) -> int:
    if current().as_json:
        print(machine_line({"status": "failed", "exit_code": error.exit_code, "error": str(error)}))
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    told = "\n".join(map(one_line, str(error).splitlines()))
    console.print(told, style="bold red" if sys.stderr.isatty() else None, markup=False)
    return error.exit_code
