"""How the values of a column are written: the shapes that most of them have.

A shape is the value with every run of digits as 9 and every run of letters as w (dBoost and Raha's pattern
strategies look at the same); a column of codes, dates, times or numbers with units has few of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.validators.profiling.columns import NUMBER, Bools, Ints, ProfiledColumn
from earshot.validators.profiling.findings import Finding, about_values

_DIGITS, _LETTERS = "[0-9]+", r"\p{L}+"
_PIECES, _WORD = re.compile(r"[0-9]+|[^\W\d_]+|.", re.DOTALL), re.compile(r"[^\W\d_]+")
_WITH_UNIT = r"^[+-]?[0-9]+([.][0-9]+)? ?[^0-9]{1,10}$"
_REGULAR, _NUMBERS, _MOST_NUMBERS = 0.85, 0.7, 0.5
_FEW_WORDS, _USUAL_WORD, _ALL_WORDS = 5, 0.01, 0.95
_MOST_VALUES = 200_000
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
    if column.number_share < 1 and column.number_share >= (_NUMBERS if not _have_units(column) else _MOST_NUMBERS):
        yield about_values(
            column,
            "number",
            "expect_column_values_to_match_regex",
            np.isnan(column.numbers),
            kwargs={"regex": NUMBER},
            description=f"{column.name} is a number.",
            confidence=round(column.number_share, 3),
        )
    elif column.number_share < 1:
        yield from _shapes(column)
    yield from _digits(column)


def _have_units(column: ProfiledColumn) -> bool:
    """Whether nearly all that are no numbers are numbers with something short behind."""
    other = np.isnan(column.numbers)
    return column.share(other & ~column.matching(_WITH_UNIT)) <= (1 - _FIXED) * column.share(other)


def _shapes(column: ProfiledColumn) -> Iterator[Finding]:
    encoded = shapes_of(column.texts).dictionary_encode()
    shapes, of_value = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
    rows = np.bincount(of_value, weights=column.counts, minlength=len(shapes))
    usual = rows >= _KEPT * column.filled
    covered = float(rows[usual].sum()) / column.filled
    named = sorted(shape for shape, often in zip(shapes, usual, strict=True) if often)
    if not 0 < len(named) <= _MOST_SHAPES or covered < _REGULAR or not all("9" in shape for shape in named):
        return
    regexes = [_regex(column, of_value == shapes.index(shape), shape) for shape in named]
    regex = f"^{regexes[0]}$" if len(regexes) == 1 else f"^({'|'.join(regexes)})$"
    unusual = ~column.matching(regex)
    if column.share(~unusual) < _REGULAR:
        return
    examples = sorted(_example(column, of_value == n)[:40] for n in np.flatnonzero(usual))
    yield about_values(
        column,
        "pattern",
        "expect_column_values_to_match_regex",
        unusual,
        kwargs={"regex": regex},
        description=f"{column.name} is written like {', '.join(map(repr, examples))}.",
        confidence=round(covered, 3),
        seen={"shapes": named, "covered": round(covered, 4)},
    )


def _example(column: ProfiledColumn, chosen: Bools) -> str:
    """The most frequent of the chosen values; of several, the first in order."""
    most = np.flatnonzero(chosen & (column.counts == column.counts[chosen].max()))
    examples: list[str] = column.texts.take(pa.array(most)).to_pylist()
    return min(examples)


def _regex(column: ProfiledColumn, chosen: Bools, shape: str) -> str:
    """A regular expression for the values of a shape, as RE2, Java and Python read it.

    Where a place has few different words it names them: a.m. or p.m., not any letters.
    """
    texts, counts = column.texts.filter(pa.array(chosen)), column.counts[chosen]
    letters = "[A-Za-z]+" if pc.all(pc.string_is_ascii(texts)).as_py() else r"[^\W\d_]+"
    places = _words(texts.to_pylist(), counts) if len(texts) <= _MOST_VALUES else []
    words = iter(places)
    return "".join(
        "[0-9]+" if piece == "9" else _named(next(words, Counter()), letters) if piece == "w" else re.escape(piece)
        for piece in _PIECES.findall(shape)
    )


def _words(values: list[str], counts: Ints) -> list[Counter[str]]:
    """For each place of a word, how often which word stands there."""
    places: list[Counter[str]] = []
    for value, count in zip(values, counts.tolist(), strict=True):
        for place, word in enumerate(_WORD.findall(value)):
            if place == len(places):
                places.append(Counter())
            places[place][word] += count
    return places


def _named(words: Counter[str], letters: str) -> str:
    total = words.total()
    usual = sorted(word for word, count in words.items() if count >= _USUAL_WORD * total)
    if not 0 < len(usual) <= _FEW_WORDS or sum(words[word] for word in usual) < _ALL_WORDS * total:
        return letters
    return usual[0] if len(usual) == 1 else f"({'|'.join(usual)})"


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
