"""Every error that Earshot raises on purpose: what was wrong, where, and what to do."""

from __future__ import annotations


class EarshotError(Exception):
    """The common root. The exit code of a command is that of the error that ended it.

    Args:
        what: What was wrong, in one sentence.
        where: File and line, table, setting or address; empty when there is none.
        remedy: What the reader can do about it.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        """The three parts on lines of their own."""
        lines = [self.what]
        if self.where:
            lines.append(f"  where:  {self.where}")
        if self.remedy:
            lines.append(f"  remedy: {self.remedy}")
        return "\n".join(lines)


def said(error: Exception) -> str:
    """The message of an error in a line; of one of Java's, what Java said rather than which call it was."""
    first, *more = str(error).splitlines() or [""]
    if more and first.startswith("An error occurred while calling"):
        return more[0].lstrip(": ")
    return first


class SettingsError(EarshotError):
    """A settings file, variable or option holds something that cannot be used."""

    exit_code = 2


class ArgumentError(EarshotError):
    """A command was called with something it cannot take."""

    exit_code = 2


class InputError(EarshotError):
    """A file of the user's cannot be read as what it should be."""

    exit_code = 2


class GateRefusedError(EarshotError):
    """The quality gate refused a batch; trying again will not help."""

    exit_code = 3


class TableError(EarshotError):
    """A table is missing, has another shape, or was changed by somebody else."""


class OvertakenError(TableError):
    """Another run changed a table after this one had decided on it: nothing was written, the job can begin anew.

    Args:
        table: Its name.
        where: Its folder.
    """

    def __init__(self, table: str, *, where: str = "") -> None:
        self.table = table
        super().__init__(f"Another run changed {table} meanwhile.", where=where, remedy="Run the job again.")


class DependencyError(EarshotError):
    """A program, server or package that is needed is missing or does not answer."""


class DeliveryError(EarshotError):
    """A message could not be handed over; it stays in the outbox.

    Args:
        what: What was wrong, in one sentence; addresses masked.
        where: The channel or server.
        remedy: What the reader can do about it.
        retry_after_s: Seconds that the receiver asked to wait; None where it did not say.
        refused: Whether the receiver is well and will never take this message.
    """

    def __init__(
        self, what: str, *, where: str = "", remedy: str = "", retry_after_s: float | None = None, refused: bool = False
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.retry_after_s = retry_after_s
        self.refused = refused


class IntegrityError(EarshotError):
    """Something that must never change has changed."""


class JobSkippedError(EarshotError):
    """There is too little to work on; the job ends 0 with status `skipped`."""

    exit_code = 0
