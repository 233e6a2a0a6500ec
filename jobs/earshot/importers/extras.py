"""The map of keys that have no column, and what must never be in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from earshot.core.columns import DEVICE
from earshot.importers.shape import STRINGS

_WHERE = r"ip|ipaddr|ipaddress|ipaddrdecrypted|useragent|useragentdecrypted|useragentstring"
_WHO = (
    r"(user|listener|account|member|profile|owner|customer|subscriber|person|device)(id|uuid|guid|key|name|email|mail)?"
)
_NAMES = r"(e?mail|phone|mobile)(address|number|no)?|(first|last|full|family|given|sur)name"
_PRIVATE = re.compile(f"({_WHERE}|{_WHO}|{_NAMES})s?")


def is_private(key: str) -> bool:
    """Whether a key of no column names an IP address, a user agent or a person, however it is spelt.

    Producers rename keys: a listener under `user` must not be kept beside the pseudonyms.
    """
    return _PRIVATE.fullmatch(re.sub(r"[^a-z0-9]", "", key.lower())) is not None and key != DEVICE


def public(value: Any) -> Any:
    """The value without private keys, at any depth."""
    if isinstance(value, dict):
        return {key: public(inner) for key, inner in value.items() if not is_private(key)}
    if isinstance(value, list):
        return [public(inner) for inner in value]
    return value


def as_text(value: object) -> str:
    """A value of the map: texts as they are, what JSON has as JSON without private keys, anything else as text."""
    if isinstance(value, dict | list | bool | int | float | None):
        return json.dumps(public(value), ensure_ascii=False, sort_keys=True, default=_told)
    return _told(value)


def _told(value: object) -> str:
    """Bytes, dates and decimals of a Parquet file."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


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
