"""Minor units of currencies."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

# ISO 4217, list one: currencies whose minor unit has other than two decimals.
_DECIMALS: Final = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"), 0),
    **dict.fromkeys(("PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def minor_unit(currency: str) -> Decimal:
    """The smallest amount that can be paid: 0.01 of most currencies, 1 of JPY, 0.001 of BHD."""
    return Decimal(1).scaleb(-_DECIMALS.get(currency, 2))
