"""The picture of an alert: the expected band, what was seen, and what was wrong."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from alert_messages import alert, points
from earshot.core.alerts import Point
from earshot.formatters.alert_chart import HEIGHT, WIDTH, chart_png, sparklines


def test_the_picture_is_a_small_png_that_is_the_same_each_time() -> None:
    first = chart_png(alert(), points())
    assert first == chart_png(alert(), points())
    picture = Image.open(io.BytesIO(first))
    assert (picture.format, picture.size) == ("PNG", (WIDTH, HEIGHT))
    assert len(first) < 15_000


def test_the_picture_shows_band_line_and_what_was_wrong() -> None:
    colours = {colour for _, colour in Image.open(io.BytesIO(chart_png(alert(), points()))).convert("RGB").getcolors()}

    def near(wanted: tuple[int, int, int]) -> bool:
        return any(sum(abs(a - b) for a, b in zip(wanted, colour, strict=True)) < 40 for colour in colours)

    assert near((0xCF, 0xE0, 0xF3))
    assert near((0x1F, 0x5F, 0xA8))
    assert near((0xB3, 0x26, 0x1E))


@pytest.mark.parametrize(
    "series",
    [
        points(gap=36),
        tuple(point.model_copy(update={"lower": None, "upper": None, "expected": None}) for point in points()),
        tuple(
            point.model_copy(update={"observed": 5.0, "expected": 5.0, "lower": 5.0, "upper": 5.0})
            for point in points()
        ),
        points(3),
        tuple(Point(at=point.at) for point in points()),
    ],
    ids=["a gap", "no band", "a constant", "three hours", "no values"],
)
def test_no_series_breaks_the_picture(series) -> None:
    assert chart_png(alert(labels={"metric": "a $strange$ _metric^"}), series).startswith(b"\x89PNG")
    assert isinstance(sparklines(series), tuple)
