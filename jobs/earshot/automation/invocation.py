"""What holds for a whole call of the command line: home, environment, JSON or text."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType

from earshot.core.config import load_settings
from earshot.core.errors import ArgumentError
from earshot.core.settings import Settings
from earshot.core.text import json_line

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from earshot.core.small_tables import SmallTables
    from earshot.core.tables import Tables


@dataclass
class Invocation:
    """One call of `earshot`.

    Attributes:
        home: `--home`; None leaves it to EARSHOT_HOME and the settings.
        env: `--env`.
        as_json: Whether one JSON object is wanted on standard output.
    """

    home: Path | None = None
    env: str | None = None
    as_json: bool = False

    @cached_property
    def settings(self) -> Settings:
        """The settings in force for this call.

        Raises:
            ArgumentError: HOME is there and is no folder.
        """
        settings = load_settings(self.env, {"home": str(self.home)} if self.home else None)
        if settings.home.exists() and not settings.home.is_dir():
            raise ArgumentError(
                f"{settings.home} is no folder.", where=self._home_from, remedy="Name a folder; it is made if missing."
            )
        return settings

    @cached_property
    def small_tables(self) -> SmallTables:
        """The lake, row by row, without a JVM.

        Raises:
            ArgumentError: HOME, which would hold it, is not there: a misspelt path is not an empty lake.
        """
        from earshot.core.small_tables import SmallTables  # noqa: PLC0415 (keeps --help instant)

        settings = self.settings
        if not settings.lake and not settings.home.exists():
            raise ArgumentError(
                f"There is no HOME at {settings.home}.",
                where=self._home_from,
                remedy="Name the HOME of your runs with --home, or make one: `earshot demo`, `earshot generate`.",
            )
        return SmallTables(settings.lake_root)

    def spark(self) -> SparkSession:
        """The session, opened on first use."""
        from earshot.automation.session import open_session  # noqa: PLC0415 (keeps --help instant)

        return open_session(self.settings.spark)

    def tables(self) -> Tables:
        """The lake through Spark."""
        from earshot.core.tables import Tables  # noqa: PLC0415 (keeps --help instant)

        return Tables(self.spark(), self.settings.lake_root)

    def emit(self, human: RenderableType, machine: Mapping[str, Any]) -> None:
        """Print the one for a person (texts in it are no markup), or the other for a machine."""
        if self.as_json:
            print(machine_line(machine))
        else:
            watched = sys.stdout.isatty()
            width = None if watched else _PIPED_WIDTH
            Console(width=width, soft_wrap=not watched, markup=False).print(human)

    @property
    def _home_from(self) -> str:
        return "option --home" if self.home else "setting home (EARSHOT_HOME)"


_PIPED_WIDTH = 160
_STATE = {"current": Invocation()}


def machine_line(more: Mapping[str, Any]) -> str:
    """The object of `--json` on one line: run_id, status, exit_code and jobs, and what the command adds."""
    whole = {"run_id": None, "status": "done", "exit_code": 0, "jobs": [], **more}
    return json_line(_finite(whole))


def _finite(value: Any) -> Any:
    """The value with null for numbers that JSON does not have."""
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def current() -> Invocation:
    """The call that is running."""
    return _STATE["current"]


def take_common_options(argv: Sequence[str]) -> list[str]:
    """Take `--home`, `--env` and `--json` out of the arguments, wherever they stand.

    Returns:
        The arguments that are left, for the command.

    Raises:
        ArgumentError: `--home` or `--env` stands without a value.
    """
    left: list[str] = []
    values: dict[str, str] = {}
    _STATE["current"] = Invocation(as_json="--json" in argv)
    as_json = False
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        if word == "--":
            left += [word, *words]
        elif word == "--json":
            as_json = True
        elif name in {"--home", "--env"}:
            given = value if equals else next(words, None)
            if not given or (given.startswith("--") and not equals):
                raise ArgumentError(f"{name} needs a value.", where="command line", remedy=f"Write {name} VALUE.")
            values[name] = given
        else:
            left.append(word)
    home = values.get("--home")
    _STATE["current"] = Invocation(Path(home) if home else None, values.get("--env"), as_json)
    return left
