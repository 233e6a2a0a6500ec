"""The ways out of the metrics: text, text file, push gateway, HTTP port."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, generate_latest, push_to_gateway, start_http_server
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from earshot.collectors.families import (
    activity_families,
    alert_families,
    quality_families,
    run_families,
    table_families,
)
from earshot.core.errors import DeliveryError, DependencyError
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables

PUSH_TIMEOUT_S = 10.0


class LakeCollector(Collector):
    """Reads the lake whenever Prometheus asks, at most once in `fresh_s` seconds.

    Args:
        lake: The tables.
        fresh_s: How long an answer is given again.
        clock: Seconds that never go back.
    """

    def __init__(self, lake: SmallTables, fresh_s: float = 5.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._lake = lake
        self._fresh_s = fresh_s
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._answer: list[Metric] = []

    def collect(self) -> Iterable[Metric]:
        """The families of metrics."""
        with self._lock:
            if self._clock() - self._read_at > self._fresh_s:
                self._answer = list(self._families())
                self._read_at = self._clock()
            return list(self._answer)

    def describe(self) -> Iterable[Metric]:
        """Nothing: the lake is not read before it is asked for."""
        return []

    def _families(self) -> Iterator[Metric]:
        readers = (run_families, table_families, quality_families, alert_families, activity_families)
        return chain.from_iterable(read(self._lake) for read in readers)


def lake_registry(lake: SmallTables) -> CollectorRegistry:
    """A registry that holds the metrics of the lake and nothing else."""
    registry = CollectorRegistry()
    registry.register(LakeCollector(lake))
    return registry


def exposition(registry: CollectorRegistry) -> str:
    """The metrics in Prometheus's text format."""
    return generate_latest(registry).decode()


def write_textfile(registry: CollectorRegistry, path: Path) -> None:
    """Write the metrics for the node exporter's textfile collector; readers never see half of a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(exposition(registry), encoding="utf-8")
    os.replace(draft, path)


def push(registry: CollectorRegistry, url: str) -> None:
    """Put the metrics to a push gateway, in the group job="earshot".

    Raises:
        DeliveryError: The gateway does not take them.
    """
    try:
        push_to_gateway(url, job="earshot", registry=registry, timeout=PUSH_TIMEOUT_S)
    except (URLError, OSError, ValueError) as error:
        raise DeliveryError(
            f"The push gateway did not take the metrics ({type(error).__name__}).",
            where=urlsplit(url).netloc.rpartition("@")[2] or url,
            remedy="Start it, mend metrics.push_url, or leave it empty.",
        ) from None


def serve(registry: CollectorRegistry, port: int, *, address: str = "127.0.0.1") -> tuple[WSGIServer, threading.Thread]:
    """Answer scrapes in a thread until the server's `shutdown` is called; port 0 is any free one.

    Raises:
        DependencyError: The port is taken.
    """
    try:
        server, thread = start_http_server(port, addr=address, registry=registry)
    except OSError as error:
        raise DependencyError(
            f"Port {port} cannot be opened: {error.strerror}.", where=address, remedy="Choose another metrics.port."
        ) from None
    return server, thread


def publish_metrics(settings: Settings, lake: SmallTables) -> list[str]:
    """Put the metrics where the settings say: text file, push gateway.

    Returns:
        What did not work, one sentence each: metrics never fail a run.
    """
    problems: list[str] = []
    registry = lake_registry(lake)
    if settings.metrics.textfile:
        try:
            write_textfile(registry, Path(settings.metrics.textfile))
        except OSError as error:
            problems.append(f"{settings.metrics.textfile} cannot be written: {error.strerror}")
    if settings.metrics.push_url:
        try:
            push(registry, settings.metrics.push_url)
        except DeliveryError as error:
            problems.append(error.what)
    return problems
