from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from tests.collectors.conftest import fill_lake

from earshot.collectors.exposition import lake_registry, serve
from earshot.core.small_tables import SmallTables

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "earshot.json").read_text())
QUERIES = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]

pytestmark = pytest.mark.integration


def _free_port() -> int:
    with closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


class _Prometheus:
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


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Prometheus]:
    """A real Prometheus with our rules that has scraped our metrics over HTTP."""
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.skip("prometheus is NOT INSTALLED: apt-get install prometheus, and these tests run")
    folder = tmp_path_factory.mktemp("prometheus")
    lake = SmallTables(str(folder / "lake"))
    fill_lake(lake, datetime.now(UTC))
    server, thread = serve(lake_registry(lake), 0)
    config = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
    config = config.replace("127.0.0.1:9464", f"127.0.0.1:{server.server_port}").replace("30s", "1s", 2)
    (folder / "prometheus.yml").write_text(config)
    shutil.copy(DEPLOY / "prometheus" / "earshot.rules.yml", folder)
    port = _free_port()
    command = [binary, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    try:
        running = _Prometheus(port)
        _wait_until(lambda: bool(running.query("earshot:lines:accepted_ratio")), folder / "log")
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


def test_the_scrape_is_up(prometheus: _Prometheus) -> None:
    assert [float(sample["value"][1]) for sample in prometheus.query('up{job="earshot"}')] == [1.0]


@pytest.mark.parametrize(("title", "expression"), QUERIES, ids=[f"{t}-{n}" for n, (t, _) in enumerate(QUERIES)])
def test_every_panel_of_the_dashboard_has_data(prometheus: _Prometheus, title: str, expression: str) -> None:
    assert prometheus.query(expression), f"{title}: {expression}"


def test_every_rule_is_evaluated_without_error(prometheus: _Prometheus) -> None:
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert len(rules) == 9
    assert {rule["name"]: rule.get("lastError") for rule in rules if rule["health"] == "err"} == {}


def test_figures_of_the_rules_are_right(prometheus: _Prometheus) -> None:
    (ratio,) = prometheus.query("earshot:lines:accepted_ratio")
    assert float(ratio["value"][1]) == pytest.approx(0.9)
    (missed,) = prometheus.query("earshot:quality_kpi:missed > 0")
    assert missed["metric"]["kpi"] == "validation_success"


def test_alerts_fire_for_what_is_wrong_and_for_nothing_else(prometheus: _Prometheus) -> None:
    def alerts() -> set[tuple[str, str]]:
        return {(alert["labels"]["alertname"], alert["state"]) for alert in prometheus.ask("alerts")["alerts"]}

    expected = {
        ("EarshotGateClosed", "firing"),
        ("EarshotJobFailed", "firing"),
        ("EarshotDeliveriesGivenUp", "firing"),
        ("EarshotQualityMissed", "pending"),
        ("EarshotRunsStopped", "pending"),
    }
    for _ in range(60):  # before the first scrape EarshotIsSilent is pending
        if alerts() == expected:
            break
        time.sleep(0.25)
    assert alerts() == expected


def test_every_metric_that_is_asked_for_exists(prometheus: _Prometheus) -> None:
    known = set(prometheus.ask("label/__name__/values"))
    texts = [expression for _, expression in QUERIES] + [(DEPLOY / "prometheus" / "earshot.rules.yml").read_text()]
    words = {word.strip("(){}=,;") for text in texts for word in text.replace("(", " ").replace("{", " ").split()}
    asked = {word for word in words if word.startswith("earshot_") and word.isidentifier()}
    assert asked - known - {"earshot_job", "earshot_often"} == set()
    assert len(asked) > 10


def test_promtool_finds_nothing_to_mend() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is NOT INSTALLED: apt-get install prometheus, and this test runs")
    subprocess.run(
        [promtool, "check", "config", str(DEPLOY / "prometheus" / "prometheus.yml")], check=True, capture_output=True
    )
