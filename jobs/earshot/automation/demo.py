"""The whole road in one command: logs, tables, verdicts, models, an alert that arrives, a report."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from earshot.automation.loading import preloaded
from earshot.automation.loopback import webhook_receiver
from earshot.automation.pipeline import PIPELINE
from earshot.automation.runner import RunResult, exit_code, run_jobs
from earshot.automation.session import open_session
from earshot.core.config import load_settings
from earshot.core.errors import ArgumentError, InputError
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables

FIRST_DAY = date(2026, 3, 16)

_MARK = ".made-by-demo"
_TO_SILVER = ("import_catalogue", "ingest_listens", "publish_listens")


@dataclass(frozen=True)
class Simulation:
    """How much is simulated."""

    days: int = 14
    listeners: int = 500
    tracks: int = 3_000
    plays: int = 100_000
    seed: int = 42
    scenario: str = "default"


@dataclass
class DemoOutcome:
    """What the demo did.

    Attributes:
        days: The logical dates it ran.
        results: Every job of every run.
        delivered: Messages that arrived at the webhook on loopback.
    """

    home: Path
    days: list[date] = field(default_factory=list)
    results: list[RunResult] = field(default_factory=list)
    delivered: list[dict[str, Any]] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """That of the first job that did not end 0."""
        return exit_code(self.results)


def fresh_home(home: Path) -> None:
    """Clear what an earlier demo left in HOME.

    Raises:
        ArgumentError: HOME holds a lake that no demo made.
    """
    if (home / _MARK).exists():
        for name in ("landing", "archive", "lake", "truth", "catalogue", "reports", "keys", "running", "mlartifacts"):
            shutil.rmtree(home / name, ignore_errors=True)
        for pattern in ("*.db", "*.db-*", "*.jsonl"):
            for path in home.glob(pattern):
                path.unlink()
    elif (home / "lake").exists():
        raise ArgumentError(
            f"{home} holds a lake that no demo made.",
            where="option --home",
            remedy="Name another folder with --home; the demo starts from nothing.",
        )
    home.mkdir(parents=True, exist_ok=True)
    (home / _MARK).touch()


def simulated(settings: Settings, size: Simulation) -> list[date]:
    """Write the logs into HOME; returns the days to run: history in one go, then two more."""
    from earshot.importers.simulated import generate  # noqa: PLC0415 (numpy only where it is used)

    generate(
        settings.home,
        days=size.days,
        listeners=size.listeners,
        tracks=size.tracks,
        plays=size.plays,
        start=FIRST_DAY,
        seed=size.seed,
        scenario=size.scenario,
    )
    last = FIRST_DAY + timedelta(days=size.days - 1)
    return [last - timedelta(days=2), last - timedelta(days=1), last]


def own_files(paths: Sequence[Path], settings: Settings) -> None:
    """Copy a person's own export into landing/; leading dots and underscores, which mean "not done yet", go.

    Raises:
        InputError: A path does not exist.
    """
    settings.landing.mkdir(parents=True, exist_ok=True)
    for path in paths:
        if not path.exists():
            raise InputError(f"{path} does not exist.", where="option --from", remedy="Name a file or folder.")
        for file in [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file()):
            below = [file.name] if path.is_file() else [path.resolve().name, *file.relative_to(path).parts]
            target = settings.landing.joinpath(*(part.lstrip("._") or "file" for part in below))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)


def run_demo(
    home: Path,
    sources: Sequence[Path],
    *,
    env: str,
    size: Simulation = Simulation(),
    as_json: bool = False,
    on_day: Callable[[date, list[RunResult]], None] | None = None,
) -> DemoOutcome:
    """Run the demo in HOME.

    Args:
        home: Where everything goes.
        sources: The user's own files; none means simulated logs.
        env: Settings overlay.
        size: How much is simulated.
        as_json: Whether standard output belongs to a machine.
        on_day: Told of each logical date as it ends.
    """
    fresh_home(home)
    outcome = DemoOutcome(home)
    with webhook_receiver(home / "received.jsonl") as receiver:
        alerts = {"webhook_url": receiver.url, "allow_networks": ["127.0.0.0/8"]}
        configured = load_settings(env, {"home": str(home), "alerts": alerts})
        quality = configured.quality.model_copy(update={"actions": ()})
        # The demo brings nothing of the user's, and tells nobody.
        settings = configured.model_copy(update={"sources": {}, "quality": quality})
        names: Sequence[str] = [spec.name for spec in PIPELINE]
        if sources:
            own_files(sources, settings)
            outcome.results += run_jobs(_TO_SILVER, date.today(), settings, as_json=as_json)
            days = [_last_day(settings)]
            names = [name for name in names if name not in _TO_SILVER]
        else:
            with ThreadPoolExecutor(1) as pool, preloaded(names):
                making = pool.submit(simulated, settings, size)
                open_session(settings.spark)  # a JVM starts while the logs are made
            days = making.result()
        for day in days:
            arguments = {"notify": "true"} if day == days[-1] else {}
            results = run_jobs(names, day, settings, arguments=arguments, as_json=as_json)
            outcome.days.append(day)
            outcome.results += results
            if on_day:
                on_day(day, results)
            if exit_code(results):
                break
        outcome.delivered = list(receiver.messages)
    return outcome


def _last_day(settings: Settings) -> date:
    dates = SmallTables(settings.lake_root).arrow("silver.listens", columns=["listen_date"]).column("listen_date")
    days: list[date] = dates.to_pylist()
    if not days:
        raise InputError(
            "None of the files holds a play that can be read.",
            where="option --from",
            remedy="See `earshot quarantine list`; formats that are read stand in the README.",
        )
    return max(days)
