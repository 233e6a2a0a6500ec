"""The gate's Checkpoint beside one that Great Expectations runs on Spark by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import great_expectations as gx
from great_expectations import Checkpoint, ValidationDefinition
from great_expectations.checkpoint import CheckpointResult
from great_expectations.checkpoint.actions import ActionContext, ValidationAction
from great_expectations.core import ExpectationSuiteValidationResult
from pyspark.sql import DataFrame

from earshot.validators.aggregate_rules import schema_figures
from earshot.validators.checkpoints.owed import OwedVerdicts
from earshot.validators.compile import CompiledSuite, compile_suite
from earshot.validators.reports import write_report
from earshot.validators.suites import load_suite
from earshot.validators.verdicts import GateVerdict, to_great_expectations
from gx_results import comparable

_HEARD: list[CheckpointResult] = []


class Listens(ValidationAction):
    """Keeps what a Checkpoint gives its actions."""

    type: Literal["listens"] = "listens"

    def run(self, checkpoint_result: CheckpointResult, action_context: ActionContext | None = None) -> dict[str, Any]:
        _HEARD.append(checkpoint_result)
        return {}


def test_an_action_hears_from_the_gate_what_it_hears_from_a_run_on_spark(
    gate: Callable[..., Any],
    make_plays: Callable[[list[dict[str, Any]]], DataFrame],
    good_play: dict[str, Any],
    faults: dict[str, dict[str, Any]],
) -> None:
    here = gate({"type": f"{__name__}:Listens"})
    suite = compile_suite(load_suite("silver_listens"), here.settings)
    plays = [*faults.values(), *({**good_play, "track_id": f"trk:{n}"} for n in range(120))]
    judged = suite.judge(make_plays(plays)).coalesce(1).cache()

    verdict = _verdict(suite, judged)
    OwedVerdicts(here.settings).owe(verdict, here.now)
    write_report(here.settings, verdict)
    _HEARD.clear()
    assert here.follow() == {"actions": 1}
    (ours,) = _HEARD.pop().run_results.values()
    theirs = _on_spark(suite, judged)

    assert verdict.result["meta"]["not_judged"] == []
    assert (ours.success, ours.statistics) == (theirs.success, theirs.statistics)
    assert ours.statistics["unsuccessful_expectations"] >= len(faults)
    assert ours.get_max_severity_failure() == theirs.get_max_severity_failure()
    mine, wanted = _by_rule(ours), _by_rule(theirs)
    assert mine.keys() == wanted.keys()
    assert {rule: (mine[rule], wanted[rule]) for rule in mine if mine[rule] != wanted[rule]} == {}


def _verdict(suite: CompiledSuite, judged: DataFrame) -> GateVerdict:
    """Of the figures of one pass."""
    figures = judged.agg(*suite.aggregates()).collect()[0].asDict() | schema_figures(judged.schema)
    aside = judged.where("size(quarantine_rules) > 0").count()
    file = {"source_file": "2026-03-29/a.jsonl", "rows_in": judged.count(), "quarantined": aside}
    return suite.verdict(figures, batch_id="b1", files=[file])


def _on_spark(suite: CompiledSuite, judged: DataFrame) -> ExpectationSuiteValidationResult:
    context = gx.get_context(mode="ephemeral")
    batch = context.data_sources.add_spark("spark", persist=False).add_dataframe_asset("listens")
    definition = ValidationDefinition(
        name="listens",
        data=batch.add_batch_definition_whole_dataframe("all"),
        suite=context.suites.add(to_great_expectations(suite.rules)),
    )
    checkpoint = Checkpoint(
        name="plain",
        validation_definitions=[context.validation_definitions.add(definition)],
        actions=[Listens(name="listens")],
        result_format="BASIC",
    )
    checkpoint.run(batch_parameters={"dataframe": judged})
    (result,) = _HEARD.pop().run_results.values()
    return result


def _by_rule(result: ExpectationSuiteValidationResult) -> dict[str, dict[str, Any]]:
    return {
        one.expectation_config.meta["earshot"]["rule"]: comparable(one.to_json_dict())
        for one in result.results
        if one.expectation_config
    }
