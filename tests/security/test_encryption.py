from __future__ import annotations

import base64
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earshot.core.errors import IntegrityError
from earshot.security.encryption import BatchCipher, is_encrypted, seal, unseal

KEY = bytes(range(32))


@given(st.text())
def test_what_was_encrypted_comes_back(text: str) -> None:
    token = BatchCipher(KEY, "batch-1").encrypt(text)
    assert is_encrypted(token)
    assert BatchCipher(KEY, "batch-1").decrypt(token) == text


def test_the_text_does_not_shine_through() -> None:
    token = BatchCipher(KEY, "batch-1").encrypt('{"listener":"anna"')
    assert b"anna" not in base64.b64decode(token.removeprefix("enc1:"))


def test_a_batch_read_again_gives_the_same_table_and_two_batches_share_nothing() -> None:
    assert BatchCipher(KEY, "a").encrypt("line") == BatchCipher(KEY, "a").encrypt("line")
    assert BatchCipher(KEY, "a").encrypt("line") != BatchCipher(KEY, "b").encrypt("line")
    assert BatchCipher(KEY, "a").encrypt("line")[:20] != BatchCipher(KEY, "a").encrypt("lime")[:20]


@pytest.mark.parametrize("position", [0, 5, -1])
def test_a_changed_byte_does_not_open(position: int) -> None:
    sealed = bytearray(base64.b64decode(BatchCipher(KEY, "a").encrypt("line").removeprefix("enc1:")))
    sealed[position] ^= 1
    with pytest.raises(IntegrityError):
        BatchCipher(KEY, "a").decrypt("enc1:" + base64.b64encode(sealed).decode())


@pytest.mark.parametrize("token", ["", "enc1:", "enc1:AAAA", "no token at all", "enc1:" + "A" * 64])
def test_what_is_no_token_does_not_open(token: str) -> None:
    with pytest.raises(IntegrityError):
        BatchCipher(KEY, "a").decrypt(token)


def test_another_batch_or_key_does_not_open_it() -> None:
    token = BatchCipher(KEY, "a").encrypt("line")
    for cipher in (BatchCipher(KEY, "b"), BatchCipher(bytes(32), "a")):
        with pytest.raises(IntegrityError):
            cipher.decrypt(token)


def test_a_cipher_travels_after_use_and_hides_its_key() -> None:
    cipher = BatchCipher(KEY, "a")
    token = cipher.encrypt("line")
    assert pickle.loads(pickle.dumps(cipher)).decrypt(token) == "line"
    assert repr(cipher) == "BatchCipher(batch_id='a')"


def test_a_sealed_value_belongs_to_what_it_is_bound_to() -> None:
    sealed = seal(KEY, b"data key", b"v1:anna")
    assert unseal(KEY, sealed, b"v1:anna") == b"data key"
    with pytest.raises(IntegrityError):
        unseal(KEY, sealed, b"v1:bert")
