"""Identities become pseudonyms before a row leaves the executor's Python: listeners, devices, networks, raw lines."""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from earshot.core import columns as c
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.importers.shape import (
    DEVICE_ID,
    FLAGS,
    IP,
    LISTENER,
    NUMBERS,
    PARSE_FAULTS,
    PARSED,
    STRINGS,
    TEXTS,
    TIME,
    TIMES,
    UNREADABLE,
    Plays,
)
from earshot.security.encryption import BatchCipher
from earshot.security.keys import load_keys
from earshot.security.pseudonyms import Pseudonymiser
from earshot.security.tombstones import Tombstones
from earshot.security.vault import Sealer

_IPV6_PREFIX = 48
_IPV6_MASK = ((1 << _IPV6_PREFIX) - 1) << (128 - _IPV6_PREFIX)
ERASED = "erased listener"

# The columns of a play when Spark sees it.
DRESSED = pa.schema(
    [
        (c.LISTENER_ID, pa.string()),
        *((name, pa.string()) for name in TEXTS),
        *((name, pa.int64()) for name in NUMBERS),
        *((name, pa.bool_()) for name in FLAGS),
        *((name, TIME) for name in TIMES),
        (c.EXTRA, STRINGS),
        (c.DEVICE_TOKEN, pa.string()),
        (c.NETWORK_TOKEN, pa.string()),
        (c.SOURCE, pa.string()),
        (c.SOURCE_FILE, pa.string()),
        (c.SOURCE_LINE, pa.int64()),
        (c.ARRIVED_AT, TIME),
        (PARSE_FAULTS, pa.list_(pa.string())),
        (c.CAUSE, pa.string()),
        (c.FILTERED_REASON, pa.string()),
        (c.RAW, pa.string()),
    ]
)

_OF_THE_LINE: Final = frozenset({c.SOURCE, c.SOURCE_FILE, c.SOURCE_LINE, c.ARRIVED_AT, PARSE_FAULTS})


@dataclass
class Wardrobe:
    """The secrets of a batch, and the identities that were met. Can be sent to executors; shows no key."""

    pseudonymiser: Pseudonymiser
    cipher: BatchCipher
    sealer: Sealer
    tombstones: Tombstones
    _met: set[str] = field(default_factory=set, repr=False)

    def dress(
        self, plays: Plays, *, source: str, source_file: str, arrived_at: datetime
    ) -> tuple[pa.RecordBatch, list[dict[str, Any]]]:
        """The plays without identities, and vault rows of listeners that were not met before.

        Args:
            plays: Columns of `shape.PARSED`; missing ones are null.
            source: Name of the format.
            source_file: Path below landing/.
            arrived_at: When the file arrived.
        """
        length = len(plays[c.SOURCE_LINE])
        given = {name: plays[name] if name in plays else pa.nulls(length, kind) for name, kind in PARSED.items()}
        listeners = _trimmed(given[LISTENER])
        pseudonyms = self.pseudonymiser.arrow(listeners)
        tokens = {
            c.LISTENER_ID: pseudonyms,
            c.DEVICE_TOKEN: self.pseudonymiser.arrow(_trimmed(given[DEVICE_ID]), kind="device"),
            c.NETWORK_TOKEN: self.pseudonymiser.arrow(_networks(given[IP]), kind="network"),
        }
        columns: dict[str, pa.Array] = {**given, **tokens}
        columns[PARSE_FAULTS] = pc.fill_null(given[PARSE_FAULTS], pa.scalar([], pa.list_(pa.string())))
        columns[c.RAW] = self._raw(given[c.RAW], given[UNREADABLE], tokens)
        columns[c.SOURCE] = pa.repeat(source, length)
        columns[c.SOURCE_FILE] = pa.repeat(source_file, length)
        columns[c.ARRIVED_AT] = pa.repeat(pa.scalar(arrived_at, TIME), length)
        if self.tombstones:
            columns |= self._buried(columns, self.tombstones.mask(pseudonyms))
        batch = pa.RecordBatch.from_arrays([columns[name] for name in DRESSED.names], schema=DRESSED)
        return batch, list(self._unmet(listeners, pseudonyms))

    @staticmethod
    def _buried(columns: Mapping[str, pa.Array], gone: pa.Array) -> dict[str, pa.Array]:
        """Lines of erased listeners stay as lines, and say nothing: they are filtered."""
        if not pc.any(gone).as_py():
            return {}
        silent = {name: pc.if_else(gone, None, columns[name]) for name in DRESSED.names if name not in _OF_THE_LINE}
        return silent | {c.FILTERED_REASON: pc.if_else(gone, ERASED, columns[c.FILTERED_REASON])}

    def _unmet(self, listeners: pa.Array, pseudonyms: pa.Array) -> Iterator[dict[str, Any]]:
        pairs = pa.table({"identity": listeners, "pseudonym": pseudonyms})
        distinct = pairs.group_by(["identity", "pseudonym"], use_threads=False)
        for row in distinct.aggregate([]).to_pylist():
            identity, pseudonym = row["identity"], row["pseudonym"]
            if identity and pseudonym not in self._met:
                self._met.add(pseudonym)
                if pseudonym not in self.tombstones:
                    yield self.sealer.seal(pseudonym, identity)

    def _raw(self, raw: pa.Array, unreadable: pa.Array, tokens: Mapping[str, pa.Array]) -> pa.Array:
        """Masked JSON with the pseudonyms put in; lines that are no event encrypted."""
        if raw.null_count == len(raw) and unreadable.null_count == len(unreadable):
            return raw
        texts: list[str | None] = [None] * len(raw)
        for n, (event, line) in enumerate(zip(raw.to_pylist(), unreadable.to_pylist(), strict=True)):
            if line is not None:
                texts[n] = self.cipher.encrypt(line)
            elif event is not None:
                named = {name: token for name, column in tokens.items() if (token := column[n].as_py())}
                texts[n] = json.dumps(json.loads(event) | named, ensure_ascii=False, sort_keys=True)
        return pa.array(texts, pa.string())


def open_wardrobe(settings: Settings, small_tables: SmallTables, batch_id: str) -> Wardrobe:
    """The secrets that are in force, for one batch.

    Raises:
        SettingsError: In production, a key is missing.
    """
    keys = load_keys(settings)
    return Wardrobe(
        Pseudonymiser(keys.pseudonym_key, keys.key_version),
        BatchCipher(keys.master_key, batch_id),
        Sealer(keys.master_key, keys.key_version),
        Tombstones.load(small_tables, keys.master_key),
    )


def _trimmed(identities: pa.Array) -> pa.Array:
    """Identities without blanks around them, each distinct one trimmed once; dictionary-encoded."""
    encoded = identities.dictionary_encode()
    distinct = [text.strip() or None for text in encoded.dictionary.to_pylist()]
    return pa.array(distinct, pa.string()).take(encoded.indices)


def _networks(addresses: pa.Array) -> pa.Array:
    """The /24 or /48 of each address; null where it is none."""
    encoded = addresses.dictionary_encode()
    return pa.array([network_of(text) for text in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)


def network_of(address: str) -> str | None:
    """The network whose token stands for an address: /24 of IPv4, /48 of IPv6."""
    address = address.strip()
    try:
        socket.inet_pton(socket.AF_INET, address)
    except (OSError, ValueError):
        return _ipv6_network(address)
    return f"{address.rpartition('.')[0]}.0/24"


def _ipv6_network(address: str) -> str | None:
    try:
        return str(ipaddress.IPv6Network((int(ipaddress.IPv6Address(address)) & _IPV6_MASK, _IPV6_PREFIX)))
    except ValueError:
        return None
