"""Experiments as files: what a row may say, what an error names, and who is left out."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from earshot.core.errors import InputError
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.core.table_history import TableHistory
from earshot.importers.offers import OffersImport, import_offers
from earshot.security.keys import load_keys
from earshot.security.pseudonyms import Pseudonymiser
from earshot.security.tombstones import TOMBSTONES, Buried
from earshot.security.vault import Vault

NOW = datetime(2026, 3, 29, tzinfo=UTC)
HEADER = (
    "experiment,listener,arm,assigned_at,probability,country,tier,offered_tier,price,currency,received,converted_at\n"
)
CONTROL = "t,zoe,control,2026-03-20T10:00:00Z,0.5,DE,free,premium,10.99,EUR,no,\n"
OFFER = "t,anna,half,2026-03-20T11:00:00+01:00,0.5,de,Free,premium,5.49,eur,yes,2026-03-21T00:00:00Z\n"


@pytest.fixture
def folder(settings: Settings) -> Path:
    made = settings.home / "catalogue" / "offers"
    made.mkdir(parents=True)
    return made


def _import(settings: Settings) -> OffersImport:
    return import_offers(settings, clock=lambda: NOW)


def test_no_folder_is_no_experiment(settings: Settings) -> None:
    assert _import(settings) == OffersImport(0)
    assert TableHistory(settings.lake_root, "silver.offers").version is None


def test_assignments_are_read_once_by_pseudonym_and_files_that_are_gone_take_theirs_with_them(
    settings: Settings, folder: Path
) -> None:
    (folder / "test.csv").write_text("\ufeff" + HEADER + CONTROL + "\n" + OFFER)
    (folder / ".draft.csv").write_text("nonsense")
    assert _import(settings) == OffersImport(1, rows=2, written=True)
    assert not _import(settings).written
    small, keys = SmallTables(settings.lake_root), load_keys(settings)
    anna = Pseudonymiser(keys.pseudonym_key, keys.key_version).token("anna")
    (row,) = small.rows("silver.offers", [("arm", "=", "half")])
    assert (row["listener_id"], row["country"], row["tier"], row["price"]) == (anna, "DE", "free", Decimal("5.49"))
    assert (row["assigned_at"], row["received"], row["source_line"]) == (datetime(2026, 3, 20, 10, tzinfo=UTC), True, 4)
    assert Vault(settings, small).reveal(anna) == "anna"
    assert "anna" not in str(small.rows("silver.offers"))

    (folder / "test.csv").unlink()
    assert _import(settings).written
    assert small.arrow("silver.offers").num_rows == 0


def test_who_was_erased_stays_out(settings: Settings, folder: Path) -> None:
    small, keys = SmallTables(settings.lake_root), load_keys(settings)
    anna = Pseudonymiser(keys.pseudonym_key, keys.key_version).token("anna")
    small.append(TOMBSTONES, [{"listener_id": Buried(keys.master_key).token(anna), "erased_at": NOW, "run_id": "r"}])
    (folder / "test.csv").write_text(HEADER + CONTROL + OFFER)
    assert _import(settings) == OffersImport(1, rows=1, erased=1, written=True)
    assert Vault(settings, small).reveal(anna) is None


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        (HEADER + CONTROL + OFFER + OFFER, "anna is in t twice", 4),
        (HEADER + CONTROL + OFFER + OFFER.replace("half", "third"), "anna is in t in the arms half and third", 4),
        (HEADER + CONTROL + OFFER.replace("0.5,de", "0.6,de"), "add up to 1.1", 3),
        (HEADER + CONTROL + OFFER.replace("0.5,de", ",de"), "none of half", 3),
        (HEADER + CONTROL.replace("control", "contol") + OFFER, "no arm control", 3),
        (
            HEADER + CONTROL + OFFER + OFFER.replace("anna", "bo").replace("0.5,de", "0.4,de"),
            "probability 0.4, and 0.5",
            4,
        ),
        (HEADER + CONTROL + OFFER + OFFER.replace("anna", "bo").replace("5.49", "6"), "price 6, and 5.49", 4),
        (HEADER + CONTROL + OFFER.replace("0.5,de", "1.5,de"), "'1.5' is no part of 1", 3),
        (HEADER + CONTROL + OFFER.replace("0.5,de", "half,de"), "'half' is no part of 1", 3),
        (HEADER + CONTROL + OFFER.replace("T11:00:00+01:00", "T11:00:00"), "no moment with a zone", 3),
        (HEADER + CONTROL + OFFER.replace("2026-03-21T", "2026-03-19T"), "converted before they were assigned", 3),
        (HEADER + CONTROL + OFFER.replace("5.49", "-1"), "'-1' is no price", 3),
        (HEADER + CONTROL + OFFER.replace("5.49", "NaN"), "'NaN' is no price", 3),
        (HEADER + CONTROL + OFFER.replace("eur", "euro"), "'EURO' is no currency", 3),
        (HEADER + CONTROL + OFFER.replace(",de,", ",germany,"), "'GERMANY' is no country", 3),
        (HEADER + CONTROL + OFFER.replace("Free", "fre"), "'fre' is no tier", 3),
        (HEADER + CONTROL + OFFER.replace(",premium,", ",,"), "price of no tier", 3),
        (HEADER + CONTROL + OFFER.replace("yes", "perhaps"), "received is 'perhaps'", 3),
        (HEADER + CONTROL + OFFER.replace("anna", " "), "no listener", 3),
        (HEADER + CONTROL + OFFER.strip() + ",more\n", "more cells than the header", 3),
        (HEADER.replace("listener", "user") + CONTROL, "no column listener", 1),
        (HEADER.replace("probability", "probabilty") + CONTROL, "unknown column 'probabilty'", 1),
    ],
)
def test_a_row_that_cannot_be_is_named_with_file_and_line_and_nothing_is_written(
    settings: Settings, folder: Path, text: str, what: str, line: int
) -> None:
    (folder / "good.csv").write_text(HEADER + CONTROL.replace("t,", "other,", 1))
    _import(settings)
    (folder / "test.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        _import(settings)
    assert caught.value.exit_code == 2
    assert what in caught.value.what
    assert f"test.csv, line {line}" in caught.value.where
    assert caught.value.remedy
    assert SmallTables(settings.lake_root).arrow("silver.offers").num_rows == 1


def test_a_listener_twice_is_found_across_files(settings: Settings, folder: Path) -> None:
    (folder / "a.csv").write_text(HEADER + CONTROL + OFFER)
    (folder / "b.csv").write_text(HEADER + OFFER.replace("half", "third"))
    with pytest.raises(InputError, match="in the arms half and third") as caught:
        _import(settings)
    assert "a.csv, line 3" in caught.value.remedy


def test_bytes_that_are_no_text_are_no_experiment(settings: Settings, folder: Path) -> None:
    (folder / "a.csv").write_bytes(HEADER.encode() + b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        _import(settings)
