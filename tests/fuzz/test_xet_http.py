"""The Xet service under requests that nobody meant: any answer but a server error."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests import xet_data as xd
from tests.api.test_xet import Cas
from tests.conftest import RunningHub
from tulou.delivery.cas.routes import ROUTES

FILE = xd.WholeFile(xd.xorb(count=3, size=500))
SEGMENTS = st.one_of(
    st.sampled_from([FILE.name, FILE.made.name, "0" * 64, "F" * 64, "default", "e1", "%00", "..", "%2e%2e%2f", "%ff", "a%2Fb"]),
    st.text("0123456789abcdef%-_.~", min_size=1, max_size=70),
)
HEADER = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60)
RANGES = st.one_of(HEADER, st.builds("bytes={}-{}".format, st.integers(-1, 10**20), st.one_of(st.just(""), st.integers(0, 10**20))))
BODIES = st.one_of(st.binary(max_size=300), st.sampled_from([FILE.made.body, FILE.shard(), FILE.shard()[:-100], b"{}"]))


@pytest.fixture
def cas(hub: RunningHub) -> Cas:
    token = hub.user("alice")
    hub.repo("alice/m")
    cas = Cas(hub, token, "alice/m")
    cas.upload(FILE)
    return cas


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    route=st.sampled_from(ROUTES), segments=st.lists(SEGMENTS, min_size=4, max_size=4), span=RANGES, body=BODIES,
    bearer=st.one_of(st.none(), HEADER), session=HEADER, query=st.dictionaries(st.sampled_from(["sig", "file_id"]), st.text(max_size=80)),
)
@example(route=ROUTES[-1], segments=["0" * 64] * 4, span="bytes=0-1", body=b"", bearer=None, session="", query={"sig": "é.ü"})
def test_no_request_makes_the_service_fail(cas, route, segments, span, body, bearer, session, query):
    path = route.pattern
    for name, value in zip(("{epoch}", "{prefix}", "{hash}", "{id}"), segments, strict=True):
        path = path.replace(name, value)
    headers = {"x-xet-session-id": session, "range": span} | ({"authorization": bearer} if bearer is not None else {})
    content = body if route.methods[0] == "POST" else None
    answer = cas.http.request(route.methods[0], path, headers=headers, params=query, content=content)
    assert answer.status_code < 500 or answer.status_code == 501, answer.text
