"""How tests of importers read a file: every part, every batch, rows in the order of their lines."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from earshot.importers.detection import detect, sample_of
from earshot.importers.formats import known_importers
from earshot.importers.shape import PARSED, Importer, Limits, Part, Source

LIMITS = Limits(max_line_bytes=1_048_576, max_text_chars=2_000, max_nesting=8, max_extra_keys=64)
ARRIVED = datetime(2026, 3, 30, tzinfo=UTC)


def source_of(path: Path, member: str | None = None, limits: Limits = LIMITS, **more: Any) -> Source:
    return Source(str(path), member, limits, **{"arrived_at": ARRIVED, "export_listener": "owner", **more})


def detected(path: Path, member: str | None = None) -> str:
    found = detect(source_of(path, member), known_importers())
    return found.format or found.reason


def read(importer: Importer, source: Source, parts: tuple[Part, ...] = (Part(0),)) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for part in parts:
        for plays in importer.read(source, part):
            whole = {name: plays.get(name, pa.nulls(len(plays["source_line"]), kind)) for name, kind in PARSED.items()}
            rows += pa.table(whole).to_pylist()
    return sorted(rows, key=lambda row: row["source_line"])


def read_as_detected(path: Path, **more: Any) -> list[dict[str, Any]]:
    source = source_of(path, **more)
    name = detect(source, known_importers()).format
    importer = next(one for one in known_importers() if one.name == name)
    assert importer.confidence(sample_of(source)) >= 0.5
    return read(importer, source)


def written(tmp_path: Path, content: str | bytes, name: str = "log") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
