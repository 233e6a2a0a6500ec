"""What `earshot doctor` asks of a source: is it there, may we read it, and if not, what to do."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit

from earshot.automation.spark_jars import EXTRAS, is_fetched
from earshot.core.addresses import without_secrets
from earshot.core.errors import DependencyError
from earshot.core.settings import HttpSettings
from earshot.core.source_settings import SourceSettings
from earshot.importers.sources.database import sqlite_file
from earshot.integrations.probes import Probe

_PATIENCE_S = 3.0
_FETCH = "Run `python -m earshot.automation.spark_jars {}` with this Python."
_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "sqlserver": 1433, "oracle": 1521}


def probe_source(source: SourceSettings) -> Probe:
    """Ask a bucket for one key; of a database check driver, variables, and that it answers. Starts no Spark."""
    return _probe_bucket(source) if source.kind == "s3" else _probe_database(source)


def _probe_bucket(source: SourceSettings) -> Probe:
    from earshot.integrations.object_store import open_bucket  # noqa: PLC0415 (boto3, where there is a bucket)

    try:
        bucket = open_bucket(source, HttpSettings(timeout_s=_PATIENCE_S, attempts=1))
        told = bucket.probe()
    except DependencyError as error:
        return Probe(False, f"{error.where}: {error.what}", error.remedy)
    if source.through == "s3a" and not is_fetched("s3a"):
        return Probe(False, f"{told}, but Spark has no S3A here", _FETCH.format("s3a"))
    return Probe(True, told)


def _probe_database(source: SourceSettings) -> Probe:
    where, name = without_secrets(source.url), source.url.split(":")[1]
    missing = [
        variable for variable in (source.user_env, source.password_env) if variable and variable not in os.environ
    ]
    if name in EXTRAS and not is_fetched(name):
        return Probe(False, f"{where}: no JDBC driver", _FETCH.format(name))
    if missing:
        return Probe(False, f"{where}: no variable {missing[0]}", f"Set {missing[0]} where the jobs run.")
    if path := sqlite_file(source.url):
        return Probe(
            path.is_file(), f"{path} {'there' if path.is_file() else 'is not there'}", "Check the source's url."
        )
    address = urlsplit(source.url.removeprefix("jdbc:"))
    port = address.port or _PORTS.get(name)
    if not address.hostname or port is None:
        return Probe(True, f"{where} (not asked: only Spark knows how)")
    try:
        with socket.create_connection((address.hostname, port), _PATIENCE_S):
            return Probe(True, f"{address.hostname}:{port} answers")
    except OSError as error:
        return Probe(False, f"{address.hostname}:{port}: {error}", "Start the database, or mend the source's url.")
