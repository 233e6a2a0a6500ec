from __future__ import annotations

import hashlib
import hmac
import pickle

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from earshot.security.pseudonyms import Pseudonymiser, is_pseudonym


def test_a_pseudonym_is_the_hmac_of_kind_and_identity() -> None:
    expected = hmac.new(b"key", b"listener\0anna", hashlib.sha256).hexdigest()[:32]
    assert Pseudonymiser(b"key", 3).token("anna") == f"v3:{expected}"


def test_kinds_keys_and_identities_do_not_share_pseudonyms() -> None:
    one = Pseudonymiser(b"key", 1)
    tokens = {
        one.token("anna"),
        one.token("anna", kind="device"),
        one.token("anna", kind="network"),
        one.token("Anna"),
        Pseudonymiser(b"other", 1).token("anna"),
    }
    assert len(tokens) == 5
    assert all(map(is_pseudonym, tokens))


@given(st.lists(st.one_of(st.none(), st.text())))
def test_arrow_batches_give_the_same_pseudonyms_as_single_values(identities: list[str | None]) -> None:
    encodable = [i if i is None else i.encode("utf-8", "replace").decode() for i in identities]
    pseudonyms = Pseudonymiser(b"key", 1)
    expected = [pseudonyms.token(i) if i else None for i in encodable]
    values = pa.array(encodable, pa.string())
    assert pseudonyms.arrow(values).to_pylist() == expected
    assert pseudonyms.arrow(pa.chunked_array([values, values])).to_pylist() == expected * 2
    assert pseudonyms.arrow(values.dictionary_encode()).to_pylist() == expected


def test_an_empty_chunked_column_stays_empty() -> None:
    assert Pseudonymiser(b"key", 1).arrow(pa.chunked_array([], pa.string())).to_pylist() == []


def test_it_travels_to_executors_and_never_shows_its_key() -> None:
    pseudonyms = Pseudonymiser(b"very secret", 1)
    assert pickle.loads(pickle.dumps(pseudonyms)).token("anna") == pseudonyms.token("anna")
    assert "very secret" not in f"{pseudonyms!r} {pseudonyms!s}"
