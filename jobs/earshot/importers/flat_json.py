"""Flat JSON objects, one a line, parsed by Arrow in pieces: a line that stops it costs the work on one piece."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.json as pj

from earshot.importers.events import KNOWN, LEFT_OUT, TEXT_KEYS
from earshot.importers.extras import is_private
from earshot.importers.lines import Lines
from earshot.importers.shape import FLAGS, NUMBERS, TIMES

_PIECE_BYTES: Final = 512 * 1024
_WORTH_A_CALL: Final = 24
_FAILED_AT: Final = re.compile(r" in row (\d+)")
_PLAIN: Final = (pa.types.is_string, pa.types.is_boolean, pa.types.is_int64)


@dataclass
class _Variant:
    """How a file is read: the type of its times, and of the keys that were found beside the known ones."""

    numeric_times: frozenset[str]
    extra: dict[str, pa.DataType]

    def schema(self) -> pa.Schema:
        fields = {key: pa.string() for key in TEXT_KEYS} | dict.fromkeys(NUMBERS, pa.float64())
        fields |= dict.fromkeys(FLAGS, pa.bool_())
        fields |= {key: pa.float64() if key in self.numeric_times else pa.string() for key in TIMES}
        return pa.schema(list((fields | self.extra).items()))


class FlatJson:
    """Parses the lines of one file, block after block."""

    def __init__(self) -> None:
        self._variant: _Variant | None = None

    def parsed(self, lines: Lines) -> tuple[pa.Table, np.ndarray[Any, np.dtype[np.bool_]]]:
        """The objects that Arrow could read, and which lines they are.

        Args:
            lines: Those that look like flat objects.

        Returns:
            A table (known keys, and further ones as texts), and a mask of the lines.
        """
        tables: list[pa.Table] = []
        done = np.zeros(len(lines), dtype=np.bool_)
        for first, last in lines.pieces(_PIECE_BYTES):
            at = first
            while at < last:
                table, failed = self._parse(lines.between(at, last))
                if table is not None:
                    tables.append(table)
                    done[at:last] = True
                    break
                if failed is None or (failed < _WORTH_A_CALL and last - at <= _WORTH_A_CALL):
                    break
                before, _ = self._parse(lines.between(at, at + failed)) if failed >= _WORTH_A_CALL else (None, None)
                if before is not None:
                    tables.append(before)
                    done[at : at + failed] = True
                at += failed + 1
        nothing = _Variant(frozenset(), {}).schema().empty_table()
        return pa.concat_tables(tables or [nothing], promote_options="default"), done

    def _parse(self, lines: Lines) -> tuple[pa.Table | None, int | None]:
        """The objects; or None and the line (from 0) that stopped the parser, if it said which."""
        variant = self._variant or _variant_of(lines)
        text = lines.joined()
        try:
            table = pj.read_json(
                pa.BufferReader(text),
                pj.ReadOptions(use_threads=False, block_size=len(text) + 1),
                pj.ParseOptions(explicit_schema=variant.schema(), unexpected_field_behavior="infer"),
            )
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError) as error:
            where = _FAILED_AT.search(str(error))
            return None, int(where[1]) if where else None
        if table.num_rows != len(lines):
            return None, None
        found = {f.name: f.type for f in table.schema if f.name not in KNOWN and not is_private(f.name)}
        unread = {name: kind for name, kind in found.items() if pa.types.is_timestamp(kind)}
        if unread:
            self._variant = _Variant(variant.numeric_times, variant.extra | dict.fromkeys(unread, pa.string()))
            return self._parse(lines)
        found = {name: kind for name, kind in found.items() if not pa.types.is_null(kind)}
        if any(not any(is_plain(kind) for is_plain in _PLAIN) for kind in found.values()):
            return None, None
        texts = {name: kind for name, kind in found.items() if pa.types.is_string(kind)}
        self._variant = _Variant(variant.numeric_times, variant.extra | texts)
        known = {f.name: table[f.name] for f in table.schema if f.name in KNOWN and f.name not in LEFT_OUT}
        return pa.table(known | {name: table[name].cast(pa.string()) for name in found}), None


def _variant_of(lines: Lines) -> _Variant:
    """Times are numbers or texts, as in the first line that can be read."""
    for _, text in lines:
        try:
            event = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict):
            numeric = {key for key in TIMES if isinstance(event.get(key), int | float)}
            return _Variant(frozenset(numeric), {})
    return _Variant(frozenset(), {})
