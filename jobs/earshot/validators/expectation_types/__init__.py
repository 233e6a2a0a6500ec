"""Earshot's own expectation types, as proper Great Expectations; importing this package registers them."""

from earshot.validators.expectation_types import (
    country_known,
    determined_by,
    no_parse_fault,
    play_fits_duration,
    quarantined_share,
    time_not_in_the_future,
    times_ordered,
)

__all__ = [
    "country_known",
    "determined_by",
    "no_parse_fault",
    "play_fits_duration",
    "quarantined_share",
    "time_not_in_the_future",
    "times_ordered",
]
