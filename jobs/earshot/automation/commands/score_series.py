"""`earshot score-series FILE.csv`: how abnormal each row of any series is; needs no Spark and no lake."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earshot.automation.invocation import current
from earshot.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEADER = ["timestamp", "value"]
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?")
_MISSING = {"", "nan", "null", "none", "na"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("score-series")(score)


def score(
    file: Annotated[Path, typer.Argument(help="CSV with the header timestamp,value.", metavar="FILE.csv")],
    online: Annotated[
        bool, typer.Option("--online/--offline", help="A score uses only earlier rows, or later ones too.")
    ] = True,
    detector: Annotated[str | None, typer.Option("--detector", help="Default: the one fixed configuration.")] = None,
    output: Annotated[Path | None, typer.Option("--output", help="Write here instead of standard output.")] = None,
) -> None:
    """Score each row of a series from 0 (usual) to 1 (abnormal)."""
    from earshot.detectors import score_series  # noqa: PLC0415 (keeps --help instant)

    stamps, texts, values, moments = _read(file)
    scores = score_series(moments, values, online=online, detector=detector)
    lines = ["timestamp,value,score"]
    lines += [f"{_cell(a)},{_cell(b)},{c:.6f}" for a, b, c in zip(stamps, texts, scores, strict=True)]
    text = "\n".join(lines) + "\n"
    if output is not None:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"The scores cannot be written: {error.strerror}.", where=str(output), remedy="Name another file."
            ) from None
    top = max(scores, default=0.0)
    facts = {"file": str(file), "rows": len(values), "online": online, "highest": float(top)}
    if current().as_json or output is not None:
        told = f"{len(values)} rows scored, highest {top:.3f}: {output}"
        current().emit(told, facts if output else {**facts, "scores": [float(score) for score in scores]})
    else:
        typer.echo(text, nl=False)


def _read(file: Path) -> tuple[list[str], list[str], list[float], Sequence[object]]:
    """Stamps and values as they were written, values as numbers, stamps as moments."""
    stamps: list[str] = []
    texts: list[str] = []
    values: list[float] = []
    moments: list[object] = []
    numeric: bool | None = None
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.reader(lines)
            header = next(reader, [])
            if [cell.strip().lower() for cell in header] != _HEADER:
                raise _no_header(file, header)
            for row in reader:
                if not row:
                    continue
                line = reader.line_num
                if len(row) != len(_HEADER):
                    raise _bad(file, line, f"{len(row)} columns; expected: 2")
                moment, is_number = _moment(row[0], file, line)
                if numeric is not None and is_number != numeric:
                    raise _bad(file, line, f"timestamp {row[0]!r} is of another kind than those above")
                numeric = is_number
                stamps.append(row[0])
                texts.append(row[1])
                values.append(_value(row[1], file, line))
                moments.append(moment)
    except UnicodeDecodeError:
        raise _bad(file, _undecodable(file), "it is no UTF-8") from None
    except (OSError, csv.Error) as error:
        raise InputError(
            f"The series cannot be read: {error}.", where=str(file), remedy="Name a CSV file in UTF-8."
        ) from None
    return stamps, texts, values, moments


def _moment(text: str, file: Path, line: int) -> tuple[float, bool]:
    """Seconds since 1970, and whether it was written as a number."""
    from datetime import UTC, datetime  # noqa: PLC0415 (beside its only use)

    told = text.strip()
    if _NUMBER.fullmatch(told) and math.isfinite(float(told)):
        return float(told), True
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        raise _bad(file, line, f"timestamp {text[:40]!r}; expected: ISO 8601, or seconds") from None
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp(), False


def _value(text: str, file: Path, line: int) -> float:
    told = text.strip()
    if told.lower() in _MISSING:
        return math.nan
    try:
        return float(told)
    except ValueError:
        raise _bad(file, line, f"value {text[:40]!r}; expected: a number") from None


def _cell(text: str) -> str:
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if any(mark in text for mark in ',"\n\r') else text


def _no_header(file: Path, header: Sequence[str]) -> InputError:
    told = f"The first line is {','.join(header)[:80]!r}; expected: timestamp,value."
    return InputError(
        told if header else "The file is empty.",
        where=f"{file}, line 1",
        remedy="Write timestamp,value as the first line, and a row for each moment below it.",
    )


def _undecodable(file: Path) -> int:
    """The first line that is no UTF-8."""
    for number, line in enumerate(file.read_bytes().split(b"\n"), start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            return number
    return 1


def _bad(file: Path, line: int, what: str) -> InputError:
    return InputError(
        f"A row cannot be read: {what}.", where=f"{file}, line {line}", remedy="Mend the row, or take it out."
    )
