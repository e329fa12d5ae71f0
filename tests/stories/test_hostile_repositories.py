"""Hostile trees, packs, refs and requests: each is refused with a reason, or rendered inert."""

from __future__ import annotations

import hashlib
import itertools
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import RunningHub, run_hub, settings_for
from tests.stories.hostile import Pack, entry, push, ref_delta, varint
from tests.stories.programs import Git
from tulou.kernel import limits
from tulou.wire import pktline

pytestmark = [pytest.mark.story, pytest.mark.timeout(300)]

Make = Callable[[Pack], str]
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    yield from run_hub(settings_for(tmp_path_factory.mktemp("hostile") / "data"))


@pytest.fixture(scope="module")
def mallory(hub: RunningHub) -> httpx.Client:
    client = hub.http(hub.user("mallory"))
    hub.repo("mallory/m")
    return client


def send(client: httpx.Client, body: bytes, service: str = "git-receive-pack", **headers: str) -> httpx.Response:
    return client.post(f"/mallory/m.git/{service}", content=body, headers=headers)


def push_commit(client: httpx.Client, make: Make, ref: str | None = None) -> tuple[str, str]:
    """Push what `make` builds to a new branch. Returns the branch and the report."""
    pack = Pack()
    name = ref or f"refs/heads/try-{next(_numbers)}"
    oid = make(pack)
    answer = send(client, push(oid, name, pack.bytes(), capabilities="report-status side-band-64k"))
    assert answer.status_code == 200
    return name.removeprefix("refs/heads/"), answer.text


def submodule(url: str, *, path: str = "sub", name: str = "sub", extra: str = "") -> Make:
    text = f'[submodule "{name}"]\n\tpath = {path}\n\turl = {url}\n{extra}'
    return lambda p: p.commit(p.tree(("100644", ".gitmodules", p.blob(text.encode()))))


def one(mode: str, name: bytes | str, content: bytes = b"hi\n") -> Make:
    return lambda p: p.commit(p.tree((mode, name, p.blob(content))))


def folder(name: bytes | str) -> Make:
    return lambda p: p.commit(p.tree(("40000", name, p.tree(("100644", "f", p.blob(b"hi\n"))))))


def bomb(p: Pack) -> str:
    """Ten folders of ten times the same folder, ten deep: ten thousand million files in eleven objects."""
    tree = p.tree(("100644", "f", p.blob(b"hi\n")))
    for _ in range(10):
        tree = p.tree(*(("40000", str(n), tree) for n in range(10)))
    return p.commit(tree)


def tag_chain(p: Pack, length: int) -> str:
    oid, kind = p.files("f"), "commit"
    for _ in range(length):
        oid, kind = p.tag(oid, kind), "tag"
    return oid


REFUSED: dict[str, tuple[Make, str]] = {
    "a folder .git": (folder(".git"), "hasDotgit"),
    "a folder .GIT": (folder(".GIT"), "hasDotgit"),
    "a folder .Git with a dot behind it": (folder(".git."), "hasDotgit|reads as"),
    "a folder .git with a space behind it": (folder(".git "), "hasDotgit|reads as"),
    "a folder git~1": (folder("git~1"), "hasDotgit"),
    "a folder .git with a stream": (folder(".git::$INDEX_ALLOCATION"), "hasDotgit|reads as"),
    "a folder .g<ZWNJ>it": (folder(".g\u200cit"), "hasDotgit"),
    "a file .git": (one("100644", ".git"), "hasDotgit"),
    "an entry ..": (folder(".."), "hasDotdot"),
    "an entry .": (folder("."), "hasDot"),
    "an entry with a slash": (one("100644", "a/b"), "fullPathname"),
    "an entry with a backslash": (one("100644", "a\\b"), "backslash|hasDotgit"),
    "an entry ..\\.git": (one("100644", "..\\.git\\config"), "backslash|hasDotgit"),
    "an empty name": (one("100644", ""), "badTree"),
    "the same name twice": (
        lambda p: p.commit(p.tree(("100644", "f", p.blob(b"1")), ("100644", "f", p.blob(b"2")))),
        "duplicateEntries",
    ),
    "a file and a folder of one name": (
        lambda p: p.commit(p.tree(("100644", "f", p.blob(b"1")), ("40000", "f", p.tree(("100644", "g", p.blob(b"2")))))),
        "duplicateEntries",
    ),
    "an unsorted tree": (
        lambda p: p.commit(p.tree(("100644", "z", p.blob(b"1")), ("100644", "a", p.blob(b"1")))),
        "treeNotSorted",
    ),
    "a null id": (lambda p: p.commit(p.tree(("160000", "f", "0" * 40))), "nullSha1"),
    "a mode with a zero before it": (one("0100644", "f"), "zeroPaddedFilemode"),
    "an unknown mode": (one("100000", "f"), "no file, folder, link or submodule"),
    "a device": (one("60000", "f"), "no file, folder, link or submodule"),
    ".gitmodules as a link": (one("120000", ".gitmodules", b"f"), "gitmodulesSymlink"),
    ".gitattributes as a link": (one("120000", ".gitattributes", b"f"), "may not be symbolic links"),
    ".GITATTRIBUTES as a link": (one("120000", ".GITATTRIBUTES", b"f"), "may not be symbolic links"),
    ".lfsconfig as a link": (one("120000", ".lfsconfig", b"f"), "may not be symbolic links"),
    "a submodule whose url is an option": (submodule("-u./payload"), "gitmodulesUrl"),
    "a submodule named ../../x": (submodule("https://h/x", name="../../x"), "gitmodulesName"),
    "a submodule whose path is an option": (submodule("https://h/x", path="-opt"), "gitmodulesPath"),
    "a submodule url with a line break": (submodule('"https://h/%0ahost=evil"'), "gitmodulesUrl"),
    "a submodule that runs a command": (submodule("https://h/x", extra="\tupdate = !touch /tmp/pwn\n"), "gitmodulesUpdate"),
    "an author without an address": (
        lambda p: p.commit(p.tree(("100644", "f", p.blob(b"1"))), author=b"a 1 +0000"),
        "missingEmail",
    ),
    "an author with a line break": (
        lambda p: p.commit(p.tree(("100644", "f", p.blob(b"1"))), author=b"a\nb <a@b> 1 +0000"),
        "git refuses object",
    ),
    "NUL in a message": (lambda p: p.commit(p.tree(("100644", "f", p.blob(b"1"))), message=b"a\0b\n"), "nulInCommit"),
    "NUL in the head of a commit": (lambda p: p.commit(p.tree(("100644", "f", p.blob(b"1"))), extra=b"x \0y\n"), "nulInHeader"),
    "a negative date": (lambda p: p.commit(p.tree(), author=b"a <a@b> -1 +0000"), "badDate"),
    "a date of too many digits": (lambda p: p.commit(p.tree(), author=b"a <a@b> 99999999999999999999 +0000"), "badDateOverflow"),
    "a date after the year 9999": (lambda p: p.commit(p.tree(), author=b"a <a@b> 253402300800 +0000"), "year 9999"),
    "a time zone of five digits": (lambda p: p.commit(p.tree(), author=b"a <a@b> 1 +00000"), "badTimezone"),
    "a right-to-left mark in a name": (one("100644", "a\u202egnp.exe"), "control characters or text-direction marks"),
    "an escape sequence in a name": (one("100644", "a\x1b[31m"), "control characters"),
    "a line break in a name": (one("100644", "a\nb"), "control characters"),
    "a name that is not UTF-8": (one("100644", b"\xff\xfe"), "must be UTF-8"),
    "a surrogate in a name": (one("100644", b"\xed\xa0\x80"), "must be UTF-8"),
    "a name of 4096 bytes": (one("100644", "n" * 4096), "1024 bytes at most"),
    "a path of 1025 bytes": (
        lambda p: p.commit(p.tree(("40000", "d" * 500, p.tree(("100644", "f" * 524, p.blob(b"1")))))),
        "1024 bytes",
    ),
    "names that differ in case only": (lambda p: p.files("README", "readme"), "differ only in letter case"),
    "names that differ in the case of an umlaut": (lambda p: p.files("\u00c4", "\u00e4"), "differ only in letter case"),
    "a Windows device": (one("100644", "CON"), "Windows device"),
    "a Windows device with an ending": (one("100644", "aux.txt"), "Windows device"),
    "a hostile name in a deep folder": (
        lambda p: p.commit(p.tree(("40000", "a", p.tree(("40000", "b", p.tree(("100644", "nul", p.blob(b"1")))))))),
        r"in the folder a/b",
    ),
    "folders 32 deep": (lambda p: p.nested(32), "32 deep"),
    "folders 200 deep": (lambda p: p.nested(200), "32 deep"),
    "folders 10,000 deep": (lambda p: p.nested(10_000), "32 deep"),
    "a tree of nested copies": (bomb, "1000000 files at most"),
    "an lfs pointer to a path": (
        one("100644", "p.bin", POINTER.format(oid="../../../../etc/passwd", size=1).encode()),
        "looks like a git-lfs",
    ),
    "an lfs pointer of a negative size": (
        one("100644", "p", POINTER.format(oid="a" * 64, size=-1).encode()),
        "looks like a git-lfs pointer",
    ),
    "an lfs pointer with Windows line ends": (
        one("100644", "p", POINTER.format(oid="a" * 64, size=1).replace("\n", "\r\n").encode()),
        "looks like a git-lfs pointer",
    ),
    "an lfs pointer to what is not here": (
        one("100644", "p", POINTER.format(oid="a" * 64, size=1).encode()),
        "Large files are missing",
    ),
    "a plain file over the limit": (one("100644", "big", b"\0" * (limits.PUSH_BLOB + 1)), r"big has 10\.0 MiB"),
    "a commit with 10,000 parents": (
        lambda p: p.commit(p.tree(), parents=tuple(p.commit(p.tree(), message=b"%d\n" % n) for n in range(10_000))),
        "100 parents",
    ),
    "a message of 2 MiB": (lambda p: p.commit(p.tree(), message=b"m" * (2 << 20)), "message of a commit is too long"),
    "a branch that names a tag": (lambda p: p.tag(p.files("f"), "commit"), "branch must name a commit"),
    "a branch that names a file": (lambda p: p.blob(b"x"), "must name a commit"),
    "a branch that names a folder": (lambda p: p.tree(), "must name a commit"),
    "a commit whose tree is missing": (lambda p: p.commit("1" * 40), "lacks objects|damaged"),
    "a commit whose tree is a file": (lambda p: p.commit(p.blob(b"x")), "git refuses|damaged|lacks"),
    "a tree whose file is missing": (lambda p: p.commit(p.tree(("100644", "f", "2" * 40))), "lacks objects|damaged"),
    "a commit whose parent is missing": (lambda p: p.commit(p.tree(), parents=("3" * 40,)), "lacks objects|damaged"),
}

INERT: dict[str, Make] = {
    "a link to /etc/passwd": one("120000", "l", b"/etc/passwd"),
    "a link out of the repository": one("120000", "l", b"../../../../etc"),
    "a link to itself": one("120000", "l", b"l"),
    "a submodule from a local file": submodule("file:///etc"),
    "a submodule entry without its file": lambda p: p.commit(p.tree(("160000", "sub", "4" * 40))),
    "a file of mode 100664": one("100664", "f"),
    "alternates and grafts as files": lambda p: p.commit(
        p.tree(
            ("40000", "info", p.tree(("100644", "grafts", p.blob(b"1" * 40)))),
            ("40000", "objects", p.tree(("40000", "info", p.tree(("100644", "alternates", p.blob(b"/etc\n")))))),
        )
    ),
    "hooks and a config as files": lambda p: p.commit(
        p.tree(
            ("100644", "HEAD", p.blob(b"ref: refs/heads/main\n")),
            ("100644", "config", p.blob(b"[core]\n\tfsmonitor = touch /tmp/pwn\n")),
            ("40000", "hooks", p.tree(("100755", "post-checkout", p.blob(b"#!/bin/sh\nfalse\n")))),
        )
    ),
    "attributes that ask for filters": one(
        "100644", ".gitattributes", b"* filter=evil diff=evil merge=evil ident export-subst\n"
    ),
    "an .lfsconfig that points elsewhere": one("100644", ".lfsconfig", b"[lfs]\n\turl = http://169.254.169.254/\n"),
    "a forged signature": lambda p: p.commit(
        p.tree(), extra=b"gpgsig -----BEGIN PGP SIGNATURE-----\n \n parent " + b"1" * 40 + b"\n -----END PGP SIGNATURE-----\n"
    ),
    "a message that is not UTF-8": lambda p: p.commit(p.tree(), message=b"\xff\xfe\n"),
    "a message of escape sequences": lambda p: p.commit(p.tree(), message=b"\x1b[2J<script>alert(1)</script>\n"),
    "an encoding that does not exist": lambda p: p.commit(p.tree(), extra=b"encoding x-no-such\n"),
    "a commit of the year 9999": lambda p: p.commit(p.tree(), author=b"a <a@b> 253402300799 +0000"),
    "a commit of 1970": lambda p: p.commit(p.tree(), author=b"a <a@b> 0 +1400"),
    "an empty tree": lambda p: p.commit(p.tree()),
    "an empty folder": lambda p: p.commit(p.tree(("40000", "d", p.tree()))),
    "folders 31 deep": lambda p: p.nested(31),
    "a folder of 100,000 files": lambda p: p.files(*(f"{n:06}" for n in range(100_000))),
    "a name of 1,000 bytes": one("100644", "n" * 1000),
    "names with markup": lambda p: p.files(
        "<img src=x onerror=alert(1)>", "a&b;'\"", "%2e%2e%2f", "-rf", "--upload-pack=touch x", "$(id)"
    ),
    "a file over 10 MB by one byte less": one("100644", "big", b"\0" * limits.PUSH_BLOB),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_hostile_commit_is_refused_with_a_reason(hub, mallory, what):
    make, reason = REFUSED[what]
    name, report = push_commit(mallory, make)
    assert f"ng refs/heads/{name} " in report
    assert re.search(reason, report), report
    assert mallory.get(f"/api/models/mallory/m/revision/{name}").status_code == 404


@pytest.mark.parametrize("what", INERT)
def test_an_odd_commit_is_taken_and_harms_nobody(hub, mallory, what):
    name, report = push_commit(mallory, INERT[what])
    assert f"ok refs/heads/{name}" in report, report
    for url in (
        f"/api/models/mallory/m/tree/{name}",
        f"/api/models/mallory/m/commits/{name}",
        f"/api/models/mallory/m/revision/{name}",
    ):
        assert mallory.get(url, params={"expand": "true"} if "tree" in url else {}).status_code < 500, url
    for path in ("l", "l/passwd", "sub", "d", "f"):
        answer = mallory.get(f"/mallory/m/resolve/{name}/{path}", follow_redirects=True)
        assert answer.status_code in {200, 404}
        assert "root:" not in answer.text


def test_everything_taken_can_be_cloned_and_passes_fsck(hub, mallory, tmp_path):
    for what in ("a link to /etc/passwd", "hooks and a config as files", "names with markup"):
        push_commit(mallory, INERT[what])
    git = Git(tmp_path, "reader")
    mirror = git.clone(f"{hub.url}/mallory/m", "--mirror", into="mirror")
    git("fsck", cwd=mirror)


@pytest.mark.parametrize("length", [1, limits.PUSH_TAG_CHAIN])
def test_tags_of_tags_are_taken_to_a_limit(hub, mallory, length):
    ref = f"refs/tags/chain-{length}"
    assert f"ok {ref}" in push_commit(mallory, lambda p: tag_chain(p, length), ref)[1]


@pytest.mark.parametrize(
    ("name", "make"), [("long", lambda p: tag_chain(p, 1000)), ("blob", lambda p: p.tag(p.blob(b"x"), "blob"))]
)
def test_a_tag_that_stands_for_no_commit_is_refused(hub, mallory, name, make):
    assert "must name a commit" in push_commit(mallory, make, f"refs/tags/{name}")[1]


def packs() -> dict[str, tuple[bytes, str]]:
    good = Pack()
    good.files("f")
    whole = good.bytes()
    header = b"PACK" + struct.pack(">II", 2, 1)
    delta = varint(5) + varint(1 << 31) + b"\x90\x05" * 10
    return {
        "nothing": (b"", "not a git pack"),
        "no pack": (b"<html>" * 100, "not a git pack"),
        "a header alone": (whole[:12], "damaged or incomplete"),
        "half a pack": (whole[: len(whole) // 2], "damaged or incomplete"),
        "a pack without its checksum": (whole[:-20], "damaged or incomplete"),
        "a pack with a wrong checksum": (whole[:-1] + bytes([whole[-1] ^ 1]), "damaged or incomplete"),
        "a flipped byte": (whole[:30] + bytes([whole[30] ^ 0x55]) + whole[31:], "damaged or incomplete"),
        "something behind the end": (whole + b"GET / HTTP/1.1\r\n\r\n", "behind the end"),
        "version 9": (good.bytes(version=9), "not a git pack"),
        "fewer objects than it says": (good.bytes(count=1000), "damaged or incomplete"),
        "more objects than it says": (good.bytes(count=1), "damaged or incomplete"),
        "two thousand million objects": (good.bytes(count=2_000_000_000), "2000000 objects at most"),
        "an object of an unknown kind": (sealed(header + entry(5, b"x")), "damaged or incomplete"),
        "an object longer than it says": (sealed(header + entry(3, b"x" * 100, size=10)), "damaged or incomplete"),
        "an object shorter than it says": (sealed(header + entry(3, b"x" * 10, size=100)), "damaged or incomplete"),
        "an object that says it has 2^62 bytes": (
            sealed(header + entry(3, b"x", size=1 << 62)),
            "damaged or incomplete|too large",
        ),
        "a change to an object that is not here": (
            sealed(header + ref_delta("5" * 40, varint(1) + varint(1) + b"\x01a")),
            "does not have",
        ),
        "a change that grows to 2 GiB": (
            sealed(b"PACK" + struct.pack(">II", 2, 2) + entry(3, b"hello") + ref_delta(blob_id(b"hello"), delta)),
            "damaged|too large",
        ),
        "a change of an object to itself": (
            sealed(b"PACK" + struct.pack(">II", 2, 1) + entry(6, varint(1) + varint(1) + b"\x01a", prefix=b"\0")),
            "damaged|does not have",
        ),
    }


def sealed(body: bytes) -> bytes:
    return body + hashlib.sha1(body).digest()


def blob_id(content: bytes) -> str:
    return Pack().blob(content)


@pytest.mark.parametrize("what", packs())
def test_a_broken_pack_is_refused_and_leaves_nothing(hub, mallory, what):
    pack, reason = packs()[what]
    answer = send(mallory, push("6" * 40, f"refs/heads/pack-{next(_numbers)}", pack, capabilities="report-status side-band-64k"))
    assert answer.status_code == 200
    assert "ng refs/heads/" in answer.text
    assert re.search(reason, answer.text), answer.text
    assert not list(Path(hub.m.work).iterdir())


def test_a_file_of_zeros_that_unpacks_a_thousandfold_is_refused_in_bounded_memory(hub, mallory):
    size = 400 << 20
    packer = zlib.compressobj()
    packed = b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(size >> 20)) + packer.flush()
    head = bytearray()
    byte, left = (3 << 4) | (size & 15), size >> 4
    while left:
        head.append(byte | 0x80)
        byte, left = left & 0x7F, left >> 7
    head.append(byte)
    pack = sealed(b"PACK" + struct.pack(">II", 2, 1) + bytes(head) + packed)
    answer = send(mallory, push(blob_id(b""), "refs/heads/zeros", pack, capabilities="report-status side-band-64k"))
    assert "ng refs/heads/zeros" in answer.text


REFS = [
    "refs/heads/-x",
    "refs/heads/.x",
    "refs/heads/x.",
    "refs/heads/x.lock",
    "refs/heads/a..b",
    "refs/heads/a//b",
    "refs/heads/a/",
    "refs/heads/a/.b",
    "refs/heads/@",
    "refs/heads/a@{b",
    "refs/heads/a b",
    "refs/heads/a~1",
    "refs/heads/a^",
    "refs/heads/a:b",
    "refs/heads/a?b",
    "refs/heads/a*",
    "refs/heads/a[b",
    "refs/heads/a\\b",
    "refs/heads/\x7f",
    "refs/heads/" + "n" * 251,
    "refs/heads/HEAD",
    "refs/heads/" + "a" * 40,
    "refs/heads/refs/heads/x",
    "refs/heads/\u202ex",
    "refs/heads/",
    "refs/heads",
    "HEAD",
    "main",
    "refs/pr/1",
    "refs/replace/" + "a" * 40,
    "refs/convert/parquet",
    "refs/heads/../../config",
    "refs/tags/../heads/x",
    "refs/stash",
    "refs/Heads/x",
    "refs/remotes/origin/main",
    "FETCH_HEAD",
    "../../../etc/passwd",
    "refs/heads/main.lock/x",
    "refs/heads/a\tb",
]


@pytest.mark.parametrize("ref", REFS)
def test_a_hostile_ref_is_refused(hub, mallory, ref):
    pack = Pack()
    answer = send(mallory, push(pack.files("f"), ref, pack.bytes()))
    assert answer.status_code == 200
    assert "ng " in answer.text
    known = mallory.get("/api/models/mallory/m/refs").json()
    assert ref not in {found["ref"] for found in known["branches"] + known["tags"]}


REQUESTS: dict[str, bytes] = {
    "nothing": b"",
    "no packets": b"hello, hub",
    "a packet without a flush": pktline.encode(b"0" * 40 + b" " + b"1" * 40 + b" refs/heads/x\0report-status"),
    "a packet of length 3": b"0003",
    "a delimiter": b"0001",
    "a length that lies": b"00ff" + b"x",
    "a packet of 65,521 bytes": b"fff1" + b"x" * 65_517 + b"0000",
    "a length of minus one": b"-001x",
    "ids that are no ids": pktline.encode(b"x" * 40 + b" " + b"1" * 40 + b" refs/heads/x\0") + b"0000",
    "upper-case ids": pktline.encode(b"A" * 40 + b" " + b"B" * 40 + b" refs/heads/x\0") + b"0000",
    "a ref that is not UTF-8": pktline.encode(b"0" * 40 + b" " + b"1" * 40 + b" refs/heads/\xff\0report-status") + b"0000",
    "no ref": pktline.encode(b"0" * 40 + b" " + b"1" * 40 + b" \0report-status") + b"0000",
    "one ref twice": (
        pktline.encode(b"0" * 40 + b" " + b"1" * 40 + b" refs/heads/x\0report-status")
        + pktline.encode(b"0" * 40 + b" " + b"2" * 40 + b" refs/heads/x")
        + b"0000"
    ),
    "a push certificate": pktline.encode(b"push-cert\0report-status") + pktline.encode(b"certificate version 0.1\n") + b"0000",
    "a shallow line that lies": pktline.encode(b"shallow zzz") + b"0000",
    "ten thousand and one commands": b"".join(
        pktline.encode(b"0" * 40 + b" " + b"1" * 40 + b" refs/heads/%d" % n) for n in range(10_001)
    )
    + b"0000",
}


@pytest.mark.parametrize("what", REQUESTS)
def test_a_push_that_breaks_the_protocol_is_a_400(hub, mallory, what):
    assert send(mallory, REQUESTS[what]).status_code == 400


def test_a_command_for_a_ref_that_is_not_there_is_refused(hub, mallory):
    answer = send(mallory, push("0" * 40, "refs/heads/ghost", b""))
    assert "ng refs/heads/ghost there is no such branch or tag" in answer.text


FETCHES: dict[str, bytes] = {
    "nothing": b"",
    "a flush": b"0000",
    "no packets": b"hello, hub" * 1000,
    "a packet of length 3": b"0003",
    "an unknown command": pktline.encode(b"command=rm-rf\n") + b"0000",
    "object-info": pktline.encode(b"command=object-info\n") + b"0001" + pktline.encode(b"size") + b"0000",
    "an object that is not here": pktline.encode(b"command=fetch")
    + b"0001"
    + pktline.encode(b"want " + b"1" * 40)
    + pktline.encode(b"done")
    + b"0000",
    "no id": pktline.encode(b"command=fetch") + b"0001" + pktline.encode(b"want ../../etc/passwd") + b"0000",
    "a filter that reads a file": (
        pktline.encode(b"command=fetch") + b"0001" + pktline.encode(b"filter sparse:path=/etc/passwd") + b"0000"
    ),
    "a filter of filters": (
        pktline.encode(b"command=fetch") + b"0001" + pktline.encode(b"filter combine:" + b"combine%3a" * 1000) + b"0000"
    ),
    "a negative depth": pktline.encode(b"command=fetch") + b"0001" + pktline.encode(b"deepen -1") + b"0000",
    "a huge depth": pktline.encode(b"command=fetch") + b"0001" + pktline.encode(b"deepen 99999999999999999999") + b"0000",
    "a packfile-uri": pktline.encode(b"command=fetch") + b"0001" + pktline.encode(b"packfile-uris file,http") + b"0000",
    "a server option": pktline.encode(b"command=ls-refs") + pktline.encode(b"server-option=--upload-pack=x") + b"0001" + b"0000",
}


@pytest.mark.parametrize("version", ["version=0", "version=2", "version=2:--config=x", "version=9"])
@pytest.mark.parametrize("what", FETCHES)
def test_a_fetch_that_makes_no_sense_ends_without_harm(hub, mallory, what, version):
    answer = send(mallory, FETCHES[what], "git-upload-pack", **{"git-protocol": version})
    assert answer.status_code == 200
    assert b"root:" not in answer.content
    assert not list(Path(hub.m.work).iterdir())


def test_folders_that_are_too_much_to_read_are_refused_before_they_are_read(mallory, monkeypatch):
    monkeypatch.setattr("tulou.platform.git.receive.PUSH_TREES_BYTES", 20_000)
    assert "push the history in parts" in push_commit(mallory, lambda p: p.files(*(f"{n:06}" for n in range(1_000))))[1]
    assert "ok refs/heads/" in push_commit(mallory, lambda p: p.files(*(f"{n:06}" for n in range(100))))[1]
    monkeypatch.setattr("tulou.platform.git.receive.PUSH_TREE_BYTES", 10_000)
    assert "too many entries" in push_commit(mallory, lambda p: p.files(*(f"{n:06}" for n in range(400))))[1]


def test_the_limit_of_refs_holds(hub, mallory, monkeypatch):
    monkeypatch.setattr("tulou.features.content.ref_names.REFS_PER_REPO", 3)
    hub.repo("mallory/few")
    pack = Pack()
    oid = pack.files("f")
    body = b"".join(pktline.encode(f"{'0' * 40} {oid} refs/heads/b{n}\0report-status side-band-64k".encode()) for n in range(3))
    answer = mallory.post("/mallory/few.git/git-receive-pack", content=body + pktline.FLUSH + pack.bytes())
    assert "at most 3 branches and tags" in answer.text


def test_a_commit_that_was_forced_away_is_no_longer_advertised(hub, mallory):
    first = push_commit(mallory, one("100644", "secret", b"hf_secret"), "refs/heads/forced")
    assert "ok refs/heads/forced" in first[1]
    before = {ref["name"]: ref["targetCommit"] for ref in mallory.get("/api/models/mallory/m/refs").json()["branches"]}["forced"]
    pack = Pack()
    oid = pack.files("clean")
    assert b"ok refs/heads/forced" in send(mallory, push(oid, "refs/heads/forced", pack.bytes(), old=before)).content
    advertised = mallory.get("/mallory/m.git/info/refs?service=git-upload-pack").text
    assert before not in advertised
