"""What a root leaves in slices that cross it, where the cube tells and where it does not."""

from __future__ import annotations

import numpy as np
import pytest

from earshot.detectors.baseline import SeasonalConfig
from earshot.detectors.evidence import Frame
from earshot.detectors.series import Dimensions, Kind
from earshot.detectors.traces import Left

US, IOS, BOTH = (("country", "US"),), (("device", "ios"),), (("country", "US"), ("device", "ios"))
ALL: Dimensions = ()
HOURS = np.ones(1, dtype=bool)
DUE = {ALL: 1_000.0, US: 400.0, IOS: 500.0, BOTH: 200.0}


def left(seen: dict[Dimensions, float], *, known: bool = True) -> Left:
    """Plays of one hour: 1,000 are due, 400 of them from the US and 500 from iOS."""
    due = np.array(list(DUE.values()))[:, None]
    numerator = np.array([float(seen.get(slice_, DUE[slice_])) for slice_ in DUE])[:, None]
    usable = np.array([[True], [True], [True], [known]])
    windows = len(SeasonalConfig().windows)
    noise = (np.ones((4, windows)), np.ones(4), usable)
    frame = Frame(Kind.COUNT, numerator, due, np.ones_like(due), *noise)
    return Left.whole(frame, {slice_: row for row, slice_ in enumerate(DUE)})


def rest(of: Left, slice_: Dimensions) -> float:
    return float(of.numerator[of.places[slice_], 0])


def test_what_both_share_is_measured_where_the_cube_has_it() -> None:
    found = left({US: 100, IOS: 250, BOTH: 10, ALL: 700}).without(US, HOURS, DUE.keys())
    assert rest(found, IOS) == 250 + 190
    assert rest(found, ALL) == 1_000
    assert not found.guessed.any()


def test_where_it_has_not_the_root_is_spread_as_the_plays_are() -> None:
    found = left({US: 100, IOS: 350, ALL: 700}, known=False).without(US, HOURS, DUE.keys())
    assert rest(found, IOS) == pytest.approx(350 + 300 * 0.5)
    assert found.guessed[found.places[IOS], 0] == pytest.approx(150)


def test_what_is_left_after_a_guess_is_less_sure() -> None:
    told, guessed = (
        left({US: 100, IOS: 250, BOTH: 50, ALL: 600}, known=known).without(US, HOURS, DUE.keys())
        for known in (True, False)
    )
    assert rest(told, IOS) == rest(guessed, IOS) == 400
    sure, unsure = (abs(of.deviations([of.places[IOS]], SeasonalConfig())[0, 0, 0]) for of in (told, guessed))
    assert 0 < unsure < 0.5 * sure


@pytest.mark.parametrize(("ios", "known", "holds"), [(300, False, True), (100, False, False), (300, True, False)])
def test_a_root_may_hold_all_of_a_slice_up_to_what_it_lacks_itself(ios: float, known: bool, holds: bool) -> None:
    found = left({US: 100, IOS: ios, ALL: 500}, known=known)
    assert found.could_hold(IOS, US, HOURS) is holds


def test_a_rise_is_never_held_by_a_drop() -> None:
    assert not left({US: 100, IOS: 700, ALL: 900}, known=False).could_hold(IOS, US, HOURS)
