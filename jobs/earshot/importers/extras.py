"""The map of keys that have no column, and what must never be in it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from earshot.importers.shape import STRINGS

_PRIVATE = frozenset(
    {"ip", "ipaddr", "ipaddress", "ipaddrdecrypted", "useragent", "useragentdecrypted", "useragentstring"}
)


def is_private(key: str) -> bool:
    """Whether a key names an IP address or a user agent, however it is spelt."""
    return key.replace("_", "").replace("-", "").lower() in _PRIVATE


def as_text(value: object) -> str:
    """A value of the map: texts as they are, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def map_of_texts(columns: Mapping[str, pa.Array], length: int) -> pa.Array:
    """A map a row from columns of texts; keys in order, nulls left out, null where nothing is left.

    Args:
        columns: Key to texts, `length` long.
        length: Rows.
    """
    keys = sorted(columns)
    if not keys:
        return pa.nulls(length, STRINGS)
    filled = np.stack([columns[key].is_valid().to_numpy(zero_copy_only=False) for key in keys], axis=1)
    counts = filled.sum(axis=1)
    rows, which = np.nonzero(filled)
    texts = pa.concat_arrays([columns[key] for key in keys]).take(pa.array(which * length + rows))
    ends = np.cumsum(counts)
    offsets = pa.array(np.concatenate([[0], ends]).astype(np.int32), mask=np.append(counts == 0, False))
    return pa.MapArray.from_arrays(offsets, pa.array(np.array(keys, dtype=object)[which], pa.string()), texts)
