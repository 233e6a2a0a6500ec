from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from dirty_tables import seeded
from earshot.validators.profiling.dependencies import TYPE
from earshot.validators.profiling.dependency import Dependency
from earshot.validators.profiling.suggestion import Suggestion, suggest


def texts(**columns: list[str]) -> pa.Table:
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def found(table: pa.Table) -> set[tuple[tuple[str, ...], str]]:
    return {(tuple(f.kwargs["determinant"]), f.column) for f in suggest(table).findings if f.type == TYPE}


def flagged(suggestion: Suggestion, column: str) -> list[int]:
    return [cell.row for cell in suggestion.cells() if cell.column == column]


def dependency(groups: list[int], values: list[int]) -> Dependency:
    return Dependency(("a",), "b", np.array(groups), np.array(values))


def test_confidence_is_the_share_that_agrees_in_groups_of_two_and_more() -> None:
    d = dependency([0, 0, 0, 1, 1, 2, -1], [5, 5, 6, 7, 7, 8, 5])
    assert d.confidence == pytest.approx(4 / 5)
    assert d.support == (5, 2)
    assert d.conflicts.tolist() == [2]


def test_a_tie_is_nobodys_fault() -> None:
    assert dependency([0, 0, 1, 1], [1, 2, 3, 3]).conflicts.tolist() == []


def test_a_gap_is_unexpected_only_where_the_group_knows_a_value_twice() -> None:
    assert dependency([0, 0, 0, 1, 1], [4, 4, -1, 5, -1]).gaps.tolist() == [2]


def test_mu_is_what_shuffling_leaves_over() -> None:
    """The closed form against the mean over shuffles, by definition."""
    chance = seeded(3)
    groups = [chance.randrange(6) for _ in range(120)]
    values = [group % 3 if chance.random() < 0.8 else chance.randrange(3) for group in groups]

    def pdep(of: list[int]) -> float:
        pairs, sizes = Counter(zip(groups, of, strict=True)), Counter(groups)
        return sum(count**2 / sizes[group] for (group, _), count in pairs.items()) / len(groups)

    shuffled = np.mean([pdep(chance.sample(values, len(values))) for _ in range(2000)])
    assert dependency(groups, values).mu == pytest.approx((pdep(values) - shuffled) / (1 - shuffled), abs=0.01)


def test_independent_columns_have_no_mu() -> None:
    chance = seeded(4)
    groups, values = [chance.randrange(300) for _ in range(2000)], [chance.randrange(9) for _ in range(2000)]
    assert abs(dependency(groups, values).mu) < 0.05


def test_a_postcode_determines_its_city_and_slips_are_flagged() -> None:
    codes = [f"{35000 + n % 40}" for n in range(1200)]
    cities = [f"City of {'abcdefghij'[n % 40 % 10]}{'klmn'[n % 40 // 10]}" for n in range(1200)]
    cities[77] = "Elsewhere"
    table = texts(code=codes, city=cities)
    assert (("code",), "city") in found(table)
    assert flagged(suggest(table), "city") == [77]


def test_facts_are_no_slips() -> None:
    """Listeners mostly use one device, but the other one again and again."""
    listeners = [f"listener {'abcdefghij'[n % 10]}" for n in range(1000)]
    devices = ["phone" if n // 10 % 6 else "car" for n in range(1000)]
    assert found(texts(listener=listeners, device=devices)) == set()


def test_an_almost_unique_column_determines_nothing() -> None:
    keys = [f"k{n // 2 if n < 40 else n}" for n in range(1000)]
    assert found(texts(key=keys, value=[f"v{n % 7}" for n in range(1000)])) == set()


def test_a_nearly_constant_column_is_not_determined() -> None:
    chance = seeded(5)
    table = texts(
        a=[f"a{chance.randrange(9)}" for _ in range(900)],
        b=["yes" if chance.random() < 0.97 else "no" for _ in range(900)],
    )
    assert found(table) == set()


def test_a_measure_names_nothing() -> None:
    """Tracks of the same length are not the same track."""
    lengths = [str(100_000 + (n % 50) * 7919) for n in range(1000)]
    table = pa.table(
        {
            "ms": pa.array([int(x) for x in lengths]),
            "title": pa.array([f"Title {'abcde'[n % 50 // 10]}{n % 50}" for n in range(1000)]),
        }
    )
    assert (("ms",), "title") not in found(table)


def test_two_columns_may_determine_a_third_together() -> None:
    chance = seeded(6)
    states, kinds = [f"s{chance.randrange(8)}" for _ in range(2000)], [f"k{chance.randrange(4)}" for _ in range(2000)]
    rates = [f"rate {hash_of(s, k)}" for s, k in zip(states, kinds, strict=True)]
    assert (("kind", "state"), "rate") in {
        (tuple(sorted(d)), c) for d, c in found(texts(state=states, kind=kinds, rate=rates))
    }


def hash_of(state: str, kind: str) -> str:
    return "abcdefghijklmnopqrstuvwxyzABCDEF"[int(state[1:]) * 4 + int(kind[1:])]


def test_sources_that_report_on_the_same_things_should_agree() -> None:
    """Twenty things, thirty sources: half of the reports of the second column are wrong, and many are missing."""
    chance = seeded(8)
    things, sources, values = [], [], []
    for thing in range(20):
        for source in range(30):
            things.append(f"thing {'abcdefghijklmnopqrst'[thing]}")
            sources.append(f"source {source}")
            said = f"truth {thing}" if chance.random() < 0.6 else f"rumour {chance.randrange(500)}"
            values.append("" if chance.random() < 0.2 else said)
    table = texts(thing=things, source=sources, said=values)
    assert (("thing",), "said") in found(table)
    wrong = [n for n, said in enumerate(values) if not said.startswith("truth")]
    assert flagged(suggest(table), "said") == wrong


def test_a_wrong_determinant_takes_the_blame() -> None:
    states = [f"state {'abcdefgh'[n % 8]}" for n in range(800)]
    cities = [f"city {'abcdefghijklmnopqrstuvwx'[n % 24]}" for n in range(800)]
    rates = [f"rate {n % 8}" for n in range(800)]
    states[5] = "state a"
    suggestion = suggest(texts(city=cities, state=states, rate=rates))
    assert flagged(suggestion, "state") == [5]
    assert flagged(suggestion, "city") == []
