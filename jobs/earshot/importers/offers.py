"""Experiments with offers and prices: HOME/catalogue/offers/*.csv into silver.offers, all or nothing."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
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
from earshot.core.explanations import nearest
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.core.table_history import TableHistory
from earshot.importers.offer_cells import (
    country_of,
    currency_of,
    moment_of,
    price_of,
    probability_of,
    text_of,
    tier_of,
    yes_or_no_of,
)
from earshot.importers.offer_plans import check_plans
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
    paths = sorted((settings.home / "catalogue" / "offers").glob("*.csv"))
    files = [path for path in paths if not path.name.startswith((".", "_"))]
    present = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    if present == _known(settings.lake_root):
        return OffersImport(len(files))
    rows = _once_each(row for path in files for row in _rows(path))
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
    return OffersImport(len(files), len(kept), len(rows) - len(kept), written=True)


def _known(root: str) -> dict[str, str]:
    changes = TableHistory(root, TABLE).changes
    return next((dict(change.metadata[_FILES]) for change in changes if _FILES in change.metadata), {})


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            names = [(name or "").strip().lower() for name in reader.fieldnames or []]
            _check_header(names, path)
            reader.fieldnames = names
            for cells in reader:
                yield _row(cells, path, reader.line_num)
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise InputError(
            f"{path.name} cannot be read: {error}.", where=str(path), remedy="Save it as CSV in UTF-8 with a header."
        ) from None


def _check_header(names: list[str], path: Path) -> None:
    where = f"{path}, line 1"
    known = (*_REQUIRED, *_OPTIONAL)
    for missing in (name for name in _REQUIRED if name not in names):
        near = nearest(missing, [name for name in names if name not in known])
        remedy = f"Is it {near}? Rename it." if near else f"It needs {', '.join(_REQUIRED)}."
        raise InputError(f"{path.name} has no column {missing}.", where=where, remedy=remedy)
    for unknown in (name for name in names if name not in known):
        remedy = f"Is it {nearest(unknown, known)}? Rename it, or leave it out."
        raise InputError(f"{path.name} has an unknown column {unknown!r}.", where=where, remedy=remedy)


def _row(cells: dict[str, Any], path: Path, line: int) -> dict[str, Any]:
    where = f"{path}, line {line}"
    if None in cells:
        raise InputError("The row has more cells than the header.", where=where, remedy="Quote cells with commas.")
    texts = {name: (cells.get(name) or "").strip() for name in (*_REQUIRED, *_OPTIONAL)}
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
        SOURCE_FILE: path.name,
        SOURCE_LINE: line,
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
