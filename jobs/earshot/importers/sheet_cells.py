"""What a cell of a sheet in HOME/catalogue may hold; an error names file, line and remedy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from earshot.core.countries import ISO_3166_ALPHA_2
from earshot.core.currencies import ISO_4217
from earshot.core.errors import InputError
from earshot.core.explanations import nearest
from earshot.core.revenue_settings import TIERS

FEW_DECIMALS: Final = 6
"""Decimals that a number of a sheet may have: those of `decimal(28,6)`."""

_MOST: Final = Decimal(10) ** 13
_SAID: Final = {"": None, "yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def text_of(texts: Mapping[str, str], name: str, where: str) -> str:
    """A text that must be there."""
    if not texts[name]:
        raise InputError(f"The row has no {name}.", where=where, remedy="Fill it in, or remove the row.")
    return texts[name]


def moment_of(text: str, name: str, where: str) -> datetime:
    """A moment with a zone, in UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        raise InputError(
            f"{name} is {text!r}, which is no moment with a zone.",
            where=where,
            remedy="Write ISO 8601 with a zone, such as 2026-03-22T09:30:00+01:00.",
        )
    return moment.astimezone(UTC)


def probability_of(text: str, where: str) -> float | None:
    """The planned probability of an arm; None where nobody drew lots."""
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= 1:
        raise InputError(
            f"The probability {text!r} is no part of 1.",
            where=where,
            remedy="Write the planned share of the arm, above 0 and up to 1, such as 0.25.",
        )
    return number


def price_of(text: str, where: str) -> Decimal | None:
    """A price a month; None where the arm names none."""
    if not text:
        return None
    try:
        price = Decimal(text)
    except InvalidOperation:
        price = Decimal("NaN")
    if not (price.is_finite() and 0 <= price < _MOST and round(price, FEW_DECIMALS) == price):
        raise InputError(
            f"{text!r} is no price.", where=where, remedy="Write a number from 0, with a point, such as 9.99."
        )
    return price


def country_of(text: str, where: str) -> str:
    """A country of ISO 3166-1 alpha-2."""
    return _known(text.upper(), sorted(ISO_3166_ALPHA_2), "country of ISO 3166", where)


def currency_of(text: str, where: str) -> str:
    """A currency of ISO 4217."""
    return _known(text.upper(), sorted(ISO_4217), "currency of ISO 4217", where)


def tier_of(text: str, name: str, where: str) -> str:
    """One of the tiers."""
    return _known(text.lower(), TIERS, f"tier ({name})", where)


def yes_or_no_of(text: str, where: str) -> bool | None:
    """Yes, no, or None where nobody looked."""
    if text.lower() not in _SAID:
        raise InputError(f"received is {text!r}.", where=where, remedy="Write yes or no, or leave it empty.")
    return _SAID[text.lower()]


def _known(text: str, known: tuple[str, ...] | list[str], kind: str, where: str) -> str:
    if text not in known:
        remedy = f"The nearest is {nearest(text, known)}." if text else "Fill it in."
        raise InputError(f"{text!r} is no {kind}.", where=where, remedy=remedy)
    return text
