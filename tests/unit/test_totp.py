"""The codes of authenticator apps, against the vectors of RFC 6238."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulou.wire import totp

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(("seconds", "eight_digits"), [
    (59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"), (2000000000, "69279037"),
    (20000000000, "65353130"),
])  # fmt: skip
def test_the_vectors_of_the_standard(seconds: int, eight_digits: str):
    assert totp.code(SECRET, totp.step_at(seconds * 1000)) == eight_digits[-6:]


def test_a_neighbouring_step_is_good_and_a_spent_one_is_not():
    step = 1000
    for near in (step - 1, step, step + 1):
        assert totp.match(SECRET, totp.code(SECRET, near), step, after=0) == near
        assert totp.match(SECRET, totp.code(SECRET, near), step, after=near) is None
    assert totp.match(SECRET, totp.code(SECRET, step + 2), step, after=0) is None


@given(st.binary(min_size=10, max_size=40), st.integers(min_value=0, max_value=2**40))
def test_a_code_is_always_six_digits(secret: bytes, step: int):
    code = totp.code(secret, step)
    assert len(code) == 6
    assert code.isdigit()


def test_an_app_gets_the_whole_secret():
    assert totp.shown(SECRET).replace(" ", "") in totp.uri(SECRET, "alice", "tulou hub")
    assert totp.uri(SECRET, "alice", "tulou hub").startswith("otpauth://totp/tulou%20hub:alice?secret=")
