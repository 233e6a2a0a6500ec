"""Experiments with offers and prices: HOME/catalogue/offers/*.csv into silver.offers, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from earshot.core.columns import (
    ARM,
    ASSIGNED_AT,
    CONVERTED_AT,
    COUNTRY,
    CURRENCY,
    EXPERIMENT,
    LISTENER_ID,
    OFFERED_TIER,
    PRICE,
    PROBABILITY,
    RECEIVED,
    SOURCE_FILE,
    SOURCE_LINE,
    TIER,
    UPDATED_AT,
)
from earshot.core.errors import InputError
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.importers.offer_plans import check_plans
from earshot.importers.sheet_cells import (
    country_of,
    currency_of,
    moment_of,
    price_of,
    probability_of,
    text_of,
    tier_of,
    yes_or_no_of,
)
from earshot.importers.sheets import Line, Sheets
from earshot.security.keys import load_keys
from earshot.security.pseudonyms import Pseudonymiser, is_pseudonym
from earshot.security.tombstones import Tombstones
from earshot.security.vault import Vault

TABLE: Final = "silver.offers"
LISTENER: Final = "listener"
_FILES: Final = "offer_files"
_REQUIRED: Final = (EXPERIMENT, LISTENER, ARM, ASSIGNED_AT, COUNTRY, TIER)
_OPTIONAL: Final = (PROBABILITY, OFFERED_TIER, PRICE, CURRENCY, RECEIVED, CONVERTED_AT)


@dataclass(frozen=True)
class OffersImport:
    """What is in silver.offers now.

    Attributes:
        files: Files in the folder.
        rows: Rows that were written.
        erased: Rows of erased listeners, which were left out.
        written: False where the files were in the table before.
    """

    files: int
    rows: int = 0
    erased: int = 0
    written: bool = False


def import_offers(settings: Settings, *, clock: Callable[[], datetime]) -> OffersImport:
    """Replace silver.offers by what the files hold, in one commit; files that are gone take their rows with them.

    A file is CSV in UTF-8 with a header, one line an assignment:

    - experiment, listener (the identity that plays have), arm (those who get no offer, or that of the price list,
      are in `control`), assigned_at (ISO 8601 with a zone), country and tier (at that moment)
    - probability: the planned probability of the arm, the same for everybody in it (strata with other shares are
      experiments of their own); left out where nobody drew lots: then nothing is said of causes
    - offered_tier, price (a month, of that arm in that country), currency: what the arm offers
    - received: yes or no, whether the offer was really seen; converted_at: when they took one, empty if never

    Args:
        settings: Where HOME/catalogue/offers (it may be missing), the lake and the keys are. Names that begin with
            `.` or `_` are still being written.
        clock: Wall time, UTC.

    Raises:
        InputError: A row cannot be what it should be, names a listener of an experiment twice, or contradicts the
            plan of its experiment; nothing is written then.
    """
    sheets = Sheets(settings.home / "catalogue" / "offers", TABLE, _FILES, _REQUIRED, _OPTIONAL, closed=True)
    present = sheets.contents()
    if present == sheets.imported(settings.lake_root):
        return OffersImport(len(present))
    rows = _once_each(map(_row, sheets.lines()))
    check_plans(rows)
    small, keys = SmallTables(settings.lake_root), load_keys(settings)
    pseudonyms, gone = Pseudonymiser(keys.pseudonym_key, keys.key_version), Tombstones.load(small, keys.master_key)
    named: dict[str, str] = {}
    kept, now = [], clock()
    for row in rows:
        identity = row.pop(LISTENER)
        pseudonym = identity if is_pseudonym(identity) else pseudonyms.token(identity)
        if pseudonym in gone:
            continue
        if pseudonym != identity:
            named[pseudonym] = identity
        kept.append({**row, LISTENER_ID: pseudonym, UPDATED_AT: now})
    Vault(settings, small, clock).remember(named)
    small.overwrite(TABLE, kept, metadata={_FILES: present})
    return OffersImport(len(present), len(kept), len(rows) - len(kept), written=True)


def _row(line: Line) -> dict[str, Any]:
    texts, where = line.cells, line.where
    row: dict[str, Any] = {
        EXPERIMENT: text_of(texts, EXPERIMENT, where),
        LISTENER: text_of(texts, LISTENER, where),
        ARM: text_of(texts, ARM, where),
        ASSIGNED_AT: moment_of(text_of(texts, ASSIGNED_AT, where), ASSIGNED_AT, where),
        PROBABILITY: probability_of(texts[PROBABILITY], where),
        COUNTRY: country_of(texts[COUNTRY], where),
        TIER: tier_of(text_of(texts, TIER, where), TIER, where),
        OFFERED_TIER: tier_of(texts[OFFERED_TIER], OFFERED_TIER, where) if texts[OFFERED_TIER] else None,
        PRICE: price_of(texts[PRICE], where),
        CURRENCY: currency_of(texts[CURRENCY], where) if texts[CURRENCY] or texts[PRICE] else None,
        RECEIVED: yes_or_no_of(texts[RECEIVED], where),
        CONVERTED_AT: moment_of(texts[CONVERTED_AT], CONVERTED_AT, where) if texts[CONVERTED_AT] else None,
        SOURCE_FILE: line.file,
        SOURCE_LINE: line.number,
    }
    if row[CONVERTED_AT] and row[CONVERTED_AT] < row[ASSIGNED_AT]:
        raise InputError(
            f"{row[LISTENER]} converted before they were assigned.",
            where=where,
            remedy="Leave out who had taken the offer before the experiment, in every arm alike.",
        )
    if row[PRICE] is not None and row[OFFERED_TIER] is None:
        raise InputError("There is a price of no tier.", where=where, remedy="Say in offered_tier what it is for.")
    return row


def _once_each(rows: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    seen: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        first = seen.setdefault((row[EXPERIMENT], row[LISTENER]), row)
        if first is not row:
            arms = "twice" if first[ARM] == row[ARM] else f"in the arms {first[ARM]} and {row[ARM]}"
            raise InputError(
                f"{row[LISTENER]} is in {row[EXPERIMENT]} {arms}.",
                where=f"{row[SOURCE_FILE]}, line {row[SOURCE_LINE]}",
                remedy=f"Keep the first assignment ({first[SOURCE_FILE]}, line {first[SOURCE_LINE]}), whatever came of "
                "it; who is in two arms by a fault of the lottery is left out of both.",
            )
    return list(seen.values())
