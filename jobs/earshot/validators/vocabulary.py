"""The words that a suite may use: expectation types, columns beyond the tables' own, derived tables."""

from __future__ import annotations

from typing import Final

PARSE_FAULTS: Final = "parse_faults"
READABLE_LINE: Final = "readable_line"

# What a parser may report of a line in `parse_faults`; each is a rule of silver_listens.
PARSER_RULES: Final = frozenset(
    {
        READABLE_LINE,
        "typed_fields",
        "within_limits",
        "listener_present",
        "time_present",
        "time_readable",
        "track_present",
        "played_ms_present",
        "taken_by_listenbrainz",
    }
)

# Columns that rows have while they are judged, beside those of their table.
JUDGED_COLUMNS: Final = frozenset({PARSE_FAULTS, "failed_rules", "quarantine_rules", "filtered_reason"})

# Frames that are computed from tables in order to be judged.
DERIVED_TABLES: Final[dict[str, tuple[str, ...]]] = {
    "silver.play_overlaps": ("listener_id", "source", "started_at", "overlap_ms"),
    "gold.revenue_pools": ("month", "country", "tier", "currency", "model", "suspects", "status", "paid", "pool"),
}

ROW_TYPES: Final = frozenset(
    {
        "expect_column_pair_values_a_to_be_greater_than_b",
        "expect_column_pair_values_to_be_equal",
        "expect_column_value_lengths_to_be_between",
        "expect_column_value_lengths_to_equal",
        "expect_column_values_to_be_between",
        "expect_column_values_to_be_in_set",
        "expect_column_values_to_be_null",
        "expect_column_values_to_match_regex",
        "expect_column_values_to_match_regex_list",
        "expect_column_values_to_not_be_in_set",
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_not_match_regex",
        "expect_column_values_to_not_match_regex_list",
        "expect_country_to_be_known",
        "expect_listen_to_have_no_parse_fault",
        "expect_play_to_fit_its_duration",
        "expect_time_not_to_be_in_the_future",
        "expect_times_to_be_ordered",
    }
)

AGGREGATE_TYPES: Final = frozenset(
    {
        "expect_column_distinct_values_to_be_in_set",
        "expect_column_distinct_values_to_contain_set",
        "expect_column_distinct_values_to_equal_set",
        "expect_column_max_to_be_between",
        "expect_column_mean_to_be_between",
        "expect_column_min_to_be_between",
        "expect_column_proportion_of_non_null_values_to_be_between",
        "expect_column_proportion_of_unique_values_to_be_between",
        "expect_column_stdev_to_be_between",
        "expect_column_sum_to_be_between",
        "expect_column_to_exist",
        "expect_column_unique_value_count_to_be_between",
        "expect_column_values_to_be_in_type_list",
        "expect_column_values_to_be_of_type",
        "expect_file_quarantined_share_to_be_at_most",
        "expect_quarantined_share_to_be_at_most",
        "expect_table_columns_to_match_set",
        "expect_table_row_count_to_be_between",
        "expect_table_row_count_to_equal",
    }
)
