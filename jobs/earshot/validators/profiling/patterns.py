"""How the values of a column are written: the shapes that most of them have.

A shape is the value with every run of digits as 9 and every run of letters as w (dBoost and Raha's pattern
strategies look at the same); a column of codes, dates, times or numbers with units has few of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.validators.profiling.columns import NUMBER, Bools, ProfiledColumn
from earshot.validators.profiling.findings import Finding, about_values

_DIGITS, _LETTERS = "[0-9]+", r"\p{L}+"
_PIECES = re.compile(r"[0-9]+|[^\W\d_]+|.", re.DOTALL)
_REGULAR, _NUMBERS = 0.85, 0.7
_KEPT, _FIXED, _FIXED_DIGITS = 0.1, 0.98, 4
_LEAST_ROWS = 20
_MOST_SHAPES = 4


def shapes_of(texts: pa.StringArray) -> pa.StringArray:
    """The texts with runs of digits as 9 and of letters as w."""
    return pc.replace_substring_regex(pc.replace_substring_regex(texts, _DIGITS, "9"), _LETTERS, "w")


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
    encoded = shapes_of(column.texts).dictionary_encode()
    shapes, of_value = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
    rows = np.bincount(of_value, weights=column.counts, minlength=len(shapes))
    usual = rows >= _KEPT * column.filled
    covered = float(rows[usual].sum()) / column.filled
    named = sorted(shape for shape, often in zip(shapes, usual, strict=True) if often)
    if not 0 < len(named) <= _MOST_SHAPES or covered < _REGULAR or not all("9" in shape for shape in named):
        return
    ascii_only = all(value.isascii() for value in column.texts.filter(pa.array(usual[of_value])).to_pylist())
    examples = sorted(_example(column, of_value == n)[:40] for n in np.flatnonzero(usual))
    yield about_values(
        column,
        "pattern",
        "expect_column_values_to_match_regex",
        ~usual[of_value],
        kwargs={"regex": regex_of(named, ascii_only=ascii_only)},
        description=f"{column.name} is written like {', '.join(map(repr, examples))}.",
        confidence=round(covered, 3),
        seen={"shapes": named, "covered": round(covered, 4)},
    )


def _example(column: ProfiledColumn, chosen: Bools) -> str:
    """The most frequent of the chosen values; of several, the first in order."""
    most = np.flatnonzero(chosen & (column.counts == column.counts[chosen].max()))
    examples: list[str] = column.texts.take(pa.array(most)).to_pylist()
    return min(examples)


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
    only = column.matching("^[0-9]+$")
    if column.share(only) < _FIXED:
        return
    lengths = pc.utf8_length(column.texts).to_numpy()
    rows = np.bincount(lengths[only], weights=column.counts[only])
    length = int(rows.argmax())
    if length < _FIXED_DIGITS or rows[length] < _FIXED * column.filled:
        return
    yield about_values(
        column,
        "digits",
        "expect_column_values_to_match_regex",
        ~only | (lengths != length),
        kwargs={"regex": f"^[0-9]{{{length}}}$"},
        description=f"{column.name} has {length} digits.",
        confidence=round(float(rows[length]) / column.filled, 3),
    )
