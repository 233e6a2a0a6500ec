from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earshot.caching.encoding import Encoding
from earshot.core.errors import IntegrityError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(PLAIN, st.sampled_from(["msgpack", "json"]), st.sampled_from([True, False, "zlib"]))
def test_plain_values_come_back_whatever_the_writing(
    value: Any, serialization: Literal["msgpack", "json"], compression: Any
) -> None:
    assert Encoding.decode(Encoding(serialization, compression).encode(value)) == value


def test_msgpack_keeps_days_times_and_money() -> None:
    noon = datetime(2026, 3, 29, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    value = {"day": date(2026, 3, 29), "at": noon, "amount": Decimal("10.990000")}
    back = Encoding().decode(Encoding().encode(value))
    assert back == value
    assert back["at"].tzinfo is UTC
    assert str(back["amount"]) == "10.990000"


@pytest.mark.parametrize("compression", ["zstd", "zlib"])
def test_long_values_are_compressed(compression: Literal["zstd", "zlib"]) -> None:
    value = [{"track_id": f"trk:{n}", "rank": n} for n in range(500)]
    assert len(Encoding(compression=compression).encode(value)) < len(Encoding(compression=False).encode(value)) / 3


@pytest.mark.parametrize("content", [b"", b"\x00abc", b"\x10", b"\x12not zstd", b"\x14not zlib", b"\x11{", b"\x10\xc1"])
def test_damaged_bytes_are_an_error_and_never_run(content: bytes) -> None:
    with pytest.raises(IntegrityError):
        Encoding.decode(content)


def test_what_cannot_be_kept_is_refused() -> None:
    with pytest.raises(TypeError, match="object cannot be cached"):
        Encoding().encode(object())
