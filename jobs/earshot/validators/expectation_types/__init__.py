"""Earshot's own expectation types, as proper Great Expectations; importing this package registers them."""

from earshot.validators.expectation_types import (
    determined_by,
    known_country,
    monotone_session,
    no_impossible_overlap,
    no_lost_column,
    no_parse_fault,
    ordered_times,
    played_within_duration,
    quarantined_share,
    time_not_in_the_future,
)

__all__ = [
    "determined_by",
    "known_country",
    "monotone_session",
    "no_impossible_overlap",
    "no_lost_column",
    "no_parse_fault",
    "ordered_times",
    "played_within_duration",
    "quarantined_share",
    "time_not_in_the_future",
]
