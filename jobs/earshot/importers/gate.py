"""How batches pass the gate, one after the other; what judges, compares and measures is given from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Protocol, TypedDict

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from earshot.core import columns as c
from earshot.core.errors import EarshotError
from earshot.core.job import Job
from earshot.core.partial_figures import Partials
from earshot.core.small_tables import SmallTables
from earshot.importers.bronze import COMMITTED, EVENT_LAG, LINE_COUNT, REFUSED, Batch, Bronze
from earshot.importers.publication import Publication, Tally, sums
from earshot.importers.tellings import Rule


class Verdict(Protocol):
    """What the gate says of a batch."""

    @property
    def closed(self) -> bool:
        """Whether the batch is refused."""

    @property
    def reason(self) -> str:
        """One line for the ledger."""

    def refuse(self) -> EarshotError:
        """The error for a closed gate."""


class Counted(TypedDict):
    """Lines of one file, and those of them that are set aside."""

    source_file: str
    rows_in: int
    quarantined: int


class Judge(Protocol):
    """Gives the verdict on observed figures, and keeps it for `earshot gate show`."""

    def __call__(
        self,
        figures: Mapping[str, Any],
        *,
        batch_id: str,
        files: Sequence[Any],
        examples: Mapping[str, Sequence[str]],
        rows: Callable[[], DataFrame],
    ) -> Verdict:
        """The verdict; `files` are `Counted`, `rows` the written lines, for what figures cannot judge."""


class Measure(Protocol):
    """Gives the KPIs of a batch: rows of gold.quality_kpis."""

    def __call__(
        self,
        batch_id: str,
        figures: Mapping[str, Any],
        *,
        ages: Sequence[float],
        lines: Sequence[int],
        event_lag_s: float | None,
        compared: Mapping[str, int],
    ) -> Sequence[Mapping[str, Any]]:
        """The rows, from figures, ages (seconds) and lines of the files, and what was compared with the catalogue."""


@dataclass(frozen=True)
class Gate:
    """What a batch is put before.

    Attributes:
        judge: Gives the verdict.
        tellings: Says which tellings are of one play.
        compare: Figures that are observed while the plays are written (what the catalogue knows of them).
        measure: Gives the KPIs.
        released: Batches that a person admitted.
    """

    judge: Judge
    tellings: Rule
    compare: Callable[[pa.Table], Partials]
    measure: Measure
    released: Set[str] = frozenset()


def publish_batches(job: Job, gate: Gate) -> None:
    """Publish every batch that waits, the oldest first; a refused one does not stop those after it.

    Raises:
        GateRefusedError: The gate refused a batch; the others are published.
    """
    small = SmallTables(job.settings.lake_root)
    bronze = Bronze(job.tables, small)
    refused: list[Verdict] = []
    for batch in [*_released(bronze, gate.released), *bronze.pending()]:
        publication = Publication(batch, job.tables, small, job.settings, job.clock())
        status = publication.status()
        if status is None or (status == REFUSED and batch.batch_id in gate.released):
            with job.stage(f"publish {batch.batch_id[:8]}"):
                verdict = _publish(job, publication, gate)
            refused += [verdict] if verdict else []
        publication.finish()
    if refused:
        raise refused[0].refuse()


def _released(bronze: Bronze, released: Set[str]) -> Iterator[Batch]:
    """Refused batches that were admitted; those that are recent are pending anyway."""
    recent = {batch.batch_id for batch in bronze.pending()}
    statuses = bronze.refused() & released
    return (bronze.find(batch_id) for batch_id in sorted(statuses - recent))


def _publish(job: Job, publication: Publication, gate: Gate) -> Verdict | None:
    """Publish one batch; the verdict if it was refused."""
    batch = publication.batch
    tally = publication.earlier_tally() if batch.figures[LINE_COUNT] else Tally({})
    if tally is None:
        census = publication.census()
        verdict = _judged(publication, gate, census, job.settings.quality.examples)
        if verdict.closed and batch.batch_id not in gate.released:
            job.audit.record("gate.refuse", batch.batch_id, {"reason": verdict.reason})
            publication.enter(publication.told(REFUSED, reason=verdict.reason))
            return verdict
        tally = _accepted(publication, gate, census)
    elif tally.total(c.ACCEPTED) and not publication.is_amended:
        publication.amend(_changed(publication.told_twice(gate.tellings)))
    publication.set_lines_aside(tally)
    if batch.figures[LINE_COUNT]:
        _measure(publication, gate, tally)
    rows = publication.told(COMMITTED, tally)
    counts = sums(rows)
    # Before the ledger: killed between the two, a batch is in the trail twice rather than not at all.
    job.audit.record("publish", batch.batch_id, {**counts, "files": len(batch.files)})
    publication.enter(rows, tally)
    job.summary.rows_in += counts[c.READ]
    job.summary.rows_out += counts[c.ACCEPTED]
    job.tell(**{what: count + int(str(job.summary.facts.get(what, 0))) for what, count in counts.items()})
    return None


def _accepted(publication: Publication, gate: Gate, census: Tally) -> Tally:
    """Let the plays of the batch enter silver, and change the published ones that they tell of."""
    twice = publication.told_twice(gate.tellings)
    changed = _changed(twice)
    tally = publication.accept(twice.filter(pc.equal(twice[c.IS_NEW], 1)), census, gate.compare, changed)
    publication.amend(changed)
    return tally


def _changed(twice: pa.Table) -> pa.Table:
    return twice.filter(pc.equal(twice[c.IS_NEW], 0)).drop_columns([c.IS_NEW])


def _judged(publication: Publication, gate: Gate, tally: Tally, examples: int) -> Verdict:
    batch = publication.batch
    return gate.judge(
        batch.figures,
        batch_id=batch.batch_id,
        files=[
            Counted(source_file=name, rows_in=counts[c.READ], quarantined=counts[c.QUARANTINED])
            for name, counts in tally.files.items()
        ],
        examples=publication.examples(examples) if tally.total(c.QUARANTINED) else {},
        rows=lambda: publication.rows,
    )


def _measure(publication: Publication, gate: Gate, tally: Tally) -> None:
    batch = publication.batch
    ages, lines = publication.ages(tally)
    lag = batch.figures.get(EVENT_LAG)
    publication.measure(
        gate.measure(batch.batch_id, batch.figures, ages=ages, lines=lines, event_lag_s=lag, compared=tally.more)
    )
