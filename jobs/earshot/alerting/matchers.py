"""Label matchers with Alertmanager's operators: `=`, `!=`, `=~` and `!~` (anchored)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from earshot.core.errors import ArgumentError

_FORM = re.compile(r"^\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*$", re.DOTALL)
_LONGEST = 500


@dataclass(frozen=True)
class Matcher:
    """One condition on one label; a label that is missing is the empty string."""

    label: str
    operator: str
    value: str

    def __str__(self) -> str:
        """The matcher as it is written."""
        return f"{self.label}{self.operator}{self.value}"

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels satisfy the condition."""
        found = labels.get(self.label, "")
        if self.operator in {"=", "!="}:
            return (found == self.value) == (self.operator == "=")
        return (re.fullmatch(self.value, found) is not None) == (self.operator == "=~")


def parse_matcher(text: str) -> Matcher:
    """Read `label=value`, `label!=value`, `label=~pattern` or `label!~pattern`.

    Raises:
        ArgumentError: It has another form, or the pattern is no regular expression.
    """
    found = _FORM.match(text) if len(text) <= _LONGEST else None
    if found is None:
        raise ArgumentError(
            f"{text[:80]!r} is no matcher.",
            where=text[:80],
            remedy='Write label=value, label!=value, label=~"pattern" or label!~"pattern".',
        )
    label, operator, value = found.groups()
    unquoted = '"'
    if len(value) > 1 and value.startswith(unquoted) and value.endswith(unquoted):
        value = value[1:-1]
    if operator in {"=~", "!~"}:
        try:
            re.compile(value)
        except re.error as error:
            raise ArgumentError(
                f"{value!r} is no regular expression: {error}.", where=text, remedy="Mend the pattern."
            ) from None
    return Matcher(label, operator, value)


def parse_matchers(texts: Iterable[str]) -> tuple[Matcher, ...]:
    """Read matchers; all of them must hold."""
    return tuple(parse_matcher(text) for text in texts)


def parse_labels(text: str) -> dict[str, str]:
    """Read `country=BR,severity=critical` into labels.

    Raises:
        ArgumentError: A part is not `label=value`.
    """
    labels: dict[str, str] = {}
    for part in (piece for piece in text.split(",") if piece.strip()):
        matcher = parse_matcher(part)
        if matcher.operator != "=":
            raise ArgumentError(
                f"{part.strip()!r} is no label.", where=text, remedy="Write label=value, several with commas."
            )
        labels[matcher.label] = matcher.value
    return labels


def all_hold(matchers: Sequence[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether every matcher holds; no matchers match everything."""
    return all(matcher.holds(labels) for matcher in matchers)
