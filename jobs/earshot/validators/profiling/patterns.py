"""How the values of a column are written: the shapes that most of them have.

A shape is the value with every run of digits as 9 and every run of letters as w (dBoost and Raha's pattern
strategies look at the same); a column of codes, dates, times or numbers with units has few of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import numpy as np

from earshot.validators.profiling.columns import NUMBER, Bools, ProfiledColumn
from earshot.validators.profiling.findings import Finding, about_values

_DIGITS, _LETTERS = re.compile(r"[0-9]+"), re.compile(r"[^\W\d_]+")
_PIECES = re.compile(r"[0-9]+|[^\W\d_]+|.", re.DOTALL)
_REGULAR, _NUMBERS = 0.85, 0.7
_KEPT, _FIXED, _FIXED_DIGITS = 0.1, 0.98, 4
_LEAST_ROWS = 20
_MOST_SHAPES = 4


def shape_of(value: str) -> str:
    """The value with runs of digits as 9 and of letters as w."""
    return _LETTERS.sub("w", _DIGITS.sub("9", value))


def find_patterns(column: ProfiledColumn) -> Iterator[Finding]:
    """That values are numbers, or have one of the usual shapes."""
    if not column.is_text or column.filled < _LEAST_ROWS:
        return
    if _NUMBERS <= column.number_share < 1:
        yield about_values(
            column,
            "number",
            "expect_column_values_to_match_regex",
            np.isnan(column.numbers),
            kwargs={"regex": NUMBER},
            description=f"{column.name} is a number.",
            confidence=round(column.number_share, 3),
        )
    elif column.number_share < _NUMBERS:
        yield from _shapes(column)
    yield from _digits(column)


def _shapes(column: ProfiledColumn) -> Iterator[Finding]:
    shapes = [shape_of(value) for value in column.values]
    rows: Counter[str] = Counter()
    for shape, count in zip(shapes, column.counts.tolist(), strict=True):
        rows[shape] += count
    usual = sorted(shape for shape, count in rows.items() if count >= _KEPT * column.filled)
    covered = sum(rows[shape] for shape in usual) / column.filled
    if not 0 < len(usual) <= _MOST_SHAPES or covered < _REGULAR or not all("9" in shape for shape in usual):
        return
    unusual = np.array([shape not in usual for shape in shapes])
    kept = [value for value, odd in zip(column.values, unusual, strict=True) if not odd]
    yield about_values(
        column,
        "pattern",
        "expect_column_values_to_match_regex",
        unusual,
        kwargs={"regex": regex_of(usual, ascii_only=all(value.isascii() for value in kept))},
        description=f"{column.name} is written like {', '.join(map(repr, sorted(_examples(column, shapes, usual))))}.",
        confidence=round(covered, 3),
        seen={"shapes": usual, "covered": round(covered, 4)},
    )


def _examples(column: ProfiledColumn, shapes: list[str], usual: list[str]) -> list[str]:
    """The most frequent value of each shape, cut."""
    best: dict[str, tuple[int, str]] = {}
    for value, shape, count in zip(column.values, shapes, column.counts.tolist(), strict=True):
        best[shape] = max(best.get(shape, (0, "")), (count, value))
    return [best[shape][1][:40] for shape in usual]


def regex_of(shapes: list[str], *, ascii_only: bool) -> str:
    """A regular expression for shapes, as RE2, Java and Python read it."""
    letters = "[A-Za-z]+" if ascii_only else r"[^\W\d_]+"
    parts = [
        "".join("[0-9]+" if p == "9" else letters if p == "w" else re.escape(p) for p in _PIECES.findall(shape))
        for shape in shapes
    ]
    return f"^{parts[0]}$" if len(parts) == 1 else f"^({'|'.join(parts)})$"


def _digits(column: ProfiledColumn) -> Iterator[Finding]:
    """Codes of a fixed number of digits, such as postcodes."""
    only = column.where(lambda value: value.isascii() and value.isdigit())
    lengths = np.array([len(value) for value in column.values])
    if column.share(only) < _FIXED:
        return
    rows: Counter[int] = Counter()
    for length, count, digits in zip(lengths.tolist(), column.counts.tolist(), only.tolist(), strict=True):
        rows[length] += count if digits else 0
    length, most = max(rows.items(), key=lambda item: (item[1], item[0]))
    if length < _FIXED_DIGITS or most < _FIXED * column.filled:
        return
    odd: Bools = ~only | (lengths != length)
    yield about_values(
        column,
        "digits",
        "expect_column_values_to_match_regex",
        odd,
        kwargs={"regex": f"^[0-9]{{{length}}}$"},
        description=f"{column.name} has {length} digits.",
        confidence=round(most / column.filled, 3),
    )
