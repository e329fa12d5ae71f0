"""Pushes, fetches and batches with flipped, lost, doubled and moved bytes: never a 5xx, never a change that was not asked for."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import RunningHub, run_hub, settings_for
from tests.stories.hostile import Pack, push
from tulou.wire import pktline

ROUNDS = int(os.environ.get("TULOU_TEST_MUTATIONS", "250"))


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    yield from run_hub(settings_for(tmp_path_factory.mktemp("fuzz") / "data"))


@pytest.fixture(scope="module")
def alice(hub: RunningHub) -> httpx.Client:
    client = hub.http(hub.user("alice"))
    hub.repo("alice/m")
    return client


def mutate(chance: random.Random, body: bytes) -> bytes:
    raw = bytearray(body)
    for _ in range(chance.choice([1, 1, 1, 2, 5])):
        at = chance.randrange(len(raw) + 1)
        match chance.randrange(6):
            case 0 if at < len(raw):
                raw[at] ^= 1 << chance.randrange(8)
            case 1:
                del raw[at : at + chance.choice([1, 4, 100])]
            case 2:
                raw[at:at] = raw[: chance.choice([1, 4, 100])]
            case 3:
                raw[at:at] = chance.randbytes(chance.choice([1, 4, 100]))
            case 4:
                del raw[at:]
            case _:
                raw[at : at + 4] = chance.choice([b"0000", b"0001", b"ffff", b"\0\0\0\0", b"PACK", b"-001"])
    return bytes(raw)


def test_mutated_pushes_are_answered_and_move_nothing_but_what_they_name(hub, alice):
    chance = random.Random(11)
    pack = Pack()
    oid = pack.commit(
        pack.tree(("100644", "a", pack.blob(b"hello" * 50)), ("40000", "d", pack.tree(("100644", "b", pack.blob(b"x")))))
    )
    honest = push(oid, "refs/heads/fuzz", pack.bytes(), capabilities="report-status side-band-64k")
    main = head(alice)
    for number in range(ROUNDS):
        answer = alice.post("/alice/m.git/git-receive-pack", content=mutate(chance, honest))
        assert answer.status_code in {200, 400, 413}, number
    assert head(alice) == main
    assert list(Path(hub.m.work).iterdir()) == []


def head(client: httpx.Client) -> str:
    return next(ref["targetCommit"] for ref in client.get("/api/models/alice/m/refs").json()["branches"] if ref["name"] == "main")


def test_mutated_fetches_are_answered(hub, alice):
    chance = random.Random(12)
    want = b"".join(
        map(pktline.encode, (b"want " + head(alice).encode(), b"have " + b"1" * 40, b"filter blob:none", b"deepen 1", b"done"))
    )
    honest = pktline.encode(b"command=fetch") + pktline.encode(b"object-format=sha1") + b"0001" + want + b"0000"
    for number in range(ROUNDS // 4):
        headers = {"git-protocol": chance.choice(["version=2", "version=1", "version=0", "version=2:version=3"])}
        answer = alice.post("/alice/m.git/git-upload-pack", content=mutate(chance, honest), headers=headers)
        assert answer.status_code in {200, 400}, number


def test_mutated_batches_are_answered(hub, alice):
    chance = random.Random(13)
    asked = {
        "operation": "upload",
        "transfers": ["basic", "multipart"],
        "objects": [{"oid": "a" * 64, "size": 5}],
        "hash_algo": "sha256",
    }
    for number in range(ROUNDS):
        answer = alice.post("/alice/m.git/info/lfs/objects/batch", content=mutate(chance, json.dumps(asked).encode()))
        assert answer.status_code in {200, 400, 409, 422}, number
        assert answer.headers["content-type"] == "application/vnd.git-lfs+json"


def test_mutated_links_are_worth_nothing(hub, alice):
    chance = random.Random(14)
    asked = {"operation": "upload", "objects": [{"oid": "a" * 64, "size": 5}]}
    [told] = alice.post("/alice/m.git/info/lfs/objects/batch", json=asked).json()["objects"]
    head, claim = told["actions"]["upload"]["href"].split("claim=")
    for number in range(ROUNDS):
        raw = mutate(chance, claim.encode())
        if raw == claim.encode():
            continue
        sent = "".join(f"%{byte:02x}" for byte in raw)
        answer = httpx.put(f"{head}claim={sent}", content=b"hello", trust_env=False)
        assert answer.status_code == 403, number
