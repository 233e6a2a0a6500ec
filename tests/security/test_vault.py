from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from earshot.core.errors import IntegrityError
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.security.vault import VAULT, Sealer, Vault

ANNA, BERT = "v1:" + "a" * 32, "v1:" + "b" * 32


@pytest.fixture
def small_tables(settings: Settings) -> SmallTables:
    return SmallTables(settings.lake_root)


@pytest.fixture
def vault(settings: Settings, small_tables: SmallTables) -> Vault:
    return Vault(settings, small_tables)


def test_an_identity_can_be_revealed_and_lies_encrypted(vault: Vault, settings: Settings) -> None:
    assert vault.remember({ANNA: "anna@example.org", BERT: "bert"}) == 2
    assert vault.reveal(ANNA) == "anna@example.org"
    assert vault.reveal("v1:" + "c" * 32) is None
    files = [path for path in Path(settings.lake_root).rglob("*") if path.is_file()]
    assert files
    assert not any(b"anna@example.org" in path.read_bytes() for path in files)


def test_listeners_are_kept_once(vault: Vault, small_tables: SmallTables) -> None:
    vault.remember({ANNA: "anna"})
    assert vault.remember({ANNA: "anna", BERT: "bert"}) == 1
    assert vault.remember_sealed([vault.seal(ANNA, "anna"), vault.seal(BERT, "bert")]) == 0
    assert len(small_tables.rows(VAULT)) == 2


def test_each_listener_has_a_data_key_of_their_own(vault: Vault) -> None:
    one, other = vault.seal(ANNA, "same"), vault.seal(BERT, "same")
    swapped = {**one, "wrapped_key": other["wrapped_key"]}
    with pytest.raises(IntegrityError):
        vault.sealer.open(swapped)


def test_a_row_moved_to_another_listener_does_not_open(vault: Vault) -> None:
    with pytest.raises(IntegrityError):
        vault.sealer.open({**vault.seal(ANNA, "anna"), "listener_id": BERT})


def test_rows_sealed_on_executors_open_here(vault: Vault) -> None:
    sealer = pickle.loads(pickle.dumps(vault.sealer))
    assert vault.remember_sealed([sealer.seal(ANNA, "anna")]) == 1
    assert vault.reveal(ANNA) == "anna"
    assert repr(sealer) == "Sealer(key_version=1)"


def test_a_destroyed_listener_is_gone_from_every_file_after_the_vacuum(
    vault: Vault, small_tables: SmallTables, settings: Settings
) -> None:
    vault.remember({ANNA: "anna", BERT: "bert"})
    assert vault.destroy(ANNA)
    assert not vault.destroy(ANNA)
    assert vault.reveal(ANNA) is None
    assert vault.reveal(BERT) == "bert"
    small_tables.vacuum(VAULT, 0)
    assert len(list(Path(settings.lake_root, "ops", "vault").glob("*.parquet"))) == 1


def test_delta_keeps_no_statistics_on_identities(vault: Vault, settings: Settings) -> None:
    vault.remember({ANNA: "anna"})
    log = "".join(path.read_text() for path in Path(settings.lake_root, "ops", "vault", "_delta_log").glob("*.json"))
    assert ANNA not in log


def test_another_master_key_opens_nothing(vault: Vault) -> None:
    row = vault.seal(ANNA, "anna")
    with pytest.raises(IntegrityError, match="does not open"):
        Sealer(bytes(32), 1).open(row)
