from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from earshot.automation.cli import main
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.security.audit import AuditChain
from earshot.security.keys import load_keys
from earshot.security.pseudonyms import Pseudonymiser
from earshot.security.vault import Vault


@pytest.fixture
def small(settings: Settings) -> SmallTables:
    return SmallTables(settings.lake_root)


@pytest.fixture
def audit(settings: Settings, small: SmallTables) -> AuditChain:
    chain = AuditChain(small, "anna", master_key=load_keys(settings).master_key, home=settings.home)
    for job in ("ingest_listens", "publish_listens", "build_marts"):
        chain.record("job.run", job, {})
    return chain


def test_verify_of_a_whole_chain_ends_0(audit: AuditChain, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--home", str(home), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["exit_code"] == 0
    assert answer["entries"] == 3
    assert answer["problems"] == []


def test_verify_of_a_chain_that_was_cut_ends_1_and_says_where(
    audit: AuditChain, small: SmallTables, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small.overwrite("ops.audit", [row for row in small.rows("ops.audit") if row["sequence"] < 3])
    assert main(["--home", str(home), "verify"]) == 1
    shown = capsys.readouterr().out
    assert "the last 1 entries are missing" in shown
    assert "Traceback" not in shown


def test_verify_before_the_first_run_ends_0(home: Path) -> None:
    assert main(["--home", str(home), "verify"]) == 0


def test_a_misspelt_home_is_no_proof_that_a_listener_is_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["erase", "anna", "--home", str(tmp_path / "none")]) == 2
    assert "There is no HOME" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


@pytest.mark.integration
def test_erase_prints_the_proof_and_never_the_listener(
    spark: SparkSession, settings: Settings, small: SmallTables, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    keys = load_keys(settings)
    pseudonym = Pseudonymiser(keys.pseudonym_key, keys.key_version).token("anna@example.org")
    Vault(settings, small).remember({pseudonym: "anna@example.org"})
    small.append("gold.recommendations", [{"listener_id": pseudonym, "rank": 1, "track_id": "trk:1"}])

    assert main(["erase", "anna@example.org", "--home", str(home), "--json"]) == 0

    out, err = capfd.readouterr()
    answer = json.loads(out)
    (job,) = answer["jobs"]
    assert answer["status"] == "done"
    assert job["facts"]["gold.recommendations"] == "1 -> 0"
    assert job["facts"]["ops.vault"] == "1 -> 0"
    assert job["facts"]["files_with_the_pseudonym"] == 0
    assert "anna@example.org" not in out + err
    assert pseudonym not in out + err
    actions = {row["sequence"]: row["action"] for row in small.rows("ops.audit")}
    assert actions[1] == "erase"
    assert main(["verify", "--home", str(home)]) == 0


def test_erasing_nobody_is_a_wrong_argument(
    spark: SparkSession, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["erase", " ", "--home", str(home)]) == 2
    assert "Traceback" not in capsys.readouterr().out
