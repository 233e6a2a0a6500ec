"""HOME/reports/data_docs: a page a verdict, a page a suite, and an index, by Great Expectations' own site builder.

The results that Great Expectations gave are shown as they were given; nothing is judged again. A verdict that has its
page is not drawn again; the page of a verdict that was replaced, or that is no longer among those kept, goes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from earshot.core.locations import expectations_folder
from earshot.core.settings import Settings
from earshot.validators.compile import compile_suite
from earshot.validators.reports import data_docs_index, report_path
from earshot.validators.suites import GATE_SUITE, load_suite
from earshot.validators.verdicts import to_great_expectations

if TYPE_CHECKING:
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
    from great_expectations.data_context.types.resource_identifiers import ValidationResultIdentifier

_SITE = "data_docs"
_VIEW = {"module_name": "earshot.validators.data_docs.view", "class_name": "OfflinePageView"}


@dataclass(frozen=True)
class _Judged:
    """A verdict as it lies on disk, and when it was written."""

    content: dict[str, Any]
    at: datetime


def build_data_docs(settings: Settings) -> Path | None:
    """Draw the pages that are missing; Great Expectations is not even imported where none is.

    Args:
        settings: Where verdicts and pages are kept, and how many batches (`quality.data_docs_batches`).

    Returns:
        The index; None where nothing was judged yet.
    """
    kept = _kept(report_path(settings, "").parent, settings.quality.data_docs_batches)
    if not kept:
        return None
    index = data_docs_index(settings)
    if _is_current(index, kept):
        return index
    context = _context(index.parent)
    for suite in sorted(path.stem for path in expectations_folder().glob("*.json")):
        context.suites.add(to_great_expectations(compile_suite(load_suite(suite), settings).rules))
    keys = [_store(context, verdict) for verdict in _read(kept)]
    missing = [key for key in keys if not _page(index.parent, key).is_file()]
    context.build_data_docs(resource_identifiers=[*missing, *_suite_keys(context)])
    shutil.rmtree(index.parent / "static", ignore_errors=True)  # fonts and pictures that no page of ours shows
    return index


def _kept(folder: Path, most: int) -> list[Path]:
    """The newest verdicts on batches, and the one on each table (whose names, unlike a batch's, have a dot)."""
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


def _read(kept: list[Path]) -> Iterator[_Judged]:
    """The verdicts that can be read; one that a person has damaged has no page."""
    for path in kept:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            content["result"]["results"], content["batch_id"], content["suite"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        yield _Judged(content, datetime.fromtimestamp(path.stat().st_mtime, UTC))


def _context(folder: Path) -> EphemeralDataContext:
    """A context that keeps nothing but the site."""
    import great_expectations as gx  # noqa: PLC0415 (slow to import)
    from great_expectations.data_context.types.base import (  # noqa: PLC0415
        DataContextConfig,
        InMemoryStoreBackendDefaults,
    )

    site = {
        "class_name": "SiteBuilder",
        "site_name": "Earshot",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder", "view": _VIEW, "show_how_to_buttons": False},
        "site_section_builders": {"expectations": {"view": _VIEW}, "validations": {"view": _VIEW}, "profiling": "none"},
    }
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(), analytics_enabled=False, data_docs_sites={_SITE: site}
    )
    return gx.get_context(mode="ephemeral", project_config=config)


def _store(context: EphemeralDataContext, judged: _Judged) -> ValidationResultIdentifier:
    """Give the context one result; its page lies under suite, batch and time."""
    from great_expectations.core.expectation_validation_result import (  # noqa: PLC0415
        ExpectationSuiteValidationResultSchema,
    )
    from great_expectations.core.run_identifier import RunIdentifier  # noqa: PLC0415
    from great_expectations.data_context.types.resource_identifiers import (  # noqa: PLC0415
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    content, batch_id = judged.content, str(judged.content["batch_id"])
    result = ExpectationSuiteValidationResultSchema().load(content["result"])
    run = RunIdentifier(run_name=_outcome(content), run_time=judged.at)
    tables = ", ".join(map(str, result.meta.get("tables") or ()))
    scan = content.get("scan_seconds")
    cost = "no scan: figures of the writing pass" if scan is None else f"one scan of the table, {scan:.1f} s"
    result.meta |= {
        "run_id": run,
        "batch_spec": {"data_asset_name": tables, "batch": batch_id, "rows": content.get("rows"), "cost": cost},
    }
    key = ValidationResultIdentifier(ExpectationSuiteIdentifier(str(content["suite"])), run, batch_id)
    context.validation_results_store.set(key, result)
    return key


def _outcome(content: dict[str, Any]) -> str:
    """What became of a batch; tables that are judged after they were written are neither refused nor admitted."""
    if content["suite"] != GATE_SUITE:
        return "judged"
    return "refused" if content.get("closed") else "admitted"


def _page(site: Path, key: ValidationResultIdentifier) -> Path:
    parts: tuple[str, ...] = key.to_tuple()  # type: ignore[no-untyped-call]
    return site.joinpath("validations", *parts).with_name(f"{parts[-1]}.html")


def _suite_keys(context: EphemeralDataContext) -> list[Any]:
    return list(context.expectations_store.list_keys())
