"""`earshot evaluate`: how good it is, measured against truth/ and held-out days."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table

from earshot.automation.invocation import current
from earshot.core.errors import ArgumentError


class Subject(StrEnum):
    """What can be evaluated."""

    anomalies = "anomalies"
    recommenders = "recommenders"
    quality = "quality"
    manipulation = "manipulation"
    offers = "offers"
    causes = "causes"


_MODULES = {
    Subject.anomalies: ("anomalies", "evaluate_anomalies"),
    Subject.recommenders: ("recommenders", "evaluate_recommenders"),
    Subject.quality: ("quality", "evaluate_quality"),
    Subject.manipulation: ("anomalies", "evaluate_manipulation"),
    Subject.offers: ("offers", "evaluate_offers"),
    Subject.causes: ("causes", "evaluate_causes"),
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("evaluate")(evaluate)


def evaluate(  # noqa: PLR0913, PLR0917 (each option of the command is an argument)
    subject: Annotated[Subject, typer.Argument(help="What to evaluate.")],
    nab: Annotated[
        Path | None, typer.Option("--nab", help="Anomalies: score detectors of series on a folder in NAB's layout.")
    ] = None,
    odds: Annotated[
        Path | None, typer.Option("--odds", help="Anomalies: score detectors of rows on a folder of ODDS sets.")
    ] = None,
    raha: Annotated[
        Path | None,
        typer.Option("--raha", help="Quality: score suggested suites on a folder of NAME.dirty.csv, NAME.clean.csv."),
    ] = None,
    twins: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--twins", metavar="DIRTY CLEAN", help="Quality: the same for one file and its clean twin."),
    ] = None,
    detector: Annotated[
        list[str] | None, typer.Option("--detector", help="With --nab: only this one; may be repeated.")
    ] = None,
    seed: Annotated[
        list[int] | None,
        typer.Option("--seed", help="Not HOME, but simulated logs of this seed, thrown away after; may be repeated."),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            "--trials",
            help="Offers: coverage of the intervals over so many simulated experiments. Causes: so many simulated "
            "incidents at each depth; default 100.",
        ),
    ] = None,
    cuboids: Annotated[
        Path | None,
        typer.Option("--cuboids", help="Causes: tell those of a public set, in Squeeze's or RobustSpot's layout."),
    ] = None,
) -> None:
    """Print how good the detectors, recommenders, gate or manipulation rules were in HOME, or on public corpora."""
    figures: dict[str, Any]
    if cuboids is not None and subject is not Subject.causes:
        raise _no_corpora(subject, "--cuboids", Subject.causes)
    if subject is Subject.causes:
        from earshot.automation.commands.causes import evaluate_causes  # noqa: PLC0415 (keeps --help instant)

        figures = evaluate_causes(current().settings, trials, seed or (), cuboids)
    elif trials is not None or (seed and subject is Subject.offers):
        figures = _tried(subject, trials)
    elif raha is not None or twins is not None:
        figures = _suggested(subject, raha, twins)
    elif nab is None and odds is None:
        topic, name = _MODULES[subject]
        evaluate_home = getattr(importlib.import_module(f"earshot.automation.commands.{topic}"), name)
        if not seed:
            figures = evaluate_home(current().settings)
        elif subject is Subject.recommenders:
            figures = evaluate_home(current().settings, seed)
        else:
            from earshot.automation import seeds  # noqa: PLC0415 (keeps --help instant)

            of_subject = {Subject.manipulation: seeds.evaluate_manipulation_seeds}
            figures = of_subject.get(subject, seeds.evaluate_seeds)(evaluate_home, current().settings, seed)
    elif subject is Subject.anomalies:
        from earshot.automation.commands.anomalies import evaluate_corpora  # noqa: PLC0415 (keeps --help instant)

        figures = evaluate_corpora(nab, odds, detector or None)
    else:
        raise _no_corpora(subject, "--nab, --odds", Subject.anomalies)
    current().emit(_shown(subject.value, figures), {"subject": subject.value, **figures})


def _tried(subject: Subject, trials: int | None) -> dict[str, Any]:
    from earshot.automation.commands.offers import evaluate_offers  # noqa: PLC0415 (keeps --help instant)

    if subject is not Subject.offers or trials is None:
        raise ArgumentError(
            "Trials are of offers or causes, and offers have no logs of a seed.",
            where="--trials, --seed",
            remedy="Use `earshot evaluate offers --trials 200` or `earshot evaluate causes --trials 100`.",
        )
    return evaluate_offers(current().settings, trials)


def _suggested(subject: Subject, folder: Path | None, pair: tuple[Path, Path] | None) -> dict[str, Any]:
    from earshot.automation.commands.quality import evaluate_quality  # noqa: PLC0415 (keeps --help instant)

    if subject is not Subject.quality:
        raise _no_corpora(subject, "--raha, --twins", Subject.quality)
    return evaluate_quality(current().settings, folder, pair)


def _no_corpora(subject: Subject, options: str, of: Subject) -> ArgumentError:
    return ArgumentError(
        f"Public corpora say nothing of {subject.value}.",
        where=options,
        remedy=f"Use them with `earshot evaluate {of.value}`.",
    )


def _shown(title: str, figures: Mapping[str, Any]) -> RenderableType:
    """Scalars in one table, lists of rows in tables of their own."""
    plain = Table("figure", "value", title=title, title_justify="left", box=None)
    tables: list[RenderableType] = [plain]
    for name, value in figures.items():
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            rows = Table(*value[0], title=name, title_justify="left", box=None)
            for row in value:
                rows.add_row(*(_cell(cell) for cell in row.values()))
            tables.append(rows)
        else:
            plain.add_row(name.replace("_", " "), _cell(value))
    return Group(*tables)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
