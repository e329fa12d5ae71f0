"""What passes between a visitor and an application, for any headers at all."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulou.delivery.apps.place import place_of
from tulou.kernel.errors import BadInput, WireError
from tulou.kernel.limits import APP_HEAD_BYTES, APP_HEAD_FIELDS
from tulou.platform.net import apps_host
from tulou.platform.net.websocket import close_code
from tulou.settings import Settings
from tulou.wire.proxy_headers import Hop, holds_token, to_app, to_visitor, token_in

HOST = Hop("https", "alice-x.apps.example", "9.9.9.9")
PATH = Hop("https", "hub.example", "9.9.9.9", "/spaces/alice/x/app")
names = st.sampled_from([
    b"Connection", b"transfer-encoding", b"content-length", b"Cookie", b"Set-Cookie", b"authorization", b"X-Forwarded-For",
    b"Host", b"x_forwarded_for", b"Location", b"upgrade", b"x-kept", b"sec-websocket-key", b"X-Accel-Redirect", b"te", b"trailer",
])  # fmt: skip
values = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"x-kept", b"close, host, cookie", b"tulou_session=1; a=b", b"Bearer hf_x", b"a=b; Domain=.example"]),
)
heads = st.lists(st.tuples(names, values), max_size=12)


@given(heads)
def test_no_request_brings_a_secret_of_the_hub_or_a_false_origin_to_an_application(given_heads):
    lowered = [(name.lower(), value) for name, value in given_heads]
    for hop in (HOST, PATH):
        seen = to_app(lowered, hop)
        by_name = dict(seen)
        assert [value for name, value in seen if name == "host"] == [hop.host]
        assert [value for name, value in seen if name == "x-forwarded-for"] == ["9.9.9.9"]
        assert by_name["x-forwarded-proto"] == "https"
        assert not any(holds_token(value) for name, value in seen if name == "authorization")
        assert not any(part.strip().lower().startswith("tulou") for part in by_name.get("cookie", "").split(";"))
        assert not {"connection", "transfer-encoding", "content-length", "upgrade", "te", "trailer"} & by_name.keys()
        assert not any("_" in name or name.startswith("sec-websocket-") for name in by_name)
        assert hop is HOST or "cookie" not in by_name


@given(heads)
def test_no_answer_breaks_out_of_its_head_or_speaks_for_another_host(given_heads):
    for hop in (HOST, PATH):
        with contextlib.suppress(WireError):
            seen = to_visitor(given_heads, hop)
            assert not any(b"\r" in value or b"\n" in value or b"\0" in value for _, value in seen)
            found = {name for name, _ in seen}
            assert not {b"connection", b"transfer-encoding", b"upgrade", b"x-accel-redirect"} & found
            for name, value in seen:
                assert name != b"set-cookie" or b"domain" not in value.lower()
            assert hop is HOST or b"set-cookie" not in found


def test_a_length_beside_an_encoding_is_dropped_and_extra_headers_come_last():
    hop = Hop("http", "a", "b", extra=((b"x-extra", b"1"),))
    assert to_visitor([(b"Transfer-Encoding", b"chunked"), (b"Content-Length", b"3")], hop) == [(b"x-extra", b"1")]


@pytest.mark.parametrize(("said", "kept"), [
    (b"public, max-age=60, s-maxage=9", b"private, max-age=60"), (b"no-store", b"private, no-store"), (None, b"private"),
])  # fmt: skip
def test_no_shared_cache_keeps_the_answer_of_a_private_space(said: bytes | None, kept: bytes):
    hop = Hop("http", "a", "b", is_private=True)
    assert to_visitor([(b"Cache-Control", said)] if said else [], hop) == [(b"cache-control", kept)]


@pytest.mark.parametrize("head", [
    [(b"a", b"b")] * (APP_HEAD_FIELDS + 1), [(b"a", b"b" * APP_HEAD_BYTES)], [(b"a b", b"c")], [(b"", b"c")], [(b"a:", b"c")],
    [(b"a", b"b\r\nSet-Cookie: x=y")], [(b"a", b"b\0")], [("é".encode(), b"b")],
])  # fmt: skip
def test_a_head_that_is_too_large_or_malformed_is_refused(head):
    with pytest.raises(WireError):
        to_visitor(head, HOST)


@pytest.mark.parametrize(("value", "is_token"), [
    ("Bearer hf_abc", True), ("bearer   hf_abc", True), ("hf_abc", True), ("Basic aGZfYWJjOg==", True),
    ("Basic bWU6aGZfYWJj", True), ("Bearer\thf_abc", True), ('Token token="hf_abc"', True), ("Bearer xhf_abc", False),
    ("Basic bWU6cGFzcw==", False), ("Basic !!!", False), ("Bearer sk-1", False), ("", False), ("Digest username=hf", False),
])  # fmt: skip
def test_a_token_is_known_in_every_form(value: str, is_token: bool):
    assert holds_token(value) is is_token


def test_the_token_of_a_program_is_read_from_either_header():
    assert token_in([(b"authorization", b"Bearer hf_a")]) == "hf_a"
    assert token_in([(b"x-hf-authorization", b"Bearer hf_b")]) == "hf_b"
    assert token_in([(b"authorization", b"Bearer sk-a"), (b"cookie", b"hf_c")]) is None


@pytest.mark.parametrize(("code", "sent"), [
    (None, 1000), (1000, 1000), (1001, 1001), (1005, 1000), (1006, 1011), (1015, 1011), (1004, 1011), (999, 1011), (3000, 3000),
    (4999, 4999), (5000, 1011), (2000, 1011), (1012, 1012), (0, 1011), (-1, 1011),
])  # fmt: skip
def test_only_codes_that_may_be_sent_are(code: int | None, sent: int):
    assert close_code(code) == sent


LOCAL, BELOW = Settings(), Settings(apps_url="path")
DOMAIN = Settings(public_url="https://hub.example", apps_url="https://apps.example")


@pytest.mark.parametrize(("settings", "host", "slug", "is_app"), [
    (LOCAL, "alice-x.localhost:8000", "alice-x", True), (LOCAL, "ALICE-X.localhost", "alice-x", True),
    (LOCAL, "alice-x.localhost.", "alice-x", True), (LOCAL, "localhost:8000", None, False), (LOCAL, "127.0.0.1", None, False),
    (LOCAL, "usercontent.localhost", None, False), (LOCAL, "a.b-c.localhost", None, True), (LOCAL, "-a.localhost", None, True),
    (LOCAL, "alice-x.example", None, False), (DOMAIN, "alice-x.apps.example", "alice-x", True),
    (DOMAIN, "alice-x.apps.example:444", "alice-x", True), (DOMAIN, "apps.example", None, False),
    (DOMAIN, "alice-x.apps.example.evil", None, False), (DOMAIN, "alice-xapps.example", None, False),
    (DOMAIN, "hub.example", None, False), (DOMAIN, "alice-x.localhost", None, False), (BELOW, "alice-x.localhost", None, False),
    (Settings(public_url="https://hub.example"), "alice-x.localhost", None, False),
    (Settings(public_url="http://localhost:8000"), "alice-x.localhost:8000", "alice-x", True), (LOCAL, "", None, False),
])  # fmt: skip
def test_the_host_says_which_application(settings: Settings, host: str, slug: str | None, is_app: bool):
    assert apps_host.slug_of(settings, host) == slug
    assert apps_host.is_app_host(settings, host) is is_app


@pytest.mark.parametrize(("settings", "base", "origin"), [
    (LOCAL, "http://127.0.0.1:8000", "http://alice-x.localhost:8000"), (LOCAL, "http://localhost", "http://alice-x.localhost"),
    (LOCAL, "http://hub.lan:8000", None), (LOCAL, "https://localhost", None),
    (DOMAIN, "https://hub.example", "https://alice-x.apps.example"), (BELOW, "http://localhost:8000", None),
])  # fmt: skip
def test_a_space_has_an_origin_of_its_own_where_there_are_hosts(settings: Settings, base: str, origin: str | None):
    assert apps_host.origin(settings, base, "alice-x") == origin


@given(st.binary(max_size=60), st.binary(max_size=20), st.sampled_from([LOCAL, DOMAIN, BELOW]), st.text(max_size=40))
def test_any_request_has_a_place_or_none(path: bytes, query: bytes, settings: Settings, host: str):
    for target in (path, b"/spaces/alice/x/app" + path):
        with contextlib.suppress(BadInput):
            place = place_of(settings, host, target, query)
            assert place is None or place.target == "" or place.target[0] in "/?"


def test_in_path_mode_the_prefix_is_kept_as_sent():
    place = place_of(BELOW, "hub.example", b"/spaces/alice/x/app/a%2Fb", b"q=1")
    assert place is not None
    assert place.name is not None
    assert (place.name.full, place.prefix, place.target) == ("alice/x", "/spaces/alice/x/app", "/a%2Fb?q=1")
    assert place_of(BELOW, "hub.example", b"/spaces/alice/x/application", b"") is None
    assert place_of(BELOW, "hub.example", b"/spaces/alice/x", b"") is None


def test_no_application_clears_the_cookies_of_the_hub_beside_it():
    for hop in (HOST, PATH):
        assert to_visitor([(b"Clear-Site-Data", b'"cookies"'), (b"x-kept", b"1")], hop)[:1] == [(b"x-kept", b"1")]
