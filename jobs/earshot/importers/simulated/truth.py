"""The truth beside the logs: what was done to every line. `earshot evaluate` reads it, no job does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from earshot.importers.simulated.incidents import METRICS, Happening
from earshot.importers.simulated.plays import FIRST_MANIPULATED, KINDS

Ints = NDArray[np.int64]

EXPECTED: Final = ("accepted", "duplicate", "quarantined", "filtered")
ACCEPTED, DUPLICATE, QUARANTINED, FILTERED = range(4)
COPIED_FILE: Final = "copied_file"
_LABELS: Final = pa.array(["organic", "manipulated"])
_TIME: Final = pa.timestamp("us", "UTC")
SCHEMAS: Final[Mapping[str, pa.Schema]] = {
    "lines": pa.schema(
        [
            ("source_file", pa.string()),
            ("source_line", pa.int64()),
            ("fault", pa.string()),
            ("rule", pa.string()),
            ("expected", pa.string()),
        ]
    ),
    "duplicates": pa.schema(
        [
            ("source_file", pa.string()),
            ("source_line", pa.int64()),
            ("of_file", pa.string()),
            ("of_line", pa.int64()),
            ("exact", pa.bool_()),
        ]
    ),
    "streams": pa.schema(
        [
            ("source_file", pa.string()),
            ("source_line", pa.int64()),
            ("label", pa.string()),
            ("kind", pa.string()),
            ("ring", pa.string()),
        ]
    ),
    "incidents": pa.schema(
        [
            ("incident_id", pa.string()),
            ("kind", pa.string()),
            ("metrics", pa.list_(pa.string())),
            ("dimensions", pa.map_(pa.string(), pa.string())),
            ("starts_at", _TIME),
            ("ends_at", _TIME),
            ("size", pa.float64()),
        ]
    ),
}


@dataclass(frozen=True)
class FileTruth:
    """What was done to the lines of one file, in their order.

    Attributes:
        fault: Index into `faults`; -1 for none. `rule` likewise into `rules`.
        expected: Index into EXPECTED.
        kind: Index into plays.KINDS.
        ring: Number of the ring, 0 for none.
    """

    source_file: str
    fault: Ints
    rule: Ints
    expected: Ints
    kind: Ints
    ring: Ints

    def __len__(self) -> int:
        """How many lines."""
        return len(self.fault)


class Words:
    """Numbers for words, in the order in which they were first used."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, word: str | None) -> int:
        """The number of a word; -1 for None."""
        return -1 if word is None else self._numbers.setdefault(word, len(self._numbers))

    def column(self, numbers: Ints) -> pa.Array:
        """The words of numbers, null for -1."""
        return _coded(numbers, list(self._numbers))


class Truth:
    """Writes truth/*.parquet, file by file of the landing folder.

    Args:
        folder: OUT/truth.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.words = Words()
        self.paths = {name: folder / f"{name}.parquet" for name in SCHEMAS}
        self._writers = {
            name: pq.ParquetWriter(self.paths[name], _dictionaries(name), store_schema=False)
            for name in ("lines", "duplicates", "streams")
        }

    def write_file(self, truth: FileTruth) -> None:
        """Add the lines of one file to `lines` and `streams`."""
        count = len(truth)
        if not count:
            return
        name, line = _constant(truth.source_file, count), pa.array(np.arange(1, count + 1))
        fault, rule = self.words.column(truth.fault), self.words.column(truth.rule)
        self._add("lines", [name, line, fault, rule, _coded(truth.expected, list(EXPECTED))])
        label = pa.DictionaryArray.from_arrays(pa.array((truth.kind >= FIRST_MANIPULATED).astype(np.int32)), _LABELS)
        rings = [f"ring-{n}" for n in range(1, int(truth.ring.max()) + 1)]
        self._add(
            "streams", [name, line, label, _coded(truth.kind - 1, list(KINDS[1:])), _coded(truth.ring - 1, rings)]
        )

    def write_duplicates(
        self,
        source_file: str,
        lines: Sequence[int] | Ints,
        of_files: Sequence[str],
        of_lines: Sequence[int] | Ints,
        exact: Sequence[bool],
    ) -> None:
        """Add lines of one file that repeat others."""
        if len(lines):
            names = pa.array(of_files, pa.string()).dictionary_encode()
            columns = [pa.array(lines, pa.int64()), names, pa.array(of_lines, pa.int64()), pa.array(exact, pa.bool_())]
            self._add("duplicates", [_constant(source_file, len(lines)), *columns])

    def write_incidents(self, happenings: Sequence[Happening]) -> None:
        """Write `incidents`."""
        rows = [
            {
                "incident_id": happening.incident_id,
                "kind": happening.incident.kind,
                "metrics": list(METRICS[happening.incident.kind]),
                "dimensions": sorted(happening.incident.dimensions.items()),
                "starts_at": happening.begins * 1000,
                "ends_at": happening.ends * 1000,
                "size": float(happening.incident.size),
            }
            for happening in happenings
        ]
        schema = SCHEMAS["incidents"]
        plain = pa.schema([pa.field(f.name, pa.int64() if f.type == _TIME else f.type) for f in schema])
        pq.write_table(pa.Table.from_pylist(rows, schema=plain).cast(schema), self.paths["incidents"])

    def close(self) -> None:
        """Finish the files."""
        for writer in self._writers.values():
            writer.close()

    def _add(self, name: str, columns: list[pa.Array]) -> None:
        self._writers[name].write_table(pa.Table.from_arrays(columns, schema=_dictionaries(name)))


def _dictionaries(name: str) -> pa.Schema:
    """The schema as it is written: texts as dictionaries, which come back as texts."""
    coded = pa.dictionary(pa.int32(), pa.string())
    return pa.schema([pa.field(f.name, coded if f.type == pa.string() else f.type) for f in SCHEMAS[name]])


def _coded(numbers: Ints, words: list[str]) -> pa.Array:
    indices = pa.array(np.maximum(numbers, 0).astype(np.int32), mask=numbers < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(words, pa.string()))


def _constant(word: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([word], pa.string()))
