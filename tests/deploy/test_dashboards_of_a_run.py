"""Every panel shows something of a real run: the road, scraped by a real Prometheus."""

from __future__ import annotations

from pathlib import Path

import pytest

from earshot.automation.demo import DemoOutcome
from earshot.core.small_tables import SmallTables
from prometheus_server import QUERIES, prometheus_of

pytestmark = pytest.mark.integration


def test_every_query_of_every_dashboard_has_data_after_a_run(road: DemoOutcome, tmp_path: Path) -> None:
    with prometheus_of(SmallTables(str(road.home / "lake")), tmp_path) as prometheus:
        empty = [f"{title}: {expression}" for title, expression in QUERIES if not prometheus.query(expression)]
    assert empty == []
