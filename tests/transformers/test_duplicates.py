"""Plays that several clients tell of: one telling stays, whatever the order and the batches."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.core.tables import spec_of
from earshot.transformers.duplicates import Tellings

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
CLIENTS = {"export": "spotify"}
RULE = Tellings(5)
SCHEMA = to_arrow_schema(spec_of("silver.listens").schema, timezone="UTC")
Telling = dict[str, Any]


def telling(client: str, seconds: float, played_ms: int | None, *, track: str = "trk:1") -> Telling:
    return {
        "listener_id": "v1:anna",
        "track_id": track,
        "started_at": NOON + timedelta(seconds=seconds),
        "listen_date": date(2026, 3, 29),
        "played_ms": played_ms,
        "device": client,
        "source": CLIENTS.get(client, "canonical"),
        "sources": [CLIENTS.get(client, "canonical")],
    }


def told_by_chance(seed: int) -> list[Telling]:
    """200 plays a minute apart, each told by one to three clients within 2 s."""
    chance = random.Random(seed)  # noqa: S311 (seeded, not secret)
    told = []
    for n in range(200):
        for client in chance.sample(["desk", "export", "phone"], chance.choice([1, 1, 2, 3])):
            played_ms = chance.choice([None, 30_000, 31_000, 200_000])
            told.append(telling(client, n * 60 + chance.random() * 2, played_ms, track=f"trk:{n % 7}"))
    return told


def landed(told: Sequence[Telling], batch: str = "b1") -> list[Telling]:
    places = [{"source_file": f"{batch}.jsonl", "source_line": n, "batch_id": batch} for n in range(len(told))]
    return [one | place for one, place in zip(told, places, strict=True)]


def silver_after(batches: Sequence[Sequence[Telling]]) -> list[Telling]:
    """silver.listens after these batches, one by one."""
    silver: dict[tuple[str, int], Telling] = {}
    for number, batch in enumerate(batches):
        new = landed(batch, f"b{number}")
        plays = pa.Table.from_pylist([*silver.values(), *new], schema=SCHEMA)
        is_new = pa.array([0] * len(silver) + [1] * len(new), pa.int32())
        told = RULE.told_twice(plays.select(RULE.compared).append_column("is_new", is_new)).to_pylist()
        silver |= {(one["source_file"], one["source_line"]): one for one in new}
        for found in told:
            place = (found["source_file"], found["source_line"])
            if found["kept"]:
                silver[place] = silver[place] | {name: found[name] for name in ("sources", "tellings")}
            else:
                del silver[place]
    return list(silver.values())


def said(silver: Sequence[Telling]) -> list[tuple[Any, ...]]:
    rows = [
        (one["started_at"], one["track_id"], one["device"], one["played_ms"], tuple(one["sources"])) for one in silver
    ]
    return sorted(rows, key=lambda row: (row[0], row[1], repr(row[2:])))


def test_the_richest_telling_stays_and_names_all_sources() -> None:
    told = [telling("export", 3, None), telling("phone", 0, 30_000), telling("desk", 2, 60_000)]
    ((_, _, device, played_ms, sources),) = said(silver_after([told]))
    assert (device, played_ms, sources) == ("desk", 60_000, ("canonical", "spotify"))


def test_a_client_never_doubles_its_own_plays() -> None:
    told = [
        telling("phone", 0, 1_000),
        telling("phone", 3, 2_000),
        telling("desk", 0.5, 900),
        telling("desk", 3.5, 800),
    ]
    assert [row[2:4] for row in said(silver_after([told]))] == [("phone", 1_000), ("phone", 2_000)]


def test_plays_further_apart_or_of_other_tracks_are_two() -> None:
    told = [telling("phone", 0, 30_000), telling("desk", 5.001, 30_000), telling("desk", 0, 30_000, track="trk:2")]
    assert len(silver_after([told])) == 3


def test_nothing_is_told_twice_of_no_play() -> None:
    nothing = SCHEMA.empty_table().select(RULE.compared).append_column("is_new", pa.array([], pa.int32()))
    assert RULE.told_twice(nothing).num_rows == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_order_and_batches_change_nothing_of_what_silver_says(seed: int) -> None:
    told = told_by_chance(seed)
    shuffled = random.Random(seed).sample(told, len(told))  # noqa: S311 (seeded, not secret)
    cut = len(told) // 3
    at_once = said(silver_after([told]))
    assert len(at_once) == 200
    assert said(silver_after([shuffled])) == at_once
    assert said(silver_after([shuffled[:cut], shuffled[cut : 2 * cut], shuffled[2 * cut :]])) == at_once


def orders(told: list[Telling]) -> st.SearchStrategy[tuple[list[Telling], int, int]]:
    cut = st.integers(0, len(told))
    return st.tuples(st.permutations(told), cut, cut)


Chains = st.lists(st.tuples(st.integers(0, 40), st.sampled_from([None, 30_000, 60_000])), min_size=1, max_size=6)


@given(Chains.map(lambda chain: [telling(f"client-{n}", *told) for n, told in enumerate(chain)]).flatmap(orders))
def test_what_is_near_to_something_near_is_one_play_in_whatever_batches_it_comes(
    ordered: tuple[list[Telling], int, int],
) -> None:
    told, *cuts = ordered
    first, second = sorted(cuts)
    assert said(silver_after([told[:first], told[first:second], told[second:]])) == said(silver_after([told]))


def test_a_chain_of_three_clients_is_one_play() -> None:
    chain = [telling("phone", 0, 30_000), telling("desk", 4, 60_000), telling("export", 8, 40_000)]
    assert [row[2] for row in said(silver_after([chain]))] == ["desk"]
    assert [row[2] for row in said(silver_after([[one] for one in chain]))] == ["desk"]


Moments = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 60), st.booleans()), max_size=40)


@given(Moments)
def test_what_is_compared_are_the_plays_with_another_one_near_if_one_of_them_is_new(
    moments: list[tuple[str, int, bool]],
) -> None:
    keys, starts, is_new = ([moment[n] for moment in moments] for n in range(3))
    tracks = pa.table({"listener_id": pa.array(["anna"] * len(keys)), "track_id": pa.array(keys, pa.string())})
    found = RULE.near(RULE.keys(tracks), np.array(starts, np.int64) * 1_000_000, np.array(is_new, np.bool_))
    expected = set()
    for _, of_track in groupby(sorted(range(len(keys)), key=lambda n: (keys[n], starts[n])), key=keys.__getitem__):
        cluster: list[int] = []
        for n in of_track:
            if cluster and starts[n] - starts[cluster[-1]] > RULE.near_seconds:
                expected |= set(cluster) if len(cluster) > 1 and any(is_new[m] for m in cluster) else set()
                cluster = []
            cluster.append(n)
        expected |= set(cluster) if len(cluster) > 1 and any(is_new[m] for m in cluster) else set()
    assert set(np.flatnonzero(found)) == expected
