from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import yaml
from tests.collectors.conftest import fill_lake

from earshot.core.small_tables import SmallTables
from prometheus_server import DEPLOY, QUERIES, Prometheus, prometheus_of

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    lake = SmallTables(str(folder / "lake"))
    fill_lake(lake, datetime.now(UTC))
    with prometheus_of(lake, folder) as running:
        yield running


def test_the_scrape_is_up(prometheus: Prometheus) -> None:
    assert [float(sample["value"][1]) for sample in prometheus.query('up{job="earshot"}')] == [1.0]


@pytest.mark.parametrize(("title", "expression"), QUERIES, ids=[f"{t}-{n}" for n, (t, _) in enumerate(QUERIES)])
def test_every_panel_of_the_dashboard_has_data(prometheus: Prometheus, title: str, expression: str) -> None:
    assert prometheus.query(expression), f"{title}: {expression}"


def test_every_rule_is_evaluated_without_error(prometheus: Prometheus) -> None:
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert len(rules) == 11
    assert {rule["name"]: rule.get("lastError") for rule in rules if rule["health"] == "err"} == {}


def test_figures_of_the_rules_are_right(prometheus: Prometheus) -> None:
    (ratio,) = prometheus.query("earshot:lines:accepted_ratio")
    assert float(ratio["value"][1]) == pytest.approx(0.9)
    (missed,) = prometheus.query("earshot:quality_kpi:missed > 0")
    assert missed["metric"]["kpi"] == "validation_success"


def test_alerts_fire_for_what_is_wrong_and_for_nothing_else(prometheus: Prometheus) -> None:
    def alerts() -> set[tuple[str, str]]:
        return {(alert["labels"]["alertname"], alert["state"]) for alert in prometheus.ask("alerts")["alerts"]}

    expected = {
        ("EarshotGateClosed", "firing"),
        ("EarshotJobFailed", "firing"),
        ("EarshotDeliveriesGivenUp", "firing"),
        ("EarshotQualityMissed", "pending"),
        ("EarshotRunsStopped", "pending"),
        ("EarshotChannelFails", "pending"),
        ("EarshotWatchdog", "firing"),
    }
    for _ in range(60):  # before the first scrape EarshotIsSilent is pending
        if alerts() == expected:
            break
        time.sleep(0.25)
    assert alerts() == expected


def test_every_metric_that_is_asked_for_exists(prometheus: Prometheus) -> None:
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


def test_the_rules_do_what_their_tests_say() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is NOT INSTALLED: apt-get install prometheus, and this test runs")
    tests = DEPLOY / "prometheus" / "earshot.rules.test.yml"
    done = subprocess.run([promtool, "test", "rules", str(tests)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rules = yaml.safe_load((DEPLOY / "prometheus" / "earshot.rules.yml").read_text())
    names = {rule["alert"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule}
    tested = {
        case["alertname"] for test in yaml.safe_load(tests.read_text())["tests"] for case in test["alert_rule_test"]
    }
    assert tested == names
