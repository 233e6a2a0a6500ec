"""A refused batch judged again, from its rows in bronze, by the suite as it is now."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from earshot.core.columns import FAILED_RULES, QUARANTINE_RULES, SOURCE_FILE
from earshot.validators.aggregate_rules import schema_figures
from earshot.validators.compile import CompiledSuite
from earshot.validators.rules import FileFigures
from earshot.validators.verdicts import GateVerdict
from earshot.validators.vocabulary import PARSE_FAULTS, PARSER_RULES

_ROWS_IN, _QUARANTINED = "rows_in", "quarantined"


def with_parse_faults(rows: DataFrame) -> DataFrame:
    """Rows of bronze as they were before they were judged: what only the parser knew is in failed_rules."""
    faults = F.array_intersect(F.col(FAILED_RULES), F.array(*map(F.lit, sorted(PARSER_RULES))))
    return rows.withColumn(PARSE_FAULTS, faults).drop(FAILED_RULES, QUARANTINE_RULES)


def judge_again(rows: DataFrame, compiled: CompiledSuite, *, batch_id: str) -> GateVerdict:
    """Great Expectations' verdict on rows of bronze; costs one scan.

    Args:
        rows: The batch, columns of bronze.listens.
        compiled: The suite as it is now, with the exemption of filtered rows.
        batch_id: The batch.
    """
    judged = compiled.judge(with_parse_faults(rows)).drop(PARSE_FAULTS)
    aside = F.count_if(F.size(QUARANTINE_RULES) > 0)
    by_file = judged.groupBy(SOURCE_FILE).agg(F.count(F.lit(1)).alias(_ROWS_IN), aside.alias(_QUARANTINED))
    files: list[FileFigures] = [
        {"source_file": row[SOURCE_FILE], "rows_in": row[_ROWS_IN], "quarantined": row[_QUARANTINED]}
        for row in by_file.collect()
    ]
    figures = judged.agg(*compiled.aggregates()).collect()[0].asDict() | schema_figures(rows.schema)
    return compiled.verdict(figures, batch_id=batch_id, files=files, rows=lambda: judged)
