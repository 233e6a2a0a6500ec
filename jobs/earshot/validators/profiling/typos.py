"""Slips of a pen: rare values one letter away from a frequent one.

Neighbours are found by what is left when a letter is taken out (SymSpell's symmetric deletes), so that a column
costs the sum of its values' lengths and not the square of their number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from earshot.validators.profiling.columns import ProfiledColumn
from earshot.validators.profiling.findings import Finding, about_values

_SHORTEST, _LONGEST = 5, 200
_MOST_VALUES = 50_000
_FREQUENT, _TIMES, _RARE, _SELDOM = 5, 8, 0.005, 50
_LISTED = 500
_LETTERS, _CROWDED = 0.5, 0.05
_SYMBOLS = " -*#~^_$%@!;:|+=<>?/\\"


def find_typos(column: ProfiledColumn) -> Iterator[Finding]:
    """Values that look like a misspelling of another one."""
    if not column.is_text or len(column.texts) > _MOST_VALUES:
        return
    right = misspelt(dict(zip(column.values, column.counts.tolist(), strict=True)), column.filled)
    if not right:
        return
    listed = sorted(right)[:_LISTED]
    yield about_values(
        column,
        "no_misspelling",
        "expect_column_values_to_not_be_in_set",
        np.isin(np.array(column.values, dtype=object), listed),
        kwargs={"value_set": listed},
        description=f"{column.name} is not a misspelling, such as {listed[0][:40]!r} for {right[listed[0]][:40]!r}.",
        confidence=0.85,
        seen={"meant": {wrong[:80]: right[wrong][:80] for wrong in listed[:20]}},
    )


def misspelt(counts: dict[str, int], rows: int) -> dict[str, str]:
    """Rare values, each with the frequent value that was meant.

    Args:
        counts: Rows of each value.
        rows: All of them.
    """
    near: dict[str, list[str]] = defaultdict(list)
    for value, count in counts.items():
        if count >= _FREQUENT and _SHORTEST <= len(value) <= _LONGEST and _is_wordy(value):
            for rest in {value, *_shortened(value)}:
                near[rest].append(value)
    frequent = {value for values in near.values() for value in values}
    crowded = sum(any(_is_slip(v, o) for r in (v, *_shortened(v)) for o in near[r] if o != v) for v in frequent)
    if crowded > _CROWDED * len(frequent):
        near.clear()  # words that differ by a letter are different words here
    found: dict[str, str] = {}
    for value, count in counts.items():
        if count > max(2, min(_SELDOM, _RARE * rows)) or len(value) > _LONGEST:
            continue
        bare = value.strip(_SYMBOLS)
        if bare != value.strip() and counts.get(bare, 0) >= max(_FREQUENT, _TIMES * count):
            found[value] = bare
            continue
        if len(value) < _SHORTEST - 1:
            continue
        candidates = {right for rest in (value, *_shortened(value)) for right in near.get(rest, ())}
        meant = [r for r in candidates if counts[r] >= _TIMES * count and r != value and _is_slip(value, r)]
        if meant:
            found[value] = max(meant, key=lambda right: (counts[right], right))
    return found


def _is_wordy(value: str) -> bool:
    """Whether it is mostly letters: next to a time or a code lies another time or code."""
    return sum(character.isalpha() for character in value) > _LETTERS * len(value)


def _shortened(value: str) -> Iterator[str]:
    for place in range(len(value)):
        yield value[:place] + value[place + 1 :]


def _is_slip(wrong: str, right: str) -> bool:
    """Whether they differ by one letter put in, left out, replaced or two swapped; not by a number or by case."""
    if wrong.casefold() == right.casefold():
        return False
    start = 0
    while start < min(len(wrong), len(right)) and wrong[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(wrong), len(right)) - start and wrong[-1 - end] == right[-1 - end]:
        end += 1
    ours, theirs = wrong[start : len(wrong) - end], right[start : len(right) - end]
    if sorted(ours) == sorted(theirs) and len(ours) == 2:  # noqa: PLR2004 (two swapped)
        return not ours.isdigit()
    if len(ours) > 1 or len(theirs) > 1:
        return False
    return not (ours + theirs).isdigit()
