"""`earshot evaluate recommenders`: every algorithm on held-out days, in HOME and on simulated listeners."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json

from earshot.core import columns as c
from earshot.core.errors import JobSkippedError
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.importers.simulated import generate
from earshot.recommenders.interactions import PlayCounts
from earshot.recommenders.plain_counts import NEEDED, count_plays
from earshot.recommenders.splits import phase_starts
from earshot.recommenders.training import Candidate, compare, require_history

SEEDS: Final = (1, 2, 3)
_START: Final = date(2026, 3, 1)
_DAYS, _LISTENERS, _TRACKS, _PLAYS = 14, 600, 3_000, 120_000
_EVENT: Final = pa.schema(
    {
        "listener": pa.string(),
        c.TRACK_ID: pa.string(),
        c.STARTED_AT: pa.string(),
        c.PLAYED_MS: pa.int64(),
        c.DURATION_MS: pa.int64(),
        c.SKIPPED: pa.bool_(),
    }
)


def evaluate_recommenders(settings: Settings, seeds: Sequence[int] = SEEDS) -> dict[str, Any]:
    """Fit every algorithm on the older days and judge it on the last ones.

    Parameters are chosen on days before those that are reported. HOME is judged where it holds enough
    plays; simulated listeners of the scenario `clean` are made, judged and thrown away for every seed.

    Args:
        settings: What is in force.
        seeds: Of the simulations.

    Returns:
        `at`, how many tracks are recommended; `als_over_popularity`, the smallest ratio of NDCG over the
        seeds; `home`, a row an algorithm, or why there is none; `simulated`, a row a seed and algorithm.
    """
    simulated = {seed: _judged(_simulated(settings, seed), settings) for seed in seeds}
    ratios = [_ratio(candidates) for candidates in simulated.values()]
    return {
        "at": settings.recommender.at,
        "als_over_popularity": round(min(ratios), 2) if ratios else None,
        "home": _home(settings),
        "simulated": [row for seed, found in simulated.items() for row in _rows(found, {"seed": seed})],
    }


def _home(settings: Settings) -> list[dict[str, Any]] | str:
    tables = SmallTables(settings.lake_root)
    listens = tables.arrow("silver.listens", columns=NEEDED)
    if not len(listens):
        return "no plays in silver.listens"
    suspects = tables.arrow("gold.suspect_listens", columns=(c.LISTENER_ID, c.TRACK_ID, c.LISTEN_DATE, c.VERDICT))
    day = pc.max(listens[c.LISTEN_DATE]).as_py() + timedelta(days=1)
    try:
        return _rows(_judged(_counts(listens, suspects, day, settings), settings), {})
    except JobSkippedError as skipped:
        return skipped.what


def _simulated(settings: Settings, seed: int) -> PlayCounts:
    with tempfile.TemporaryDirectory(prefix="earshot-evaluate-") as scratch:
        generate(
            Path(scratch),
            days=_DAYS,
            listeners=_LISTENERS,
            tracks=_TRACKS,
            plays=_PLAYS,
            start=_START,
            seed=seed,
            scenario="clean",
        )
        events = pa.concat_tables(_events(path) for path in sorted((Path(scratch) / "landing").rglob("*.jsonl*")))
    events = events.group_by(["listener", c.TRACK_ID, c.STARTED_AT]).aggregate(
        [(c.PLAYED_MS, "max"), (c.DURATION_MS, "max"), (c.SKIPPED, "max")]
    )
    listens = pa.table(
        {
            c.LISTENER_ID: events["listener"],
            c.TRACK_ID: events[c.TRACK_ID],
            c.LISTEN_DATE: pc.utf8_slice_codeunits(events[c.STARTED_AT], 0, 10).cast(pa.date32()),
            c.PLAYED_MS: events[f"{c.PLAYED_MS}_max"],
            c.DURATION_MS: events[f"{c.DURATION_MS}_max"],
            c.SKIPPED: events[f"{c.SKIPPED}_max"],
        }
    )
    return _counts(listens, None, _START + timedelta(days=_DAYS), settings)


def _events(path: Path) -> pa.Table:
    options = json.ParseOptions(explicit_schema=_EVENT, unexpected_field_behavior="ignore")
    with pa.input_stream(str(path)) as stream:
        return json.read_json(stream, parse_options=options).select(_EVENT.names)


def _counts(listens: pa.Table, suspects: pa.Table | None, day: date, settings: Settings) -> PlayCounts:
    phases = phase_starts(day, settings.recommender.holdout_days)
    return PlayCounts.of(count_plays(listens, suspects, phases=phases, stream_rule=settings.marts.stream_rule))


def _judged(counts: PlayCounts, settings: Settings) -> list[Candidate]:
    require_history(counts, settings.recommender)
    return compare(counts, settings.recommender)


def _rows(candidates: Sequence[Candidate], first: Mapping[str, Any]) -> list[dict[str, Any]]:
    baseline = _baseline(candidates)
    rows = []
    for candidate in candidates:
        figures, at = candidate.test.metrics, candidate.test.at
        rows.append(
            {
                **first,
                "algorithm": candidate.recipe.algorithm,
                **{name: round(figures[f"{name}_at_{at}"], 4) for name in ("ndcg", "recall", "map")},
                "coverage": round(figures["coverage"], 3),
                "ratio": round(candidate.test.score / baseline, 2),
                "listeners": len(candidate.test.ndcg),
            }
        )
    return rows


def _baseline(candidates: Sequence[Candidate]) -> float:
    scores = {candidate.recipe.algorithm: candidate.test.score for candidate in candidates}
    return max(scores["popularity"], 1e-9)


def _ratio(candidates: Sequence[Candidate]) -> float:
    als = next(candidate for candidate in candidates if candidate.recipe.algorithm == "als")
    return als.test.score / _baseline(candidates)
