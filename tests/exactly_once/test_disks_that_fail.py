"""A disk that fails or is full in the middle of a run: a clear error, and the next run makes up for it."""

from __future__ import annotations

import errno
import json
import os
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyspark
import pytest

from exactly_once.homes import told
from exactly_once.processes import FAILING, STEPS, Run
from exactly_once.trials import Fault, Trials

_FAULTS, _FAULTS_OF_HADOOP = 24, 8
_TRACES = ('"traceback"', "Traceback (most recent call last)", "\tat org.", "\tat java.")


def check(fault: Fault) -> None:
    """A fault ended the run with what, where and remedy; the next run left what an undisturbed run leaves.

    What follows the verdicts (pages, messages) ends no run: it is told in a line of the log and in the summary.
    """
    assert fault.death.differences == [], fault.death.moment
    assert fault.place, "no call failed"
    if fault.code == 0 and re.search(r"/reports/(data_docs|actions)/", fault.place):
        assert not [trace for trace in _TRACES if trace in fault.text], fault.text[-4000:]
        lines = [json.loads(line) for line in fault.text.splitlines() if line.startswith('{"at"')]
        told = [line for line in lines if line["level"] in {"warning", "error"} and line.get("reason")]
        assert told, f"nobody was told of {fault.death.moment}"
        (ended,) = (line for line in lines if line["event"] == "job ended" and line["job"] == "publish_listens")
        assert ended["facts"].get("actions_failed"), f"the summary does not tell of {fault.death.moment}"
        assert "actions failed" in " ".join(fault.text.split()), "the table of the run tells of it, too"
        return
    assert fault.code == 1, f"exit {fault.code} after {fault.death.moment}\n{fault.text[-2000:]}"
    assert "cannot be written or read" in fault.text, fault.text[-2000:]
    assert "remedy: " in fault.text
    assert "nothing is lost" in fault.text
    assert not [trace for trace in _TRACES if trace in fault.text], fault.text[-4000:]


def test_a_task_that_cannot_write_ends_the_run_with_the_file_and_a_remedy(trials: Trials) -> None:
    fault = trials.with_fault("ParquetWriter", errno.EIO)
    check(fault)
    assert "/lake/bronze/listens/" in fault.place


@pytest.mark.parametrize("place", ["/data_docs/validations/", "/data_docs/index.html"])
def test_a_page_that_cannot_be_written_ends_no_run_and_is_told(trials: Trials, place: str) -> None:
    fault = trials.with_fault(f"/reports{place}", errno.ENOSPC)
    assert fault.code == 0
    check(fault)


@pytest.mark.kills
def test_any_call_of_the_file_system_may_fail(trials: Trials) -> None:
    calls = trials.with_fault(0, errno.EIO).calls
    chance = random.Random(4)  # noqa: S311 (seeded, not secret)
    for call in sorted(chance.sample(range(1, calls + 1), min(calls, _FAULTS))):
        fault = trials.with_fault(call, chance.choice([errno.EIO, errno.ENOSPC]))
        print(f"{call:4} of {calls}  exit {fault.code}  {fault.death.moment}  {fault.death.differences or 'equal'}")
        check(fault)


@pytest.mark.kills
def test_any_call_of_hadoops_file_system_may_fail(trials: Trials, tmp_path: Path) -> None:
    """Ingest and publication write without it: the sessions that are built after them are read and written by Spark."""
    if not shutil.which("javac"):
        pytest.skip("there is no Java compiler here: Hadoop's file system cannot be wrapped")
    jars = Path(pyspark.__file__).parent / "jars"
    subprocess.run(
        ["javac", "-cp", f"{jars}/*", "-d", str(tmp_path), str(FAILING / "FailingFileSystem.java")], check=True
    )
    trials = Trials(tmp_path / "trials", trials.recover, own_jvm=False, jobs=(*STEPS, "build_sessions"))
    trials.prepare()
    calls = trials.with_fault_of_hadoop(0, tmp_path).calls
    assert calls > _FAULTS_OF_HADOOP
    chance = random.Random(4)  # noqa: S311 (seeded, not secret)
    for call in sorted(chance.sample(range(1, calls + 1), min(calls, _FAULTS_OF_HADOOP))):
        fault = trials.with_fault_of_hadoop(call, tmp_path)
        print(f"{call:4} of {calls}  exit {fault.code}  {fault.death.moment}  {fault.death.differences or 'equal'}")
        check(fault)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small file system: a full disk is not tried here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.kills
def test_a_disk_that_is_full_holds_nothing_up_once_there_is_room(trials: Trials, small_disk: Path) -> None:
    home = shutil.copytree(trials.folder / "base", small_disk / "home", symlinks=True)
    filler = small_disk / "filler"
    with filler.open("wb") as file:
        free = shutil.disk_usage(small_disk).free
        file.write(b"x" * max(0, free - 24 * 1024))
    run = Run.start(home, trials.folder / "full.log")
    code, text = run.wait(), run.log.read_text(encoding="utf-8")
    assert code == 1, text[-2000:]
    assert "No space left on device" in text
    assert "Free space on that disk" in text
    filler.unlink()
    trials.recover(home, STEPS)
    assert told(home).differences(trials.expected) == []
