"""Checkpoints on the gate's verdicts: each verdict is told once, whatever fails, hangs or crashes on the way."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from earshot.integrations.connection_guard import ActionGuard
from earshot.validators.checkpoints.running import Checkpoints
from earshot.validators.reports import pages_by_batch, report_path
from loopback import Answer, Server

Make = Callable[..., Any]


def written(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "told.jsonl"


@pytest.fixture
def writes(file: Path) -> dict[str, Any]:
    return {"type": "own_actions:WritesFile", "path": str(file)}


def test_an_own_action_hears_of_every_verdict_once_with_what_great_expectations_gave(
    gate: Make, writes: dict[str, Any], file: Path
) -> None:
    here = gate(writes)
    here.judge("b1")
    here.judge("b2", 600)
    assert here.follow() == {"actions": 2}
    assert here.follow() == {}
    one, two = written(file)
    assert (one["checkpoint"], two["checkpoint"]) == ("gate admitted batch b1", "gate refused batch b2")
    assert (one["batch"], one["success"], one["asset"], one["unmet"]) == ("b1", False, "silver.listens", 1)
    assert {"checkpoint_id", "validation_id", "run_id", "validation_time", "suite_fingerprint"} <= set(one["meta"])
    assert two["unmet"] == 2


def test_the_page_of_a_verdict_is_drawn_with_it_and_the_others_stay(gate: Make) -> None:
    here = gate()
    here.judge("b1")
    assert here.follow() == {}, "Data Docs alone are nothing to tell"
    first = pages_by_batch(here.settings)
    here.judge("b2", 600)
    here.follow()
    pages = pages_by_batch(here.settings)
    assert sorted(pages) == ["", "b1", "b2"]
    assert pages["b1"] == first["b1"]
    index = (here.settings.home / "reports" / pages[""]).read_text(encoding="utf-8")
    assert all(pages[batch].removeprefix("data_docs/") in index for batch in ("b1", "b2"))
    assert not (here.settings.home / "reports" / "data_docs" / "static").exists()


def test_the_same_verdict_given_again_is_not_told_again_and_another_one_is(
    gate: Make, writes: dict[str, Any], file: Path
) -> None:
    here = gate(writes)
    here.judge("b1", 600)
    here.follow()
    here.judge("b1", 600)
    here.follow()
    assert len(written(file)) == 1
    here.judge("b1", 60)
    here.follow()
    assert [told["checkpoint"] for told in written(file)] == ["gate refused batch b1", "gate admitted batch b1"]


@pytest.mark.parametrize(("on", "heard"), [("refused", ["b2"]), ("admitted", ["b1"]), ("all", ["b1", "b2"])])
def test_an_action_hears_of_the_outcome_that_it_asked_for(
    gate: Make, writes: dict[str, Any], file: Path, on: str, heard: list[str]
) -> None:
    here = gate(writes | {"on": on})
    here.judge("b1", 60)
    here.judge("b2", 600)
    here.follow()
    assert [told["batch"] for told in written(file)] == heard


def test_an_action_that_is_new_in_the_settings_does_not_hear_of_the_past(
    gate: Make, writes: dict[str, Any], file: Path
) -> None:
    before = gate()
    before.judge("b1")
    before.follow()
    here = gate(writes)
    here.judge("b1")
    here.judge("b2")
    here.follow()
    assert [told["batch"] for told in written(file)] == ["b2"]


def test_an_action_that_fails_is_told_of_tried_again_and_stops_no_other(
    gate: Make, writes: dict[str, Any], file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    until = tmp_path / "well"
    here = gate(writes | {"type": "own_actions:Fails", "until": str(until)}, writes)
    here.judge("b1")
    facts = here.follow()
    assert facts == {"actions": 1, "actions_failed": "Fails: RuntimeError: nothing at ***"}
    assert here.owed == {"b1": ("Fails",)}
    line = next(line for line in capsys.readouterr().err.splitlines() if "action failed" in line)
    assert json.loads(line) | {"at": ""} == {
        "at": "",
        "level": "warning",
        "event": "action failed",
        "action": "Fails",
        "batch": "b1",
        "reason": "RuntimeError: nothing at ***",
    }
    assert len(written(file)) == 1
    until.touch()
    here.later(minutes=5)
    assert here.follow() == {"actions": 1}
    assert (len(written(file)), here.owed) == (2, {})


def test_an_action_is_given_up_when_its_verdict_is_old(gate: Make, writes: dict[str, Any], file: Path) -> None:
    here = gate(writes | {"type": "own_actions:Fails", "until": "/nowhere/at all"}, act_within_hours=2)
    here.judge("b1")
    here.follow()
    here.later(hours=1.9)
    here.follow()
    assert here.owed == {"b1": ("Fails",)}
    here.later(hours=0.2)
    assert here.follow() == {"actions_failed": "Fails: given up: RuntimeError: nothing at ***"}
    assert here.owed == {}
    kept = json.loads((here.settings.home / "reports" / "actions" / "done" / "b1.json").read_text())
    assert kept["failed"]["Fails"]["attempts"] == 2
    assert list(kept["done"]) == ["update_data_docs"]


def test_an_action_that_hangs_is_left_behind_in_its_time_and_not_begun_twice(
    gate: Make, writes: dict[str, Any], file: Path
) -> None:
    here = gate({"type": "own_actions:Hangs", "timeout_s": 0.2}, writes)
    here.judge("b1")
    here.judge("b2")
    facts = here.follow()
    assert facts["actions"] == 2
    assert "has not ended yet" in facts["actions_failed"]
    assert [told["batch"] for told in written(file)] == ["b1", "b2"]
    assert here.owed == {"b1": ("Hangs",), "b2": ("Hangs",)}
    assert [thread.name for thread in threading.enumerate()].count("gate action Hangs") == 1


def test_an_action_that_leaves_the_program_leaves_alone(
    gate: Make, writes: dict[str, Any], file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = gate({"type": "own_actions:Leaves"}, writes)
    here.judge("b1")
    assert here.follow() == {"actions": 1, "actions_failed": "Leaves: It ended itself: SystemExit"}
    told = capsys.readouterr()
    assert told.out == "", "standard output belongs to the command"
    assert "good-bye" in told.err


def test_data_docs_that_cannot_be_drawn_stop_no_action_and_leave_no_trace(
    gate: Make, writes: dict[str, Any], file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    here = gate(writes)
    here.judge("b1")
    folder = here.settings.home / "reports" / "data_docs" / "validations" / "silver_listens"
    folder.mkdir(parents=True)
    (folder / "admitted").write_text("no folder")
    facts = here.follow()
    assert facts["actions"] == 1
    assert facts["actions_failed"].startswith("update_data_docs: A page could not be written: NotADirectoryError")
    assert here.owed == {"b1": ("update_data_docs",)}
    assert "Traceback" not in capfd.readouterr().err
    (folder / "admitted").unlink()
    assert here.follow() == {}
    assert here.owed == {}
    assert sorted(pages_by_batch(here.settings)) == ["", "b1"]
    assert [told["batch"] for told in written(file)] == ["b1"]


def test_pages_of_suites_that_cannot_be_drawn_are_told_without_a_trace_and_only_there(
    gate: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    here = gate()
    here.judge("b1")
    docs = here.settings.home / "reports" / "data_docs"
    docs.mkdir(parents=True)
    (docs / "expectations").write_text("no folder")
    assert "FileExistsError" in here.follow()["actions_failed"]
    told = capfd.readouterr().err
    assert "page not drawn" in told
    assert "FileExistsError" in told
    assert "Traceback" not in told
    assert logging.getLogger("great_expectations.render.renderer.site_builder").propagate, "export_reports is heard"
    (docs / "expectations").unlink()
    here.judge("b2")
    assert here.follow() == {}
    assert (docs / "expectations" / "silver_listens.html").is_file(), "what is missing is drawn by the next run"


def test_a_verdict_that_is_not_there_yet_waits_for_it_but_not_for_ever(
    gate: Make, writes: dict[str, Any], file: Path
) -> None:
    here = gate(writes)
    for batch in ("killed", "damaged"):
        here.judge(batch)
    verdict = report_path(here.settings, "killed").read_bytes()
    report_path(here.settings, "killed").unlink()
    report_path(here.settings, "damaged").write_text("{")
    assert here.follow() == {}
    assert sorted(here.owed) == ["damaged", "killed"]
    report_path(here.settings, "killed").write_bytes(verdict)
    assert here.follow() == {"actions": 1}
    here.later(hours=73)
    assert here.follow() == {}
    assert here.owed == {}
    assert [told["batch"] for told in written(file)] == ["killed"]


def test_an_action_that_left_the_settings_is_not_owed_any_more(gate: Make, writes: dict[str, Any], file: Path) -> None:
    gate(writes).judge("b1")
    here = gate()
    here.follow()
    assert here.owed == {}
    assert written(file) == []


def test_a_run_that_fails_acts_on_its_verdicts_too(gate: Make, writes: dict[str, Any], file: Path) -> None:
    here = gate(writes)
    here.judge("b1", 600)
    job = here.job()
    with pytest.raises(ZeroDivisionError), Checkpoints(job, ActionGuard(here.settings.alerts)).following():
        1 / 0  # noqa: B018 (what is raised does not matter)
    assert [told["batch"] for told in written(file)] == ["b1"]


def test_nothing_but_the_actions_calls_anybody(gate: Make, server: Server) -> None:
    called: list[Any] = []
    is_listening = [True]

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        if is_listening and event == "socket.connect":
            called.append(arguments[1])

    sys.addaudithook(listen)
    server.answer = lambda seen: Answer(200, body=b"ok")
    here = gate({"type": "slack", "slack_webhook": f"{server.url}/services/x"})
    here.judge("b1")
    assert here.follow() == {"actions": 1}
    is_listening.clear()
    assert [f"http://{host}:{port}" for host, port in called] == [server.url]
