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
    "silver.session_totals": ("plays", "listens", "heard_ms", "played_ms"),
    "gold.reconciled_charts": ("day", "entity", "streams", "counted"),
    "gold.reconciled_activity": (
        *("day", "listens", "plays", "counted_listens", "counted"),
        *("played_ms", "heard_ms", "skips", "skipped"),
    ),
    "gold.reconciled_revenue": ("month", "country", "tier", "streams", "counted", "is_split"),
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
        "expect_known_country",
        "expect_listen_to_have_no_parse_fault",
        "expect_played_within_duration",
        "expect_time_not_to_be_in_the_future",
        "expect_ordered_times",
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
        "expect_no_lost_column",
        "expect_quarantined_share_to_be_at_most",
        "expect_table_columns_to_match_set",
        "expect_table_row_count_to_be_between",
        "expect_table_row_count_to_equal",
    }
)

# What needs a sort or a shuffle, or has no figures of a pass: Great Expectations' own types, and three of ours.
SCANNED_TYPES: Final = frozenset(
    {
        "expect_column_kl_divergence_to_be_less_than",
        "expect_column_median_to_be_between",
        "expect_column_most_common_value_to_be_in_set",
        "expect_column_pair_values_to_be_in_set",
        "expect_column_to_be_determined_by",
        "expect_column_quantile_values_to_be_between",
        "expect_column_type_to_be",
        "expect_column_value_z_scores_to_be_less_than",
        "expect_column_values_to_be_decreasing",
        "expect_column_values_to_be_increasing",
        "expect_column_values_to_be_json_parseable",
        "expect_column_values_to_be_unique",
        "expect_column_values_to_match_json_schema",
        "expect_column_values_to_match_strftime_format",
        "expect_column_values_to_not_be_outliers",
        "expect_compound_columns_to_be_unique",
        "expect_monotone_session",
        "expect_multicolumn_sum_to_equal",
        "expect_multicolumn_values_to_be_equal",
        "expect_no_impossible_overlap",
        "expect_select_column_values_to_be_unique_within_record",
        "expect_table_column_count_to_be_between",
        "expect_table_column_count_to_equal",
        "expect_table_columns_to_match_ordered_list",
        "unexpected_rows_expectation",
    }
)
