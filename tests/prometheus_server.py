"""A real Prometheus with our rules that scrapes our metrics over HTTP."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from earshot.collectors.exposition import lake_registry, serve
from earshot.core.small_tables import SmallTables
from loopback import free_port

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
DASHBOARDS = [json.loads(path.read_text()) for path in sorted((DEPLOY / "grafana").glob("*.json"))]
QUERIES = [
    (f"{dashboard['title']}, {panel['title']}", target["expr"])
    for dashboard in DASHBOARDS
    for panel in dashboard["panels"]
    for target in panel.get("targets", ())
]


class Prometheus:
    def __init__(self, port: int) -> None:
        self._root = f"http://127.0.0.1:{port}/api/v1/"

    def ask(self, path: str, **parameters: str) -> Any:
        with urlopen(f"{self._root}{path}?{urlencode(parameters)}", timeout=10) as answer:  # noqa: S310 - loopback
            body = json.load(answer)
        assert body["status"] == "success"
        return body["data"]

    def query(self, expression: str) -> list[Any]:
        result: list[Any] = self.ask("query", query=expression)["result"]
        return result


@contextmanager
def prometheus_of(lake: SmallTables, folder: Path) -> Iterator[Prometheus]:
    """Prometheus while the block runs, once it has scraped the lake and evaluated the rules."""
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.skip("prometheus is NOT INSTALLED: apt-get install prometheus, and these tests run")
    server, thread = serve(lake_registry(lake), 0)
    config = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
    config = config.replace("127.0.0.1:9464", f"127.0.0.1:{server.server_port}").replace("30s", "1s", 2)
    (folder / "prometheus.yml").write_text(config)
    shutil.copy(DEPLOY / "prometheus" / "earshot.rules.yml", folder)
    port = free_port()
    command = [binary, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    try:
        running = Prometheus(port)
        _wait_until(lambda: bool(running.query("earshot:lines:accepted_ratio")), folder / "log")
        _wait_until(lambda: bool(running.query('ALERTS{alertname="EarshotWatchdog"}')), folder / "log")
        yield running
    finally:
        process.terminate()
        process.wait(timeout=30)
        server.shutdown()
        server.server_close()
        thread.join()


def _wait_until(holds: Any, log: Path) -> None:
    for _ in range(240):
        try:
            if holds():
                return
        except OSError:
            pass
        time.sleep(0.25)
    pytest.fail(f"Prometheus never got there:\n{log.read_text()[-3000:]}")
