"""The report outside a pipeline run: of everything, or of one listener; needs no Spark."""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path

from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.formatters.report.figures import collect
from earshot.formatters.report.models import compared
from earshot.formatters.report.page import write_page
from earshot.formatters.report.year_figures import YearInReview
from earshot.formatters.report.year_in_review import year_in_review
from earshot.integrations.model_registry import RECOMMENDER, ModelRegistry
from earshot.security.keys import load_keys
from earshot.security.pseudonyms import Pseudonymiser
from earshot.validators.reports import pages_by_batch, read_report


def write_report(settings: Settings, day: date) -> Path:
    """Write the page of everything, as of the end of a day, and return where it is."""
    registry = ModelRegistry(settings.tracking_uri, settings.mlflow.experiment)
    champion = registry.champion(RECOMMENDER)
    models = compared(registry.comparisons(RECOMMENDER), champion.kind if champion else "")
    tables = SmallTables(settings.lake_root)
    figures = collect(
        tables,
        day,
        models,
        partial(read_report, settings),
        pages_by_batch(settings),
        paid_model=settings.revenue.paid_model,
    )
    return write_page(figures, settings.home / "reports" / "report.html")


def review_listener(settings: Settings, day: date, listener: str, year: int | None = None) -> YearInReview:
    """One listener's year, up to the end of a day.

    Args:
        settings: What is in force.
        day: As of the end of this day.
        listener: Identity or pseudonym.
        year: Of the listener's clock; that of the day by default.

    Raises:
        InputError: There is no play of this listener in the year.
    """
    keys = load_keys(settings)
    pseudonym = listener
    if not listener.startswith(f"v{keys.key_version}:"):
        pseudonym = Pseudonymiser(keys.pseudonym_key, keys.key_version).token(listener)
    return year_in_review(
        SmallTables(settings.lake_root),
        pseudonym,
        day,
        year=year or day.year,
        stream_rule=settings.marts.stream_rule,
        home_zone=settings.ingest.export_time_zone,
    )
