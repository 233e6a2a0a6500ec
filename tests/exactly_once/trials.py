"""Trials: a run is killed, run again, and what its home says is compared with that of an undisturbed one.

`python tests/exactly_once/trials.py --moments 50 --seed 4` prints a line a death and ends 1 if a table differs.
"""

from __future__ import annotations

import argparse
import errno
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from exactly_once.dying import dying_in
from exactly_once.homes import FIRST, SECOND, THIRD, Told, land, told, unbalanced, versions
from exactly_once.processes import FAILING, SOURCES, STEPS, Run

Recover = Callable[[Path, Sequence[str]], Mapping[str, float]]
"""Runs jobs in a home to their end; says the seconds of each."""
_START, _BEFORE_THE_JOBS = "start", 0.1
"""Share of the random moments that lie before the first job, while Python and the JVM start; the jobs have the rest."""


@dataclass(frozen=True)
class Death:
    """One trial: when and where the run died, and what differs after the next one."""

    moment: str
    phase: str
    committed: tuple[str, ...]
    differences: list[str]
    seconds: float


@dataclass(frozen=True)
class Fault:
    """One fault: what the run made of it, and what differs after the next one.

    Attributes:
        code: Its exit code.
        calls: How many calls were counted.
        place: The file whose call failed.
        text: What the run printed.
    """

    death: Death
    code: int
    calls: int
    place: str
    text: str


@dataclass
class Trials:
    """Trials on copies of one home, in which a batch is published, one waits, and one has landed.

    Attributes:
        folder: Where homes and logs go.
        recover: What runs them again after the death.
        own_jvm: Whether the undisturbed run is a process, too, and tells how long one takes; else the first run
            of this process does.
        jobs: What runs in a trial.
        expected: What the undisturbed home says.
        writes: The writes of the undisturbed run.
        seconds: Of its start, up to the first job, and of each job.
    """

    folder: Path
    recover: Recover
    own_jvm: bool = True
    jobs: tuple[str, ...] = STEPS
    expected: Told = field(init=False)
    writes: list[str] = field(init=False)
    seconds: dict[str, float] = field(init=False)

    def prepare(self) -> None:
        """Make the home that all trials begin from, and the undisturbed one."""
        base = self.folder / "base"
        land(base, FIRST)
        first = self.recover(base, self.jobs)
        land(base, SECOND)
        self.recover(base, STEPS[:1])
        land(base, THIRD)
        home, writes = self.home("undisturbed"), self.folder / "undisturbed.writes"
        if self.own_jvm:
            later = _timed(Run.start(home, self.folder / "undisturbed.log", jobs=self.jobs))
        else:
            with dying_in(0, writes, lambda: None):
                later = self.recover(home, self.jobs)
        self.seconds = {job: max(first[job], later[job]) for job in self.jobs}
        self.seconds[_START] = later.get(_START, first[self.jobs[0]])
        self.writes = writes.read_text(encoding="utf-8").splitlines()
        self.expected = told(home)
        assert not unbalanced(home)

    def at_write(self, moment: int) -> Death:
        """Die before (odd) or after (even) a write."""
        name = self._named(moment)
        run = Run.start(
            self.home(f"write-{moment}"), self.folder / f"write-{moment}.log", dies_in=moment, jobs=self.jobs
        )
        code = run.wait()
        assert code < 0, f"the run did not die {name}, but ended {code}: {run.log}"
        return self._judged(run, name)

    def at_write_without_a_process(self, moment: int) -> Death:
        """The same, but only the Python of this process gives up: all that a gate has the time for."""
        home, began = self.home(f"given-up-{moment}"), time.monotonic()
        try:
            with dying_in(moment, self.folder / f"given-up-{moment}.writes", _give_up):
                self.recover(home, self.jobs)
            raise AssertionError(f"nothing was written: {self._named(moment)}")
        except GivenUpError:
            committed = self._committed(home)
        self.recover(home, self.jobs)
        return Death(self._named(moment), "", committed, self._different(home), time.monotonic() - began)

    def _named(self, moment: int) -> str:
        return f"{'before' if moment % 2 else 'after'} {self.writes[(moment - 1) // 2]}"

    def at_random(self, chance: random.Random) -> Death:
        """Die at a moment: a tenth of them while the run starts, the others while its jobs work, each as often."""
        driver_only = chance.random() < 1 / 4
        while True:
            part = _START if chance.random() < _BEFORE_THE_JOBS else chance.choice(self.jobs)
            share = chance.random()
            name = f"{part}-{share * 10_000:04.0f}"
            run = Run.start(self.home(name), self.folder / f"{name}.log", jobs=self.jobs)
            if part != _START:
                run.wait_for(part)
            time.sleep(share * self.seconds[part])
            if run.kill(driver_only=driver_only):
                moment = f"{share:5.1%} of {part}{', driver only' if driver_only else ''}"
                return self._judged(run, moment)
            shutil.rmtree(run.home)

    def with_fault(self, call: int | str, number: int) -> Fault:
        """Let one call (its number; of a name or part of a path the first) fail, in driver or task; then run again."""
        name = f"fault-{call}".replace("/", "-")
        home, log = self.home(name), self.folder / f"{name}.log"
        counter = log.with_suffix(".calls")
        more = {"PYTHONPATH": f"{FAILING}:{SOURCES}", "FAULT_OF_THE_DISK": f"{call} {number} {home} {counter}"}
        return self._faulty(Run.start(home, log, jobs=self.jobs, more=more), counter, os.strerror(number))

    def with_fault_of_hadoop(self, call: int, classes: Path) -> Fault:
        """The same for calls of the JVM: `classes` holds the compiled FailingFileSystem."""
        home, log = self.home(f"jvm-{call}"), self.folder / f"jvm-{call}.log"
        counter = log.with_suffix(".calls")
        submit = f"--driver-class-path {classes} --conf spark.hadoop.fs.file.impl=FailingFileSystem pyspark-shell"
        more = {"PYSPARK_SUBMIT_ARGS": submit, "FAULT_OF_HADOOP": f"{call} {home} {counter}"}
        return self._faulty(Run.start(home, log, jobs=self.jobs, more=more), counter, os.strerror(errno.EIO))

    def _faulty(self, run: Run, counter: Path, what: str) -> Fault:
        code = run.wait()
        met = counter.with_name(f"{counter.name}.met")
        where = met.read_text(encoding="utf-8") if met.exists() else ""
        calls = counter.stat().st_size if counter.exists() else 0
        text = run.log.read_text(encoding="utf-8", errors="replace")
        death = self._judged(run, f"{what}: {where.replace(str(run.home), '')}")
        return Fault(death, code, calls, where.partition(" ")[2], text)

    def _judged(self, run: Run, moment: str) -> Death:
        committed = self._committed(run.home)
        began = time.monotonic()
        self.recover(run.home, self.jobs)
        run.outlived()
        differences = self._different(run.home)
        if not differences:
            shutil.rmtree(run.home)
        return Death(moment, run.phase(), committed, differences, time.monotonic() - began)

    def _committed(self, home: Path) -> tuple[str, ...]:
        before, now = versions(self.folder / "base"), versions(home)
        return tuple(sorted(f"{name}+{n}" for name in now if (n := now[name] - before.get(name, 0))))

    def _different(self, home: Path) -> list[str]:
        return [*told(home).differences(self.expected), *map(str, unbalanced(home))]

    def home(self, name: str) -> Path:
        """A copy of the home that all trials begin from."""
        return Path(shutil.copytree(self.folder / "base", self.folder / name, symlinks=True))


class GivenUpError(BaseException):
    """The process is gone, as far as its Python is concerned."""


def _give_up() -> None:
    raise GivenUpError


def in_a_process(home: Path, jobs: Sequence[str]) -> Mapping[str, float]:
    """Run jobs as a user does."""
    return _timed(Run.start(home, home.with_name(f"{home.name}.again.log"), jobs=jobs))


def _timed(run: Run) -> Mapping[str, float]:
    """Seconds of a run until its first job, and of each of its jobs."""
    began = time.monotonic()
    run.wait_for("")
    starts_s = time.monotonic() - began
    ended(run)
    return {line["job"]: line["seconds"] for line in run.told() if line["event"] == "job ended"} | {_START: starts_s}


def ended(run: Run) -> None:
    """Check that a run ends, and ends well."""
    code = run.wait()
    assert code == 0, f"exit {code}: {run.log.read_text(encoding='utf-8', errors='replace')[-3000:]}"


def deaths(trials: Trials, *, moments: int, steps: Sequence[int], seed: int) -> Iterator[Death]:
    """At random moments, then in the named writes."""
    chance = random.Random(seed)  # noqa: S311 (seeded, not secret)
    for _ in range(moments):
        yield trials.at_random(chance)
    for step in steps:
        yield trials.at_write(step)


def main() -> int:
    """Print a line a death."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--steps", default="all", help="all, none, or numbers: 7,8,21")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="earshot-kills-"))
    folder.mkdir(parents=True, exist_ok=True)
    trials = Trials(folder, in_a_process)
    trials.prepare()
    parts = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in trials.seconds.items())
    print(f"undisturbed: {parts}, {len(trials.writes)} writes", flush=True)
    every = range(1, 2 * len(trials.writes), 2)
    steps = every if given.steps == "all" else [] if given.steps == "none" else map(int, given.steps.split(","))
    bad = n = 0
    for n, death in enumerate(deaths(trials, moments=given.moments, steps=list(steps), seed=given.seed), 1):
        bad += bool(death.differences)
        verdict = "DIFFERENT" if death.differences else "equal"
        print(f"{n:3}  {death.moment:44}  {verdict:9}  {death.phase:44}  {' '.join(death.committed)}", flush=True)
        for line in death.differences[:8]:
            print(f"       {line[:300]}", flush=True)
    print(f"{n} deaths, {n - bad} equal, {bad} different")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
