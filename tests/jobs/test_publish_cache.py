from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from pydantic import SecretStr
from tests.caching.conftest import redis_url  # noqa: F401 - a fixture

from earshot.automation.loading import load_job
from earshot.caching.published import PublishedResults
from earshot.core.job import Job
from earshot.core.settings import CacheSettings, Settings
from earshot.core.small_tables import SmallTables

DAY = date(2026, 3, 29)
ANNA = "v1:" + "a" * 32


@pytest.mark.integration
def test_gold_is_published_to_redis_and_published_again_changes_nothing(
    settings: Settings,
    make_job: Callable[..., Job],
    redis_url: str,  # noqa: F811
) -> None:
    cache = CacheSettings(redis_url=SecretStr(redis_url), namespace="job")
    configured = settings.model_copy(update={"cache": cache})
    lake = SmallTables(settings.lake_root)
    lake.append("gold.recommendations", [{"listener_id": ANNA, "rank": 1, "track_id": "trk:1", "score": 0.5}])
    for _ in range(2):
        job = make_job("publish_cache", DAY, settings=configured)
        load_job("publish_cache")(job)
        assert job.summary.facts["store"] == "Redis"
    results = PublishedResults(configured)
    assert results.get("about") == {"as_of": DAY}
    assert results.get("recommendations", ANNA)[0]["track_id"] == "trk:1"
