from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from earshot.core.errors import InputError
from earshot.core.settings import RecommenderSettings
from earshot.recommenders import artefacts
from earshot.recommenders.candidates import ALGORITHMS, fit, search_space
from earshot.recommenders.interactions import PlayCounts
from earshot.recommenders.recommendations import recommend

DAY = date(2026, 3, 29)


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_a_restored_model_ranks_as_the_saved_one(
    algorithm: str, counts: PlayCounts, settings: RecommenderSettings, tmp_path: Path
) -> None:
    histories = counts.interactions()
    fitted = fit(search_space(settings, 200)[algorithm][0], histories)
    artefacts.save(fitted, tmp_path, trained_until=DAY)
    restored = artefacts.load(tmp_path)
    assert restored.recipe == fitted.recipe
    assert recommend(restored, histories, 10).equals(recommend(fitted, histories, 10))


def test_the_same_model_gives_the_same_bytes(counts: PlayCounts, settings: RecommenderSettings, tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        fitted = fit(search_space(settings, 200)["als"][0], counts.interactions())
        artefacts.save(fitted, tmp_path / name, trained_until=DAY)
    assert (tmp_path / "one" / "arrays.npz").read_bytes() == (tmp_path / "other" / "arrays.npz").read_bytes()


def test_no_pickle_and_no_listener_is_in_the_files(
    counts: PlayCounts, settings: RecommenderSettings, tmp_path: Path
) -> None:
    artefacts.save(fit(search_space(settings, 200)["als"][0], counts.interactions()), tmp_path, trained_until=DAY)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arrays.npz", "model.json"]
    with np.load(tmp_path / "arrays.npz", allow_pickle=False) as stored:
        texts = [text for name in stored.files if stored[name].dtype.kind == "U" for text in stored[name]]
    assert texts
    assert not any(text.startswith("v1:") for text in texts)


def test_something_else_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(InputError, match="no recommender") as refused:
        artefacts.load(tmp_path)
    assert str(tmp_path) in str(refused.value)
