from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from redis import Redis
from tests.caching.conftest import free_port

from earshot.caching.stores import MemoryStore, Store, open_store
from earshot.core.errors import DependencyError

MANY = {f"key:{n}": f"value {n}".encode() for n in range(1_234)}


@pytest.fixture(params=["memory", "redis", "cluster"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return MemoryStore()
    url = request.getfixturevalue("redis_url" if request.param == "redis" else "cluster_url")
    store = open_store(url)
    store.delete(list(store.keys("")))
    assert store.name == {"redis": "Redis", "cluster": "Redis cluster"}[request.param]
    return store


@pytest.mark.integration
def test_what_was_put_is_found_in_order(store: Store) -> None:
    store.put_many(MANY, 60)
    wanted = [*list(MANY)[::-1], "not there"]
    assert store.get_many(wanted) == [*list(MANY.values())[::-1], None]


@pytest.mark.integration
def test_keys_are_listed_by_prefix_taken_literally(store: Store) -> None:
    store.put_many({"a*b:1": b"1", "aXb:2": b"2", "a*b:3": b"3"}, 60)
    assert sorted(store.keys("a*b:")) == ["a*b:1", "a*b:3"]


@pytest.mark.integration
def test_deleted_values_are_counted_and_gone(store: Store) -> None:
    store.put_many(MANY, 60)
    assert store.delete([*MANY, "not there"]) == len(MANY)
    assert list(store.keys("")) == []


@pytest.mark.integration
def test_values_die_when_their_time_is_over(store: Store) -> None:
    store.put_many({"short": b"1"}, 1)
    store.put_many({"long": b"1"}, 60)
    time.sleep(1.2)
    assert store.get_many(["short", "long"]) == [None, b"1"]
    assert list(store.keys("")) == ["long"]


@pytest.mark.integration
def test_a_cluster_spreads_the_values(cluster_url: str) -> None:
    store = open_store(cluster_url)
    store.put_many(MANY, 60)
    nodes = Redis.from_url(cluster_url).cluster("NODES")
    sizes = [Redis(port=int(address.rpartition(":")[2].partition("@")[0])).dbsize() for address in nodes]
    assert len(sizes) == 3
    assert min(sizes) > len(MANY) / 5


def test_the_memory_of_the_process_forgets_what_was_used_longest_ago() -> None:
    store = MemoryStore(largest=2)
    store.put_many({"a": b"1", "b": b"2"}, 60)
    store.get_many(["a"])
    store.put_many({"c": b"3"}, 60)
    assert store.get_many(["a", "b", "c"]) == [b"1", None, b"3"]


def test_without_an_address_the_process_has_one_store() -> None:
    assert open_store(None) is open_store("")


def test_a_redis_that_is_not_there_is_said_without_its_password() -> None:
    with pytest.raises(DependencyError) as raised:
        open_store(f"redis://user:hunter2@127.0.0.1:{free_port()}/0")
    assert "hunter2" not in str(raised.value)
    assert "127.0.0.1" in str(raised.value)


@pytest.mark.integration
def test_a_redis_that_goes_away_is_an_error_that_says_so(
    tmp_path_factory: pytest.TempPathFactory, start_redis: Callable[[], tuple[str, Callable[[], None]]]
) -> None:
    url, stop = start_redis()
    store = open_store(url)
    stop()
    with pytest.raises(DependencyError, match="does not answer"):
        store.put_many({"a": b"1"}, 60)
