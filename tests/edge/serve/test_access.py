"""Tokens, cookies, and those who guess."""

from __future__ import annotations

import pytest

from edge.serve import access
from edge.serve.access import Access, LoginLimit

TOKEN = "correct-horse-battery"


def cookie_of(one: Access) -> dict[str, str]:
    return {"cookie": one.new_cookie().partition(";")[0]}


def test_a_cookie_holds_over_a_restart_and_ends_with_its_token() -> None:
    headers = cookie_of(Access(TOKEN, port=80, secure=False))
    assert Access(TOKEN, port=80, secure=False).has_cookie(headers)
    assert not Access(TOKEN + "!", port=80, secure=False).has_cookie(headers)
    assert not Access(TOKEN, port=81, secure=False).has_cookie(headers)


def test_no_clock_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Pi without network wakes up in 1970, and jumps."""
    monkeypatch.setattr(access.time, "time", lambda: 1 / 0)
    one = Access(TOKEN, port=80, secure=False)
    assert one.has_cookie(cookie_of(one))
    assert one.is_token(TOKEN)


def test_a_cookie_is_for_this_site_alone() -> None:
    plain, secure = Access(TOKEN, port=80, secure=False).new_cookie(), Access(TOKEN, port=80, secure=True).new_cookie()
    assert "HttpOnly" in plain
    assert "SameSite=Strict" in plain
    assert "Secure" not in plain
    assert "Secure" in secure
    assert secure.startswith("__Host-")
    assert TOKEN not in plain


@pytest.mark.parametrize("value", ["", ".", "a.b", "a", "é.é", "\udcff", "a.\udcff", '"', "x" * 9000])
def test_a_forged_cookie_is_none(value: str) -> None:
    one = Access(TOKEN, port=80, secure=False)
    assert not one.has_cookie({"cookie": f"{one.cookie}={value}"})
    number, code = one.new_cookie().partition(";")[0].split("=", 1)[1].split(".")
    assert not one.has_cookie({"cookie": f"{one.cookie}={number}x.{code}"})


def test_without_a_token_no_cookie_and_no_token_is_right() -> None:
    one = Access(None, port=80, secure=False)
    assert one.is_open
    assert not one.is_token("")
    assert not one.has_cookie(cookie_of(one))


def test_who_guesses_waits_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(access.time, "monotonic", lambda: now[0])
    limit = LoginLimit()
    for _ in range(access.FREE_TRIES):
        assert limit.wait_s("10.0.0.1") == 0
        limit.wrong("10.0.0.1")
    assert limit.wait_s("10.0.0.1") == 10
    limit.wrong("10.0.0.1")
    assert limit.wait_s("10.0.0.1") == 20
    now[0] += 20
    assert limit.wait_s("10.0.0.1") == 0
    for _ in range(50):
        limit.wrong("10.0.0.1")
    assert limit.wait_s("10.0.0.1") == access.LONGEST_WAIT_S
    assert limit.wait_s("10.0.0.2") == 0
    limit.right("10.0.0.1")
    assert limit.wait_s("10.0.0.1") == 0


def test_a_host_with_many_addresses_is_one_and_few_are_remembered() -> None:
    limit = LoginLimit()
    for number in range(access.FREE_TRIES):
        limit.wrong(f"2001:db8::{number + 1:x}")
    assert limit.wait_s("2001:db8::ffff") > 0
    assert limit.wait_s("2001:db8:0:1::1") == 0
    for number in range(3 * access.MOST_ADDRESSES):
        limit.wrong(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(limit._wrong) == access.MOST_ADDRESSES
