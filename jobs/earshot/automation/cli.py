"""The command line: `earshot COMMAND`, each topic a module of `automation.commands`."""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from collections.abc import Sequence

import typer
from rich.console import Console

from earshot.automation import commands
from earshot.automation.invocation import current, take_common_options
from earshot.core.errors import EarshotError

_INTERRUPTED = 130
_EVALUATIONS = {"recommenders"}


def build_app() -> typer.Typer:
    """The application with the commands of every topic."""
    app = typer.Typer(
        name="earshot",
        help="Listening logs to trusted tables, comparable models and acted-on alerts.",
        epilog="Every command takes --home DIR, --env NAME and --json, before or after it.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for topic in sorted({module.name for module in pkgutil.iter_modules(commands.__path__)} - _EVALUATIONS):
        importlib.import_module(f"{commands.__name__}.{topic}").register(app)
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit code: 0 done, 1 failed, 2 bad arguments or settings, 3 the quality gate refused.
    """
    try:
        arguments = take_common_options(sys.argv[1:] if argv is None else argv)
        build_app()(args=arguments, prog_name="earshot")
    except EarshotError as error:
        _report(error)
        return error.exit_code
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except KeyboardInterrupt:
        Console(stderr=True).print("Interrupted. Run the same command again: nothing is done twice.")
        return _INTERRUPTED
    return 0


def entry_point() -> None:
    """What `.venv/bin/earshot` calls."""
    sys.exit(main())


def _report(error: EarshotError) -> None:
    if current().as_json:
        said = {"run_id": None, "status": "failed", "exit_code": error.exit_code, "error": str(error)}
        machine: dict[str, object] = {**said, "jobs": []}
        print(json.dumps(machine, ensure_ascii=False))
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(str(error), style="bold red" if sys.stderr.isatty() else None, markup=False)
