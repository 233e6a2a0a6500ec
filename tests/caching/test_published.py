from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from pydantic import SecretStr

from earshot.caching.published import PublishedResults
from earshot.caching.stores import MemoryStore
from earshot.core.settings import CacheSettings, Settings

ANNA, BERT = "v1:" + "a" * 32, "v1:" + "b" * 32
VALUES: list[tuple[tuple[str, ...], object]] = [
    (("recommendations", ANNA), [{"rank": 1, "track_id": "trk:1"}]),
    (("recommendations", BERT), [{"rank": 1, "track_id": "trk:2"}]),
    (("charts", "day", "DE", "ALL", "track"), {"period_start": date(2026, 3, 29), "entries": []}),
]


@pytest.fixture(params=["memory", "redis", "cluster"])
def results(request: pytest.FixtureRequest, settings: Settings) -> PublishedResults:
    if request.param == "memory":
        return PublishedResults(settings, MemoryStore())
    url = request.getfixturevalue("redis_url" if request.param == "redis" else "cluster_url")
    cache = CacheSettings(redis_url=SecretStr(url), namespace=f"test-{id(request)}")
    return PublishedResults(settings.model_copy(update={"cache": cache}))


@pytest.mark.integration
def test_what_was_published_is_read_by_name(results: PublishedResults) -> None:
    assert results.get("recommendations", ANNA) is None
    assert results.publish(VALUES) == 3
    assert results.get("recommendations", ANNA) == [{"rank": 1, "track_id": "trk:1"}]
    assert results.get("charts", "day", "DE", "ALL", "track")["period_start"] == date(2026, 3, 29)
    assert results.get("charts", "day:DE", "ALL", "track") is None


@pytest.mark.integration
def test_a_publication_that_breaks_off_changes_nothing(results: PublishedResults) -> None:
    results.publish(VALUES)

    def broken() -> Iterator[tuple[tuple[str, ...], object]]:
        yield ("recommendations", ANNA), "half"
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        results.publish(broken())
    assert results.get("recommendations", ANNA) == [{"rank": 1, "track_id": "trk:1"}]


@pytest.mark.integration
def test_a_reader_stays_on_its_generation_while_the_next_is_published(results: PublishedResults) -> None:
    results.publish(VALUES)
    reader = results.current()
    assert reader is not None
    results.publish([(("recommendations", ANNA), "new")])
    assert reader.get("recommendations", ANNA) == [{"rank": 1, "track_id": "trk:1"}]
    assert results.get("recommendations", ANNA) == "new"
    assert results.get("recommendations", BERT) is None
    results.publish([(("recommendations", ANNA), "newest")])
    assert reader.get("recommendations", ANNA) is None


@pytest.mark.integration
def test_a_forgotten_listener_is_in_no_generation(results: PublishedResults) -> None:
    results.publish(VALUES)
    first = results.current()
    results.publish(VALUES)
    assert results.forget(ANNA) == 2
    assert results.forget(ANNA) == 0
    assert first is not None
    assert first.get_many([("recommendations", ANNA), ("recommendations", BERT)])[0] is None
    assert results.get("recommendations", BERT) is not None


def test_a_damaged_value_is_as_if_it_were_not_there(settings: Settings) -> None:
    store = MemoryStore()
    results = PublishedResults(settings, store)
    results.publish(VALUES)
    store.put_many({key: b"\x12broken" for key in store.keys("") if not key.endswith("current")}, 60)
    assert results.get("recommendations", ANNA) is None
