"""HOME/reports/data_docs: a page a verdict, a page a suite, and an index, by Great Expectations' own site builder.

The results that Great Expectations gave are shown as they were given; nothing is judged again. A verdict that has its
page is not drawn again; the page of a verdict that was replaced, or that is no longer among those kept, goes.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from earshot.core.locations import expectations_folder
from earshot.core.settings import Settings
from earshot.validators.compile import compile_suite
from earshot.validators.kept_verdicts import read_kept
from earshot.validators.reports import data_docs_index, report_path
from earshot.validators.suites import load_suite
from earshot.validators.verdicts import to_great_expectations

if TYPE_CHECKING:
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
    from great_expectations.data_context.types.resource_identifiers import ValidationResultIdentifier

_SITE = "data_docs"
_VIEW = {"module_name": "earshot.validators.data_docs.view", "class_name": "OfflinePageView"}


def build_data_docs(settings: Settings) -> Path | None:
    """Draw the pages that are missing; Great Expectations is not even imported where none is.

    Args:
        settings: Where verdicts and pages are kept, and how many batches (`quality.data_docs_batches`).

    Returns:
        The index; None where nothing was judged yet.
    """
    kept = kept_verdicts(settings)
    if not kept:
        return None
    index = data_docs_index(settings)
    if _is_current(index, kept):
        return index
    draw(open_site(settings, kept))
    return index


@dataclass(frozen=True)
class Site:
    """The Data Docs of a HOME, and the context whose results they show.

    Attributes:
        context: Holds the suites and the kept verdicts, and draws them.
        folder: Where the pages are.
        keys: The verdicts that the context holds.
    """

    context: EphemeralDataContext
    folder: Path
    keys: tuple[ValidationResultIdentifier, ...]

    @property
    def missing(self) -> list[ValidationResultIdentifier]:
        """The verdicts without a page."""
        return [key for key in self.keys if not _page(self.folder, key).is_file()]

    @property
    def is_incomplete(self) -> bool:
        """Whether a page of the context's verdicts or suites is missing, or older than its suite."""
        index, suites = self.folder / "index.html", list(expectations_folder().glob("*.json"))
        pages = [index, *(self.folder / "expectations" / f"{suite.stem}.html" for suite in suites)]
        if self.missing or not all(page.is_file() for page in pages):
            return True
        return max(suite.stat().st_mtime_ns for suite in suites) > index.stat().st_mtime_ns


def open_site(settings: Settings, kept: Iterable[Path]) -> Site:
    """A context with every suite and these verdicts; nothing is drawn yet.

    Of a verdict that has its page the context holds what the index tells.

    Args:
        settings: Where the pages are, and under which address people read them.
        kept: The verdicts; one that a person has damaged has no page.
    """
    folder = data_docs_index(settings).parent
    context = _context(folder, settings.alerts.report_url)
    for suite in sorted(path.stem for path in expectations_folder().glob("*.json")):
        context.suites.add(to_great_expectations(compile_suite(load_suite(suite), settings).rules))
    verdicts = [verdict for verdict in map(read_kept, kept) if verdict]
    for verdict in verdicts:
        whole = not _page(folder, verdict.key).is_file()
        context.validation_results_store.set(verdict.key, verdict.result(whole=whole))
    return Site(context, folder, tuple(verdict.key for verdict in verdicts))


def draw(site: Site) -> None:
    """Draw the pages that are missing, every suite and the index."""
    suites: list[Any] = list(site.context.expectations_store.list_keys())
    site.context.build_data_docs(resource_identifiers=[*site.missing, *suites])
    tidy(site.folder)


def tidy(folder: Path) -> None:
    """Remove the fonts and pictures that Great Expectations adds and no page of ours shows."""
    shutil.rmtree(folder / "static", ignore_errors=True)


def kept_verdicts(settings: Settings) -> list[Path]:
    """The newest verdicts on batches, and the one on each table (whose names, unlike a batch's, have a dot)."""
    folder, most = report_path(settings, "").parent, settings.quality.data_docs_batches
    newest_last = sorted(folder.glob("*.json"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    batches = [path for path in newest_last if "." not in path.stem]
    return [*batches[-most:], *(path for path in newest_last if "." in path.stem)]


def _is_current(index: Path, kept: list[Path]) -> bool:
    """Whether the index is younger than every verdict and suite, and than the last verdict to come or go."""
    if not index.is_file():
        return False
    folder = kept[0].parent
    sources = [*kept, folder, *expectations_folder().glob("*.json")]
    return max(path.stat().st_mtime_ns for path in sources) <= index.stat().st_mtime_ns


def _context(folder: Path, report_url: str) -> EphemeralDataContext:
    """A context that keeps nothing but the site."""
    import great_expectations as gx  # noqa: PLC0415 (slow to import)
    from great_expectations.data_context.types.base import (  # noqa: PLC0415
        DataContextConfig,
        InMemoryStoreBackendDefaults,
    )

    public = urljoin(report_url, f"{folder.name}/") if report_url.startswith(("http://", "https://")) else None
    backend = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder), "base_public_path": public}
    site = {
        "class_name": "SiteBuilder",
        "site_name": "Earshot",
        "show_how_to_buttons": False,
        "store_backend": backend,
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder", "view": _VIEW, "show_how_to_buttons": False},
        "site_section_builders": {"expectations": {"view": _VIEW}, "validations": {"view": _VIEW}, "profiling": "none"},
    }
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(), analytics_enabled=False, data_docs_sites={_SITE: site}
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _page(site: Path, key: ValidationResultIdentifier) -> Path:
    parts: tuple[str, ...] = key.to_tuple()  # type: ignore[no-untyped-call]
    return site.joinpath("validations", *parts).with_name(f"{parts[-1]}.html")
