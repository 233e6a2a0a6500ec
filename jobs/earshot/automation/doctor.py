"""Is everything here that a run needs? Each finding with what to do about it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from earshot.automation.session import DELTA, FETCH_JARS, MEANING
from earshot.automation.source_probe import probe_source
from earshot.automation.spark_jars import CHECKSUMS, COORDINATES, EXTRAS, is_fetched, missing_or_changed
from earshot.core.errors import SettingsError, TableError
from earshot.core.locations import conf_folder, expectations_folder, source_root
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables

_JAVA, _FREE_GIB = 17, 5
_PATIENCE_S = 3.0
_LATE = timedelta(hours=24)


@dataclass(frozen=True)
class Finding:
    """One check: `ok` None means that it does not apply."""

    check: str
    ok: bool | None
    detail: str
    remedy: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Every check, none of which changes anything."""
    return list(_findings(settings))


def submit_arguments() -> str:
    """What `spark-submit` on a cluster needs beyond the job and its arguments."""
    conf = " ".join(f"--conf {key}={value}" for key, value in {**DELTA, **MEANING}.items())
    return (
        f"--packages {COORDINATES} {conf} --py-files earshot.zip\n"
        f"# earshot.zip: (cd {source_root()} && zip -qr earshot.zip earshot); "
        f"EARSHOT_CONF={conf_folder()} with expectations/ beside it"
    )


def _findings(settings: Settings) -> Iterator[Finding]:
    yield _java()
    extras = [name for name in EXTRAS if is_fetched(name)]
    wrong = missing_or_changed(extras)
    verified = f"{len(CHECKSUMS) + sum(len(EXTRAS[name].checksums) for name in extras)} verified"
    yield Finding("jars", not wrong, ", ".join(wrong) or verified, FETCH_JARS)
    yield _home(settings.home)
    yield _disk(settings.home)
    lake = Path(settings.lake_root) / "silver" / "listens" / "_delta_log"
    there = "://" in settings.lake_root or lake.exists()
    detail = settings.lake_root if there else f"{settings.lake_root} has no silver.listens yet"
    yield Finding("lake", there or None, detail, "Run `earshot demo` or `earshot run`.")
    yield Finding("expectations", True, f"{len(list(expectations_folder().glob('*.json')))} suites")
    yield _mlflow(settings)
    redis = settings.cache.redis_url.get_secret_value() if settings.cache.redis_url else ""
    yield _reachable("redis", redis, "Start Redis, or unset cache.redis_url to cache in the process.")
    smtp = f"smtp://{settings.smtp.host}:{settings.smtp.port}" if settings.smtp.host else ""
    yield _reachable("smtp", smtp, "Set smtp.host and smtp.port to a server that takes mail.")
    for name, source in settings.sources.items():
        yield Finding(f"source {name}", *probe_source(source))
    for name in ("webhook_url", "slack_url", "teams_url", "alertmanager_url", "heartbeat_url"):
        secret = getattr(settings.alerts, name)
        yield _reachable(name, secret.get_secret_value() if secret else "", f"Set alerts.{name}.")
    pagerduty = settings.alerts.pagerduty_url if "pagerduty" in settings.alerts.channels else ""
    yield _reachable("pagerduty_url", pagerduty, "Set alerts.pagerduty_url.")
    yield _rules(settings)
    yield from _actions(settings)
    yield from examine_deliveries(settings, datetime.now(UTC))


def examine_deliveries(settings: Settings, now: datetime) -> Iterator[Finding]:
    """What each channel owes: well while it waits for less than a day, and nothing was given up."""
    from earshot.alerting.outbox import backlog  # noqa: PLC0415 (keeps --help instant)

    try:
        owed = backlog(SmallTables(settings.lake_root), settings.alerts)
    except TableError as error:
        yield Finding("deliveries", False, error.what, error.remedy)
        return
    for channel in owed:
        told = [f"{channel.waiting} messages wait" if channel.waiting else "", f"{channel.given_up} given up"]
        detail = ", ".join(part for part in told if part and not part.startswith("0 "))
        since = channel.failing_since
        if since:
            hours = (now - since.astimezone(UTC)) / timedelta(hours=1)
            detail += f"; fails since {since:%Y-%m-%d %H:%M} UTC ({hours:.0f} h)"
        detail += f": {channel.last_error}" if channel.last_error else ""
        late = now - channel.oldest.astimezone(UTC) >= _LATE if channel.waiting else False
        remedy = f"Mend the channel, then `earshot alerts redeliver --channel {channel.channel}`; nothing is lost."
        yield Finding(f"channel {channel.channel}", not (late or channel.given_up), detail, remedy)


def _actions(settings: Settings) -> Iterator[Finding]:
    """Whether the actions of the gate can be made of the settings, and what each owes."""
    from earshot.validators.checkpoints.owed import OwedVerdicts  # noqa: PLC0415 (keeps --help instant)

    names = [action.called for action in settings.quality.actions]
    if names:
        from earshot.validators.checkpoints.configured import configured_actions  # noqa: PLC0415 (slow to import)

        try:
            configured_actions(settings)
        except SettingsError as error:
            yield Finding("gate actions", False, f"{error.what} ({error.where})", error.remedy)
            return
    owed = OwedVerdicts(settings).all()
    for name in names:
        failures = [record.failed[name].error for record in owed if name in record.owed and name in record.failed]
        waiting = sum(name in record.owed for record in owed)
        detail = f"{waiting} verdicts wait" if waiting else "nothing waits"
        detail += f": {failures[-1]}" if failures else ""
        yield Finding(f"gate action {name}", not failures, detail, "Mend what it calls; the next run tries again.")


def _rules(settings: Settings) -> Finding:
    from earshot.alerting.rulebooks import load_sound  # noqa: PLC0415 (keeps --help instant)

    try:
        rulebook, problems = load_sound(conf_folder() / settings.alerts.rules_file)
    except SettingsError as error:
        return Finding("alert rules", False, f"{error.what} ({error.where})", error.remedy)
    if problems:
        first = problems[0]
        return Finding("alert rules", False, f"{len(problems)} left out: {first.what} ({first.where})", first.remedy)
    return Finding("alert rules", True, f"{len(rulebook.rules)} rules, {len(rulebook.routes)} routes")


def _java() -> Finding:
    java = shutil.which("java")
    if java is None:
        return Finding("java", False, "not found", "Install a Java 17+ runtime and put java on PATH.")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603
    version = re.search(r'version "(\d+)', said)
    major = int(version.group(1)) if version else 0
    return Finding("java", major >= _JAVA, said.splitlines()[0] if said else "?", f"Install Java {_JAVA} or newer.")


def _home(home: Path) -> Finding:
    nearest = next(path for path in (home, *home.parents) if path.exists())
    usable = nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
    detail = f"{home} {'there' if home.exists() else 'will be made'}" if usable else f"{nearest} cannot be written"
    return Finding("home", usable, detail, "Name a folder that can be written, with --home or EARSHOT_HOME.")


def _disk(home: Path) -> Finding:
    folder = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(folder).free / 1024**3
    return Finding("disk", free >= _FREE_GIB, f"{free:.0f} GiB free at {folder}", "Free some space or move HOME.")


def _mlflow(settings: Settings) -> Finding:
    uri = settings.tracking_uri
    if uri.startswith("sqlite:///"):
        path = Path(uri.removeprefix("sqlite:///"))
        detail = f"{path} {'there' if path.exists() else 'will be made'}"
        return Finding("mlflow", path.exists() or None, detail, "Train a model: `earshot run`.")
    return _reachable("mlflow", uri, "Set mlflow.tracking_uri to a server that answers.")


def _reachable(check: str, address: str, remedy: str) -> Finding:
    """Whether something listens at the address; only host and port are shown: paths may be secrets."""
    if not address:
        return Finding(check, None, "not configured", remedy)
    parts = urlsplit(address)
    port = parts.port or {"https": 443, "redis": 6379, "smtp": 25}.get(parts.scheme, 80)
    where = f"{parts.hostname}:{port}"
    try:
        with socket.create_connection((parts.hostname or "", port), _PATIENCE_S):
            return Finding(check, True, f"{where} answers")
    except OSError as error:
        return Finding(check, False, f"{where}: {error}", remedy)
