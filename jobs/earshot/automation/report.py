"""The report outside a pipeline run: of everything, or of one listener; needs no Spark."""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path

from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.formatters.report.figures import collect
from earshot.formatters.report.listener import collect_listener
from earshot.formatters.report.models import compared
from earshot.formatters.report.page import write_page
from earshot.integrations.model_registry import RECOMMENDER, ModelRegistry
from earshot.security.keys import load_keys
from earshot.security.pseudonyms import Pseudonymiser
from earshot.validators.reports import pages_by_batch, read_report


def write_report(settings: Settings, day: date, listener: str | None = None) -> Path:
    """Write the page and return where it is.

    Args:
        settings: What is in force.
        day: As of the end of this day.
        listener: Identity or pseudonym; None for everything.

    Raises:
        InputError: There is no play of this listener.
    """
    tables, reports = SmallTables(settings.lake_root), settings.home / "reports"
    if listener is None:
        registry = ModelRegistry(settings.tracking_uri, settings.mlflow.experiment)
        champion = registry.champion(RECOMMENDER)
        models = compared(registry.comparisons(RECOMMENDER), champion.kind if champion else "")
        figures = collect(
            tables,
            day,
            models,
            partial(read_report, settings),
            pages_by_batch(settings),
            paid_model=settings.revenue.paid_model,
        )
        return write_page(figures, reports / "report.html")
    keys = load_keys(settings)
    prefix = f"v{keys.key_version}:"
    pseudonym = listener
    if not listener.startswith(prefix):
        pseudonym = Pseudonymiser(keys.pseudonym_key, keys.key_version).token(listener)
    own = collect_listener(tables, pseudonym, day, counted_stream_ms=settings.marts.counted_stream_ms)
    return write_page(own, reports / f"listener-{pseudonym.replace(':', '-')}.html")
