"""Money as a person reads it: thousands separated, the decimals of its currency, its ISO 4217 code."""

from __future__ import annotations

from decimal import Decimal

from earshot.core.currencies import minor_unit


def money(value: Decimal, currency: str) -> str:
    """`1,234.50 EUR`, `1,235 JPY`, `1.235 BHD`."""
    return f"{value.quantize(minor_unit(currency)):,} {currency}"


def change(value: Decimal, currency: str) -> str:
    """The same with its sign; a minus that is as wide as the plus; `±0` of nothing."""
    rounded = value.quantize(minor_unit(currency))
    if not rounded:
        return "±0"
    return f"{rounded:+,}".replace("-", "\u2212")
