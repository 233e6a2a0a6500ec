"""Whether the rows of an experiment agree on its plan: shares, prices, tiers, and an arm to compare with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from earshot.core.columns import (
    ARM,
    COUNTRY,
    CURRENCY,
    EXPERIMENT,
    OFFERED_TIER,
    PRICE,
    PROBABILITY,
    SOURCE_FILE,
    SOURCE_LINE,
)
from earshot.core.errors import InputError
from earshot.core.explanations import nearest

CONTROL: Final = "control"
_TOLERANCE: Final = 1e-6

# What must be the same in all rows of an experiment that share these columns, and what to do where it is not.
_FIXED: Final = (
    ((ARM,), PROBABILITY, "Strata with other shares are experiments of their own: name them so."),
    ((ARM,), OFFERED_TIER, "An arm offers one tier: make two arms of it."),
    ((ARM, COUNTRY), PRICE, "An arm asks one price in a country: make two arms of it."),
    ((ARM, COUNTRY), CURRENCY, "A country pays in one currency."),
)


def check_plans(rows: Sequence[Mapping[str, Any]]) -> None:
    """Compare the rows of each experiment with one another.

    Args:
        rows: Rows of silver.offers, read and not yet written.

    Raises:
        InputError: Two rows contradict one another, shares add up to more than 1, only some rows have one, or no
            listener is in the arm `control`.
    """
    firsts: dict[tuple[object, ...], Mapping[str, Any]] = {}
    shares: dict[str, dict[str, float | None]] = {}
    lasts: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        for by, name, remedy in _FIXED:
            first = firsts.setdefault((row[EXPERIMENT], name, *(row[column] for column in by)), row)
            if first[name] != row[name]:
                _contradict(first, row, by, name, remedy)
        shares.setdefault(row[EXPERIMENT], {})[row[ARM]] = row[PROBABILITY]
        lasts[row[EXPERIMENT]] = row
    for experiment, of_arms in shares.items():
        _check_shares(experiment, of_arms, _place(lasts[experiment]))


def _contradict(first: Mapping[str, Any], row: Mapping[str, Any], by: tuple[str, ...], name: str, remedy: str) -> None:
    of = " in ".join(str(row[column]) for column in by)
    raise InputError(
        f"{of} of {row[EXPERIMENT]} has the {name} {_said(row[name])}, and {_said(first[name])} in {_place(first)}.",
        where=_place(row),
        remedy=remedy,
    )


def _check_shares(experiment: str, of_arms: Mapping[str, float | None], where: str) -> None:
    given = [share for share in of_arms.values() if share is not None]
    if given and len(given) < len(of_arms):
        without = ", ".join(sorted(arm for arm, share in of_arms.items() if share is None))
        raise InputError(
            f"{experiment} has probabilities of some arms, and none of {without}.",
            where=where,
            remedy="Give every arm its planned share, or none where nobody drew lots.",
        )
    if sum(given) > 1 + _TOLERANCE:
        raise InputError(
            f"The probabilities of the arms of {experiment} add up to {sum(given):g}.",
            where=where,
            remedy="Write the planned shares, which add up to 1.",
        )
    if CONTROL not in of_arms:
        raise InputError(
            f"{experiment} has no arm {CONTROL}.",
            where=where,
            remedy=f"Is it {nearest(CONTROL, of_arms)}? The arm that the others are compared with is named {CONTROL}.",
        )


def _place(row: Mapping[str, Any]) -> str:
    return f"{row[SOURCE_FILE]}, line {row[SOURCE_LINE]}"


def _said(value: object) -> str:
    if value is None:
        return "none"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
