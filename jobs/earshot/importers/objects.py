"""JSON as strict as it can be: no duplicate keys, no NaN, no halves of surrogate pairs, no bottomless nesting."""

from __future__ import annotations

import json
from typing import Any

from earshot.importers.faults import shown
from earshot.importers.shape import READABLE_LINE, WITHIN_LIMITS, Limits

_DEEPEST = 100


class UnreadableError(ValueError):
    """A text is no JSON that can be trusted.

    Args:
        why: Without the text itself.
        fault: A rule of the parser.
    """

    def __init__(self, why: str, fault: str = READABLE_LINE) -> None:
        super().__init__(why)
        self.why, self.fault = why, fault


def object_of(line: bytes, limits: Limits) -> dict[str, Any]:
    """The JSON object in a line.

    Raises:
        UnreadableError: It is none.
    """
    if len(line) > limits.max_line_bytes:
        raise UnreadableError(f"the line is longer than {limits.max_line_bytes:,} bytes", WITHIN_LIMITS)
    try:
        text = line.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"no UTF-8 at byte {error.start + 1}") from None
    return as_object(value_of(text))


def value_of(text: str) -> Any:
    """The JSON value of a whole text.

    Raises:
        UnreadableError: It holds none, or more than one.
    """
    try:
        return checked(STRICT.decode(text), text)
    except RecursionError:
        raise too_deep() from None
    except json.JSONDecodeError as error:
        raise UnreadableError(f"no JSON: {error.msg} at character {error.pos + 1}") from None
    except UnreadableError:
        raise
    except ValueError as error:
        raise UnreadableError(f"no JSON: {str(error)[:60]}") from None


def checked(value: Any, text: str) -> Any:
    """The value that was parsed from a text, if it can be written and walked through.

    Raises:
        UnreadableError: It holds half of a surrogate pair, or is nested bottomlessly.
    """
    if depth_of(value) > _DEEPEST:
        raise too_deep()
    try:
        (json.dumps(value, ensure_ascii=False) if "\\u" in text else text).encode()
    except UnicodeEncodeError:
        raise UnreadableError("it holds half of a surrogate pair, or bytes that are no UTF-8") from None
    return value


def as_object(value: Any) -> dict[str, Any]:
    """The value, if it is an object.

    Raises:
        UnreadableError: It is not.
    """
    if not isinstance(value, dict):
        kind = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}.get(type(value), "a number")
        raise UnreadableError(f"it is {kind}, not an object")
    return value


def depth_of(value: object) -> int:
    """How deep lists and objects are nested in each other; 0 where it is neither."""
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth


def too_deep() -> UnreadableError:
    """The error of nesting that never ends."""
    return UnreadableError("it is nested too deep to be read", WITHIN_LIMITS)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise UnreadableError(f"the key {shown(twice)} stands there twice")
    return found


def _refuse(constant: str) -> None:
    raise UnreadableError(f"no JSON: {constant} is no number")


STRICT = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_refuse)
