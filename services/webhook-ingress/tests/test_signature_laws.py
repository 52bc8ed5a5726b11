"""Laws of the signature: what EspoCRM signed is believed, and nothing else."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook_ingress.domain.signature import claimed_id, is_signed

BODIES = st.binary(min_size=1, max_size=300)
KEYS = st.binary(min_size=16, max_size=40)
IDS = st.from_regex(r"[A-Za-z0-9-]{1,36}", fullmatch=True)
FORMS = st.sampled_from(["both", "new", "old"])


def signed(webhook_id: str, key: bytes, body: bytes, forms: str = "both") -> tuple[str | None, str | None]:
    digest = hmac.digest(key, body, "sha256")
    new = b64encode(f"{webhook_id}:{digest.hex()}".encode()).decode()
    old = b64encode(webhook_id.encode() + b":" + digest).decode()
    return (None if forms == "old" else new, None if forms == "new" else old)


@given(IDS, KEYS, BODIES, FORMS)
def test_what_was_signed_is_believed_in_either_form(webhook_id: str, key: bytes, body: bytes, forms: str) -> None:
    new, old = signed(webhook_id, key, body, forms)
    assert claimed_id(new, old) == webhook_id
    assert is_signed([key], webhook_id, body, new, old)


@given(IDS, KEYS, BODIES, FORMS, st.data())
def test_a_body_with_one_byte_changed_is_refused(
    webhook_id: str, key: bytes, body: bytes, forms: str, data: st.DataObject
) -> None:
    new, old = signed(webhook_id, key, body, forms)
    place = data.draw(st.integers(0, len(body) - 1))
    changed = body[:place] + bytes([body[place] ^ data.draw(st.integers(1, 255))]) + body[place + 1 :]
    assert not is_signed([key], webhook_id, changed, new, old)


@given(IDS, KEYS, BODIES, FORMS, st.data())
def test_a_header_with_one_character_changed_is_refused(
    webhook_id: str, key: bytes, body: bytes, forms: str, data: st.DataObject
) -> None:
    headers = list(signed(webhook_id, key, body, forms))
    which = data.draw(st.sampled_from([place for place, value in enumerate(headers) if value is not None]))
    text = headers[which] or ""
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(max_codepoint=0x17F).filter(lambda one: one != text[place]))
    headers[which] = text[:place] + letter + text[place + 1 :]
    claimed = claimed_id(*headers)
    assert claimed != webhook_id or not is_signed([key], webhook_id, body, *headers)


@given(IDS, KEYS, KEYS, BODIES, FORMS)
def test_a_key_that_is_being_rotated_out_is_still_believed_and_another_is_not(
    webhook_id: str, key: bytes, other: bytes, body: bytes, forms: str
) -> None:
    new, old = signed(webhook_id, key, body, forms)
    assert is_signed([other, key], webhook_id, body, new, old)
    assert other == key or not is_signed([other], webhook_id, body, new, old)


@given(KEYS, BODIES)
def test_without_any_header_nothing_is_signed(key: bytes, body: bytes) -> None:
    assert claimed_id(None, None) is None
    assert not is_signed([key], "a", body, None, None)


@given(st.text(max_size=80), st.text(max_size=80))
def test_whatever_stands_in_the_headers_nothing_is_raised(new: str, old: str) -> None:
    webhook_id = claimed_id(new, old)
    assert webhook_id is None or not is_signed([b"k" * 16], webhook_id, b"{}", new, old)


@given(IDS, IDS, KEYS, BODIES)
def test_two_headers_that_name_two_webhooks_are_refused(one: str, other: str, key: bytes, body: bytes) -> None:
    new, _ = signed(one, key, body)
    _, old = signed(other, key, body)
    assert one == other or claimed_id(new, old) is None


def test_the_raw_digest_is_cut_at_the_first_colon_in_bytes(vectors: list[dict[str, Any]]) -> None:
    held = [one for one in vectors if b":" in b64decode(one["headers"]["x-signature"]).partition(b":")[2]]
    body = next(body for body in (b"%d" % n for n in range(10_000)) if b":" in hmac.digest(b"k", body, "sha256"))
    new, old = signed("abc", b"k", body)
    assert claimed_id(new, old) == "abc"
    assert is_signed([b"k"], "abc", body, None, old)
    for one in held:
        assert claimed_id(None, one["headers"]["x-signature"]) == one["webhook_id"]


def test_all_that_a_real_espocrm_signed_is_believed_in_each_form(vectors: list[dict[str, Any]]) -> None:
    assert len(vectors) == 46
    for one in vectors:
        new, old = one["headers"]["signature"], one["headers"]["x-signature"]
        body, key = b64decode(one["body_base64"]), one["hmac_key"].encode()
        for form in ((new, old), (new, None), (None, old)):
            assert claimed_id(*form) == one["webhook_id"], one["file"]
            assert is_signed([key], one["webhook_id"], body, *form), one["file"]


@pytest.mark.parametrize("header", ["", ":", "Og==", "6b00", "====", "a" * 10_000, "\udcff", "6aü=="])
def test_a_header_that_is_none_claims_nothing(header: str) -> None:
    assert claimed_id(header, None) is None
