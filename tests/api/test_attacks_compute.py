"""Attacks on what runs programs, shows rows and sends logs: each was possible once, or is on the list of the threat model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import anyio
import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse

from tests.commits import commit
from tulou.delivery.kit import sse
from tulou.delivery.kit.call import Call
from tulou.features.accounts import signin
from tulou.kernel.actor import Actor
from tulou.kernel.errors import Busy, Forbidden


def test_a_public_space_names_the_private_repositories_that_it_sees_to_its_writers_only(hub):
    alice, bob = (hub.http(hub.user(name)) for name in ("alice", "bob"))
    hub.repo("alice/app", "space", sdk="gradio")
    hub.repo("alice/hidden", "dataset", private=True)
    commit(alice, "alice/hidden", {"a.txt": "a"}, kind="datasets")
    volume = {"type": "dataset", "source": "alice/hidden", "mountPath": "/hidden"}
    assert "alice/hidden" in alice.put("/api/spaces/alice/app/volumes", json={"volumes": [volume]}).text
    paths = ("/api/spaces/alice/app/runtime", "/api/spaces/alice/app", "/api/spaces?author=alice&expand=runtime")
    assert ["hidden" in alice.get(path).text for path in paths] == [True, True, False]
    for somebody in (bob, hub.http(None)):
        answers = [somebody.get(path) for path in paths]
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        assert not any("hidden" in answer.text for answer in answers)


def test_a_heading_with_any_sign_does_not_break_the_search_of_its_site(hub):
    alice = hub.http(hub.user("alice"))
    hub.repo("alice/lib", "model")
    page = "# Guide\n\nWords.\n\n## Walnut \x1f\x1f cake\n\nwalnut text\n"
    commit(alice, "alice/lib", {"docs/index.md": page}, kind="models")
    found = alice.get("/docs/alice/lib/main/en?q=walnut")
    assert found.status_code == 200
    assert "Walnut" in found.text


def call_of(hub, token: str) -> Call:
    actor = signin.actor(hub.m, signin.by_token(hub.m, token), "9.9.9.9", "")
    return Call(cast("Request", None), hub.m, actor, {}, "")


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield b"x"


def stream(call: Call, may=lambda _actor: None) -> StreamingResponse:
    return cast("StreamingResponse", sse.stream(call, endless(), may))


def test_a_stream_ends_when_its_reader_loses_the_right(hub, monkeypatch):
    monkeypatch.setattr(sse, "RECHECK_SECONDS", 0.0)
    call, asked = call_of(hub, hub.user("alice")), []

    def may(actor: Actor) -> None:
        asked.append(actor.name)
        if len(asked) > 3:
            raise Forbidden

    async def read() -> int:
        return len([each async for each in stream(call, may).body_iterator])

    assert anyio.run(read) == 3
    assert asked == ["alice"] * 4


def test_a_stream_ends_when_the_token_behind_it_is_revoked(hub, monkeypatch):
    monkeypatch.setattr(sse, "RECHECK_SECONDS", 0.0)
    call = call_of(hub, hub.user("alice"))
    assert call.actor.token is not None
    token_id = call.actor.token.id

    async def read() -> int:
        count = 0
        async for _ in stream(call).body_iterator:
            count += 1
            if count == 2:
                from tulou.features.accounts import tokens

                with hub.m.db.write() as tx:
                    tokens.revoke_of_run(tx, hub.m, token_id)
        return count

    assert anyio.run(read) == 2


def test_one_reader_cannot_take_all_streams(hub):
    alice, bob = (call_of(hub, hub.user(name)) for name in ("alice", "bob"))

    async def read() -> None:
        opened = [stream(alice).body_iterator for _ in range(sse.STREAMS_EACH)]
        for each in opened:
            await anext(each)
        with pytest.raises(Busy):
            stream(alice)
        assert await anext(stream(bob).body_iterator) == b"x"
        await opened[0].aclose()
        assert await anext(stream(alice).body_iterator) == b"x"

    anyio.run(read)
