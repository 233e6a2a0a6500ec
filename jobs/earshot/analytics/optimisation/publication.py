"""Where answers go: MLflow, gold.offers and gold.optimisation."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import reduce
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import DataFrame

from earshot.analytics.optimisation.answer import Answer
from earshot.analytics.optimisation.estimates import Estimate
from earshot.analytics.optimisation.reading import FIGURES, OF_OFFERS, OF_PAYOUTS, listeners_of_today
from earshot.analytics.optimisation.responses import Responses, fit
from earshot.analytics.optimisation.targets import TABLE, Targeting, targeting
from earshot.core import columns as c
from earshot.core.job import Job
from earshot.core.registered_models import OpenRunT, Registry
from earshot.core.small_tables import SmallTables
from earshot.core.tables import spec_of

_KIND: Final = "t_learner"
_ARTEFACT: Final = "responses.json"
_UNNAMEABLE: Final = re.compile(r"[^A-Za-z0-9_\-. :/]")


def publish_offers(job: Job, answers: Sequence[Answer], registry: Registry[OpenRunT], model_name: str, tag: str) -> int:
    """Register a model of each experiment that tells who is moved, and write the best offer of every listener.

    Returns:
        How many experiments did.
    """
    settings, chosen = job.settings.optimisation, []
    for one in answers:
        if one.scores is None or not one.targets:
            continue
        model = fit(one.experiment, seed=settings.seed)
        version = _register(one, model, registry, model_name, tag, job.date)
        chosen.append((targeting(one, one.scores, model, groups=settings.groups), version))
    if chosen:
        listeners = listeners_of_today(job).persist()
        frames = [_chosen(listeners, *pair, as_of=job.date) for pair in chosen]
        job.tables.overwrite(TABLE, reduce(DataFrame.unionByName, frames))
        listeners.unpersist()
    else:
        SmallTables(job.settings.lake_root).overwrite(TABLE, [])
    return len(chosen)


def write_answers(job: Job, answers: Iterable[Answer]) -> int:
    """Replace the figures of offers in gold.optimisation; returns how many there are."""
    told = {c.TOPIC: OF_OFFERS, c.AS_OF: job.date}
    rows = [{**told, c.SUBJECT: one.experiment.name, **e.row()} for one in answers for e in one.estimates]
    SmallTables(job.settings.lake_root).overwrite(FIGURES, rows, predicate=f"{c.TOPIC} = '{OF_OFFERS}'")
    return len(rows)


def has_figures(job: Job) -> bool:
    """Whether gold.optimisation tells of offers, be it of experiments that are gone."""
    told = SmallTables(job.settings.lake_root).arrow(FIGURES, [(c.TOPIC, "=", OF_OFFERS)], [c.TOPIC])
    return bool(told.num_rows)


def write_month(job: Job, month: date, rows: Iterable[Mapping[str, Any]]) -> int:
    """Replace the figures of a month's payouts in gold.optimisation; returns how many there are."""
    subject = f"{month:%Y-%m}"
    told = {c.TOPIC: OF_PAYOUTS, c.SUBJECT: subject, c.AS_OF: job.date}
    stamped = [{**told, **row} for row in rows]
    where = f"{c.TOPIC} = '{OF_PAYOUTS}' AND {c.SUBJECT} = '{subject}'"
    SmallTables(job.settings.lake_root).overwrite(FIGURES, stamped, predicate=where)
    return len(stamped)


def _chosen(listeners: DataFrame, chosen: Targeting, version: str, *, as_of: date) -> DataFrame:
    def choose(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = chosen.choose(pa.Table.from_batches([batch]), model_version=version, as_of=as_of)
            yield from rows.to_batches()

    return listeners.mapInArrow(choose, spec_of(TABLE).schema)


def _register(one: Answer, model: Responses, registry: Registry[OpenRunT], name: str, tag: str, day: date) -> str:
    experiment = one.experiment
    with tempfile.TemporaryDirectory() as folder, registry.run(f"{experiment.name} {day}", tags={tag: name}) as run:
        Path(folder, _ARTEFACT).write_text(model.to_json(), encoding="utf-8")
        run.log_params(
            {"experiment": experiment.name, "arms": ", ".join(experiment.arms), "listeners": len(experiment)}
        )
        figures = {_metric(e): e.value for e in one.estimates if e.value is not None and c.COUNTRY not in e.dimensions}
        run.log_metrics(figures)
        version = registry.register(
            run,
            name,
            Path(folder),
            kind=_KIND,
            input_example=dict.fromkeys(experiment.features, 0.5),
            output_example=dict.fromkeys(experiment.arms, 0.05),
            metadata={"experiment": experiment.name, "arms": list(experiment.arms)},
        )
    registry.promote(name, version, {})
    return version


def _metric(estimate: Estimate) -> str:
    """A name that MLflow takes, such as `effect_of_group/premium/5`."""
    return _UNNAMEABLE.sub("_", "/".join([estimate.metric, *estimate.dimensions.values()]))
