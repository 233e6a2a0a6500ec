"""Common Media Client Data as CTA-5004 (version 1, 2020) writes it: keys, types, escaping, percent-encoding.

A payload is pairs `key=value` with commas between; TRUE is the key alone; strings stand in double quotes, in which `"`
and a backslash are escaped by a backslash; tokens and numbers stand bare (RFC 8941). In a query the whole payload is
percent-encoded, in a header it is not; as JSON it is an object whose values have JSON's types. Keys of clients' own
carry a hyphen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from earshot.importers.events import whole
from earshot.importers.faults import Faults, shown
from earshot.importers.shape import READABLE_LINE, TYPED_FIELDS, WITHIN_LIMITS

HEADERS: Final = ("cmcd-object", "cmcd-request", "cmcd-session", "cmcd-status")
ARGUMENT: Final = "CMCD"
VERSION: Final = 1

NUMBERS: Final = frozenset({"bl", "br", "d", "dl", "mtp", "rtp", "tb", "v"})
FLAGS: Final = frozenset({"bs", "su"})
STRINGS: Final = frozenset({"cid", "nor", "nrr", "sid"})
TOKENS: Final[Mapping[str, frozenset[str]]] = {
    "ot": frozenset({"m", "a", "v", "av", "i", "c", "tt", "k", "o"}),
    "sf": frozenset({"d", "h", "s", "o"}),
    "st": frozenset({"v", "l"}),
}
RATE: Final = "pr"
KEYS: Final = frozenset({*NUMBERS, *FLAGS, *STRINGS, *TOKENS, RATE})

_LONGEST_ID: Final = 64
_KEY: Final = re.compile(r"[A-Za-z*][A-Za-z0-9_.*-]*")
_STRING: Final = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_BARE: Final = re.compile(r"[^,\"\s]+")
_COMMA: Final = re.compile(r"[ \t]*,[ \t]*")
_WHOLE: Final = re.compile(r"-?\d{1,15}")
_DECIMAL: Final = re.compile(r"-?\d{1,12}(\.\d{1,3})?")
_NUMBER_OF_OWN: Final = re.compile(r"-?\d{1,15}(\.\d{1,3})?")
_TOKEN: Final = re.compile(r"[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*")
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNENCODED: Final = re.compile(r'[=,"\\ ]')
_TWICE: Final = re.compile(r"[A-Za-z*][A-Za-z0-9_.*-]*%(3D|2C)", re.IGNORECASE)
_RANGE: Final = re.compile(r"\d+-\d*|-\d+")


class _Quoted(str):
    """A value that stood in quotes."""

    __slots__ = ()


def payload_of_query(query: str, faults: Faults) -> str | None:
    """The payload in a query, decoded; None where the query has none, or none that can be read.

    Some logs (CloudFront's) encode the query once more.

    Args:
        query: What follows `?`, as the request had it.
        faults: What is wrong is added.
    """
    found = [value for name, _, value in (pair.partition("=") for pair in query.split("&")) if name == ARGUMENT]
    if not found or not any(found):
        return None
    if len(found) > 1:
        faults.note(READABLE_LINE, "the query has more than one CMCD argument")
        return None
    if broken := _BROKEN_ESCAPE.search(found[0]):
        faults.note(READABLE_LINE, f"CMCD: percent-encoding is broken at character {broken.start() + 1}")
        return None
    if bare := _UNENCODED.search(found[0]):
        faults.note(READABLE_LINE, f"CMCD: {shown(bare[0])} at character {bare.start() + 1} is not percent-encoded")
        return None
    try:
        text = unquote_to_bytes(found[0]).decode("utf-8")
        return unquote_to_bytes(text).decode("utf-8") if _TWICE.match(text) else text
    except UnicodeDecodeError:
        faults.note(READABLE_LINE, "CMCD: what is percent-encoded is no UTF-8")
        return None


def read_payload(text: str, faults: Faults) -> dict[str, Any]:
    """The typed values of a payload that is not percent-encoded (any more); those of bad ones are left out."""
    told: dict[str, Any] = {}
    at = 0
    while at < len(text):
        key = _KEY.match(text, at)
        if key is None:
            return _malformed(at, "no key begins here", faults)
        at = key.end()
        value: Any = True
        if text[at : at + 1] == "=":
            quoted = _STRING.match(text, at + 1)
            bare = None if quoted else _BARE.match(text, at + 1)
            if quoted:
                value = _Quoted(re.sub(r"\\(.)", r"\1", quoted[1]))
                at = quoted.end()
            elif bare:
                value, at = bare[0], bare.end()
            else:
                return _malformed(at + 1, f"the value of {shown(key[0])} is no string, token or number", faults)
        if key[0] in told:
            return _malformed(key.start(), f"the key {shown(key[0])} stands there twice", faults)
        told[key[0]] = value
        if at == len(text):
            break
        comma = _COMMA.match(text, at)
        if comma is None or comma.end() == len(text):
            return _malformed(at, "a comma and a further pair were expected", faults)
        at = comma.end()
    return {key: typed for key, value in told.items() if (typed := _typed(key, value, faults)) is not None}


def read_object(item: Mapping[str, Any], faults: Faults) -> dict[str, Any]:
    """The typed values of a payload that came as a JSON object."""
    told: dict[str, Any] = {}
    for key, value in item.items():
        if value is None or (key in FLAGS and value is False):
            continue
        if isinstance(value, bool) or (isinstance(value, str) and key in TOKENS):
            typed = _typed(key, value, faults)
        elif isinstance(value, str):
            typed = _typed(key, _Quoted(value), faults)
        elif isinstance(value, int | float | Decimal):
            number = whole(value)
            typed = _typed(key, str(value if number is None else number), faults)
        else:
            typed = _refused(faults, key, value, "is neither text, number nor true")
        if typed is not None:
            told[key] = typed
    return told


def _typed(key: str, value: Any, faults: Faults) -> Any:  # noqa: PLR0911 (one return a type)
    """The value of a key as its type; None, and a fault, where it is none of it."""
    if key in FLAGS:
        return value if value is True else _refused(faults, key, value, "is a flag: it stands without a value")
    if key in NUMBERS:
        return _number(key, value, faults)
    if key in TOKENS:
        known = not isinstance(value, _Quoted) and value in TOKENS[key]
        return value if known else _refused(faults, key, value, f"is none of {', '.join(sorted(TOKENS[key]))}")
    if key == RATE:
        is_rate = _is_bare(value) and _DECIMAL.fullmatch(value) and not value.startswith("-")
        return Decimal(value) if is_rate else _refused(faults, key, value, "is no playback rate")
    if key in STRINGS:
        return _string(key, value, faults)
    if "-" not in key:
        return _refused(faults, key, value, f"is no key of CMCD version {VERSION}; a client's own carry a hyphen")
    if value is True or isinstance(value, _Quoted) or _NUMBER_OF_OWN.fullmatch(value) or _TOKEN.fullmatch(value):
        return value
    return _refused(faults, key, value, "is no string, token or number")


def _number(key: str, value: Any, faults: Faults) -> Any:
    if not _is_bare(value) or not _WHOLE.fullmatch(value) or value.startswith("-"):
        return _refused(faults, key, value, "is no whole number from 0 on")
    if key == "v" and int(value) != VERSION:
        return _refused(faults, key, value, f"is no version that can be read; {VERSION} is")
    return int(value)


def _string(key: str, value: Any, faults: Faults) -> Any:
    if not isinstance(value, _Quoted):
        return _refused(faults, key, value, "is no string in double quotes")
    text = str(value)
    if key in {"cid", "sid"} and (not text.strip() or len(text) > _LONGEST_ID):
        return _refused(faults, key, text, f"is empty or longer than {_LONGEST_ID} characters", WITHIN_LIMITS)
    if not text.isprintable():
        return _refused(faults, key, text, "holds a character that is not printed")
    if key == "nor" and _BROKEN_ESCAPE.search(text):
        return _refused(faults, key, text, "is no percent-encoded path")
    if key == "nrr" and not _RANGE.fullmatch(text):
        return _refused(faults, key, text, "is no range of bytes")
    return text


def _is_bare(value: Any) -> bool:
    return isinstance(value, str) and not isinstance(value, _Quoted)


def _refused(faults: Faults, key: str, value: Any, why: str, fault: str = TYPED_FIELDS) -> Any:
    faults.field(fault, key, value, why)


def _malformed(at: int, why: str, faults: Faults) -> dict[str, Any]:
    faults.note(READABLE_LINE, f"CMCD: {why} (character {at + 1})")
    return {}
