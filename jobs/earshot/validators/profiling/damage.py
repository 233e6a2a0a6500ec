"""Text that was damaged on its way: wrong encodings, stray blanks."""

from __future__ import annotations

from collections.abc import Iterator

from earshot.validators.profiling.columns import ProfiledColumn
from earshot.validators.profiling.findings import Finding, about_values

# The replacement character, C1 controls and private use; an accent on its own after a Latin letter that takes none;
# UTF-8 that was read as Latin-1 or Windows-1252 (a lead byte of two or three, then one of a continuation).
DAMAGED = (
    "\ufffd|[\u0080-\u009f]|[\ue000-\uf8ff]"
    "|[A-Za-z][\u0300-\u036f]"
    "|[\u00c2-\u00c3][\u00a0-\u00bf]"
    "|\u00e2[\u20ac\u201a-\u201e\u2020-\u2022\u0153\u02c6]"
)
STRAY_BLANK = r"^[ \t\r\n]|[ \t\r\n]$"

_RULES = (
    ("undamaged", DAMAGED, "{} holds no characters of a wrong encoding.", 0.97, 0.5),
    ("no_stray_blank", STRAY_BLANK, "{} neither begins nor ends with a blank.", 0.8, 0.1),
)


def find_damage(column: ProfiledColumn) -> Iterator[Finding]:
    """Values with characters that no one meant to write, where most have none."""
    if not column.is_text:
        return
    for kind, regex, told, confidence, most in _RULES:
        hit = column.matching(regex)
        if hit.any() and column.share(hit) <= most:
            yield about_values(
                column,
                kind,
                "expect_column_values_to_not_match_regex",
                hit,
                kwargs={"regex": regex},
                description=told.format(column.name),
                confidence=confidence,
                seen={"share": round(column.share(hit), 4)},
            )
