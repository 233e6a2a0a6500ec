from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from earshot.core.settings import RecommenderSettings
from earshot.recommenders import served
from earshot.recommenders.candidates import fit, search_space
from earshot.recommenders.interactions import PlayCounts
from earshot.recommenders.recommendations import recommend


def test_ranks_begin_at_one_and_leave_no_gap(counts: PlayCounts, settings: RecommenderSettings) -> None:
    histories = counts.interactions()
    rows = recommend(fit(search_space(settings, 200)["als"][0], histories), histories, 20).to_pandas()
    assert len(rows) == 20 * len(histories.listeners)
    assert rows.groupby("listener_id")["rank"].apply(list).map(lambda ranks: ranks == list(range(1, 21))).all()
    assert (rows.groupby("listener_id")["score"].apply(lambda s: s.is_monotonic_decreasing)).all()


def test_a_listener_of_whom_nothing_is_known_gets_popularity_by_name(
    counts: PlayCounts, settings: RecommenderSettings, counts_of: Callable[..., PlayCounts]
) -> None:
    fitted = fit(search_space(settings, 200)["als"][0], counts.interactions())
    newcomer = counts_of(("v1:new", "trk:0", 0, 1, 0, 1)).interactions()
    rows = recommend(fitted, newcomer, 3).to_pylist()
    assert {row["algorithm"] for row in rows} == {"popularity"}
    assert "trk:0" not in {row["track_id"] for row in rows}


def test_the_served_model_takes_plays_and_gives_ranks(counts: PlayCounts, settings: RecommenderSettings) -> None:
    fitted = fit(search_space(settings, 200)["als"][0], counts.interactions())
    genre_two = pd.DataFrame({"listener_id": ["me"] * 3, "track_id": ["trk:2", "trk:7", "trk:12"]})
    answer = served.ServedRecommender(fitted).predict(genre_two)
    assert list(answer.columns) == ["listener_id", "rank", "track_id", "score"]
    top = [int(track.removeprefix("trk:")) % 5 for track in answer["track_id"][:5]]
    assert top.count(2) >= 4
    assert not set(answer["track_id"]) & set(genre_two["track_id"])


def test_the_example_of_the_served_model_names_nobody(counts: PlayCounts, settings: RecommenderSettings) -> None:
    given, returned = served.examples(fit(search_space(settings, 200)["als"][0], counts.interactions()))
    assert set(given["listener_id"]) == {"somebody"}  # type: ignore[call-overload]
    assert len(returned["track_id"]) == served.RECOMMENDATIONS  # type: ignore[arg-type]
