"""Push commands, git objects, and the rules of pushing: no hub needed."""

from __future__ import annotations

import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tulou.features.content.push_rules import refusal
from tulou.features.content.ref_names import RefNames
from tulou.features.repos.model import Ref, Repo
from tulou.kernel.errors import AlreadyExists, WireError
from tulou.kernel.names import RepoKind, RepoName
from tulou.platform.git import policy
from tulou.wire import gitobj, pktline, receive_pack
from tulou.wire.receive_pack import Command

A, B = "a" * 40, "b" * 40
REPO = Repo("id", RepoName(RepoKind.MODEL, "alice", "m"), "alice", False, "public", "", "main", 1, 0, 0)
REFS = {name: Ref(name, A, A) for name in ("refs/heads/main", "refs/heads/side", "refs/tags/v1")}


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (Command("refs/heads/main", A, B), None),
        (Command("refs/heads/new", None, B), None),
        (Command("refs/tags/v2", None, B), None),
        (Command("refs/tags/v1", A, None), None),
        (Command("refs/heads/side", A, None), None),
        (Command("refs/heads/main", A, None), "default branch"),
        (Command("refs/heads/main", B, A), "moved"),
        (Command("refs/heads/main", None, B), "moved"),
        (Command("refs/heads/gone", A, B), "deleted meanwhile"),
        (Command("refs/heads/gone", A, None), "no such branch"),
        (Command("refs/heads/gone", None, None), "no such branch"),
        (Command("refs/pr/1", None, B), "only branches and tags"),
        (Command("refs/heads/-x", None, B), "not a valid"),
        (Command("refs/heads/\u202e", None, B), "not a valid"),
        (Command("HEAD", None, B), "only branches and tags"),
    ],
)
def test_a_command_is_allowed_or_refused_with_a_reason(command, reason):
    found = refusal(REPO, REFS, command)
    assert found is None if reason is None else reason in (found or "")


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("refs/heads/new", True),
        ("refs/heads/mai", True),
        ("refs/tags/main", True),
        ("refs/heads/main-2", True),
        ("refs/heads/main", False),
        ("refs/heads/MAIN", False),
        ("refs/heads/main/x", False),
        ("refs/heads", False),
    ],
)
def test_names_stand_side_by_side_or_not(name, fits):
    names = RefNames(REFS)
    if fits:
        names.add(name)
    with pytest.raises(AlreadyExists):
        names.add(name)


@given(st.binary(max_size=500))
def test_any_push_is_understood_or_refused(raw):
    for body in (raw, pktline.encode(f"{A} {B} refs/heads/x\0".encode() + raw) + pktline.FLUSH):
        with suppress(WireError):
            receive_pack.parse_request(io.BytesIO(body))


def test_a_report_reads_like_gits_own():
    request = receive_pack.parse_request(
        io.BytesIO(
            pktline.encode(f"{A} {B} refs/heads/x\0report-status side-band-64k atomic".encode())
            + pktline.encode(f"{A} {receive_pack.ZERO} refs/heads/y".encode())
            + pktline.FLUSH
        )
    )
    assert request.is_atomic
    assert request.has_pack
    report = receive_pack.report(request, "ok", {"refs/heads/x": None, "refs/heads/y": "no"}, ["look here"])
    status = b"000eunpack ok\n0014ok refs/heads/x\n0017ng refs/heads/y no\n0000"
    assert report == pktline.encode(b"\x02look here\n") + pktline.encode(b"\x01" + status) + b"0000"


def test_an_empty_repository_is_advertised():
    assert b" capabilities^{}\0report-status" in receive_pack.advertise([])


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(gitobj.MODES)), st.binary(min_size=1, max_size=20).filter(lambda n: b"\0" not in n))
    )
)
def test_a_tree_that_is_written_can_be_read(entries):
    raw = b"".join(b"%o " % mode + name + b"\0" + bytes.fromhex(A) for mode, name in entries)
    assert [(entry.mode, entry.name, entry.oid) for entry in gitobj.parse_tree(raw)] == [
        (mode, name, A) for mode, name in entries
    ]


@given(st.binary(max_size=300))
def test_any_bytes_are_an_object_or_refused(raw):
    for parse in (lambda b: list(gitobj.parse_tree(b)), gitobj.parse_commit, gitobj.parse_tag_target):
        with suppress(WireError):
            parse(raw)


@given(st.lists(st.binary(max_size=30), max_size=5))
def test_any_folder_is_allowed_or_refused(names):
    entries = [gitobj.TreeEntry(gitobj.FILE, name, A) for name in names]
    with suppress(policy.Refused):
        policy.judge_tree_entries(entries)
