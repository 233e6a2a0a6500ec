"""The parts of the page that show the gallery; what has no figures is left out, or says why."""

from __future__ import annotations

from earshot.formatters.report.chart_week import chart_section
from earshot.formatters.report.figures import ReportFigures
from earshot.formatters.report.movers import movers_section
from earshot.formatters.report.payout_concentration import concentration, concentration_section
from earshot.formatters.report.payout_models import payouts_section
from earshot.formatters.report.retention import retention_section
from earshot.formatters.report.sections import section


def chart(figures: ReportFigures) -> str:
    """The chart of the week."""
    found = figures.gallery.chart
    return chart_section(found) if found else section("Chart of the week", "No counted stream yet.")


def moved(figures: ReportFigures) -> str:
    """What rises and falls, where weeks enough were tested."""
    return movers_section(figures.gallery.movers) if figures.gallery.movers else ""


def cohorts(figures: ReportFigures) -> str:
    """Who comes back, where there are cohorts."""
    return retention_section(figures.gallery.cohorts) if figures.gallery.cohorts else ""


def payouts(figures: ReportFigures) -> str:
    """The month's payouts by model."""
    found = figures.gallery.payouts
    if not found:
        return section("Payouts by model", "No revenue pool: the logs name no paying tier.")
    return payouts_section(found)


def concentrated(figures: ReportFigures) -> str:
    """The Lorenz curves of the month's payouts, where there are two payees or more."""
    found = figures.gallery.payouts
    curves = concentration(found) if found else {}
    return concentration_section(found, curves) if found and curves else ""
