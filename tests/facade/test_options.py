from __future__ import annotations

from typing import Any

import pytest

from earshot import MusicStreamingCacheManager, PrometheusMetricsManager
from earshot.core.errors import SettingsError
from earshot.core.settings import Settings
from earshot.facade.options import CACHE_CONFIG, MONITORING_CONFIG


def test_the_options_are_those_of_the_document() -> None:
    assert CACHE_CONFIG == {
        "redis_cluster": True,
        "ttl_default": 3600,
        "compression": True,
        "serialization": "msgpack",
    }
    assert MONITORING_CONFIG == {
        "prometheus_enabled": True,
        "grafana_dashboards": True,
        "alert_webhooks": True,
        "metric_retention": "30d",
    }


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"ttl_defualt": 60}, "Use ttl_default"),
        ({"ttl_default": "60"}, "expected: int"),
        ({"ttl_default": True}, "expected: int"),
        ({"ttl_default": 0}, "ttl_default is 0"),
        ({"serialization": "pickle"}, "'msgpack' or 'json'"),
    ],
)
def test_cache_options_that_cannot_be_used_are_explained(config: dict[str, Any], said: str, settings: Settings) -> None:
    with pytest.raises(SettingsError, match=said):
        MusicStreamingCacheManager(config, settings)


def test_a_retention_that_is_no_duration_is_explained() -> None:
    with pytest.raises(SettingsError, match="for example 30d"):
        PrometheusMetricsManager({"metric_retention": "a month"})


def test_dashboards_rules_and_retention_are_given_where_they_are_wanted() -> None:
    manager = PrometheusMetricsManager(MONITORING_CONFIG)
    assert [path.name for path in manager.dashboards()] == ["earshot-alerts.json", "earshot.json"]
    assert [path.name for path in manager.alert_rules()] == ["earshot.rules.yml"]
    assert "--storage.tsdb.retention.time=30d" in manager.prometheus_arguments()
    off = PrometheusMetricsManager({"grafana_dashboards": False, "alert_webhooks": False})
    assert off.dashboards() == off.alert_rules() == []
