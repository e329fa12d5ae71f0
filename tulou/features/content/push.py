"""Take a git push: the same rules, checks and write path as a commit through the API."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pygit2

from tulou.features.content import objects as large
from tulou.features.content.land import RefChange, land
from tulou.features.content.push_rules import refusal
from tulou.features.repos import lookup
from tulou.features.repos.model import Ref, Repo
from tulou.kernel.actor import Actor
from tulou.kernel.errors import HubError, StaleParent, WireError
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import CARD_BYTES, PUSH_TAG_CHAIN
from tulou.platform.git import policy, receive
from tulou.platform.git.cache import NewPack, quarantine
from tulou.platform.git.policy import NewObjects, Refused
from tulou.platform.machinery import Machinery
from tulou.wire import frontmatter, gitobj, receive_pack
from tulou.wire.lfs import LfsPointer
from tulou.wire.receive_pack import Command, PushRequest

_CARD = "README.md"
_NAMED = 5
"""How many missing large files a refusal names."""


@dataclass(frozen=True, slots=True)
class _Arrived:
    """What a push brought, judged: the pack, the large files it refers to, and the commit behind each new tip."""

    pack: NewPack | None
    sha256s: frozenset[str]
    peeled: dict[Sha1, Sha1]


def advertisement(m: Machinery, repo: Repo) -> bytes:
    """Return what git reads before it pushes: every ref, and what this server can do."""
    return receive_pack.advertise((ref.name, ref.target) for ref in lookup.refs(m, repo))


def push(m: Machinery, actor: Actor, repo: Repo, body: Path) -> bytes:
    """Run the push that the file `body` holds, and return the report for git.

    A refusal is a report, not an exception: git shows it to the person who pushes. Raises WireError for a body that
    does not follow the protocol.

    # 1 pack checked in a quarantine, which a crash or a refusal leaves to be swept   2 everything else: see `land`
    """
    with body.open("rb", buffering=0) as stream:
        request = receive_pack.parse_request(stream)
        if not request.commands:
            return b""
        repo = lookup.by_id(m, repo.id)
        refs = {ref.name: ref for ref in lookup.refs(m, repo)}
        results = _first_results(repo, refs, request)
        wanted = [command for command in request.commands if results[command.ref] is None]
        messages: list[str] = []
        if wanted:
            try:
                _run(m, actor, repo, refs, wanted, stream)
            except HubError as problem:
                messages.append(problem.message)
                # Without a side band the reason is the only thing that reaches the person.
                reason = _reason(problem) if request.shows_messages else problem.message
                results |= {command.ref: reason for command in wanted}
        return receive_pack.report(request, "ok", results, messages)


def _first_results(repo: Repo, refs: dict[str, Ref], request: PushRequest) -> dict[str, str | None]:
    results = {command.ref: refusal(repo, refs, command) for command in request.commands}
    if request.is_atomic and any(results.values()):
        return {ref: reason or "another part of this atomic push was refused" for ref, reason in results.items()}
    return results


def _reason(problem: HubError) -> str:
    if isinstance(problem, StaleParent):
        return "it moved meanwhile, fetch first"
    return problem.code.replace("_", " ")


def _run(m: Machinery, actor: Actor, repo: Repo, refs: dict[str, Ref], wanted: list[Command], stream: IO[bytes]) -> None:
    if all(command.new is None for command in wanted):
        _land(m, actor, repo, refs, wanted, _Arrived(None, frozenset(), {}))
        return
    # The pack lies in the work folder already, and is written once more as it is indexed.
    m.store.require_space(os.fstat(stream.fileno()).st_size)
    # The refs were read before: from here on the cache has everything that they name.
    m.git.sync(repo.id)
    with quarantine(m.git, repo.id, repo.generation) as box:
        known = m.git.open(repo.id, repo.generation)
        pack, new = receive.receive(box, stream, known)
        tips = {command.new for command in wanted if command.new is not None}
        receive.prove_complete(box, tips, {ref.target for ref in refs.values()})
        repository = pygit2.Repository(str(box.path))
        pointers = policy.judge(repository, new)
        _require_large_files(m, repo, pointers)
        peeled = {command.new: _peel(repository, command) for command in wanted if command.new is not None}
        for commit in peeled.values():
            _require_readable_card(repository, commit, new)
        sha256s = frozenset(pointer.oid for pointer in pointers)
        _land(m, actor, repo, refs, wanted, _Arrived(pack, sha256s, peeled))


def _land(m: Machinery, actor: Actor, repo: Repo, refs: dict[str, Ref], wanted: Iterable[Command], arrived: _Arrived) -> None:
    changes = []
    for command in wanted:
        now = refs.get(command.ref)
        peeled = arrived.peeled[command.new] if command.new is not None else None
        changes.append(RefChange(command.ref, now.target if now else None, command.new, peeled))
    land(m, actor, repo, action="repo.push", changes=changes, pack=arrived.pack, objects=arrived.sha256s)


def _peel(repository: pygit2.Repository, command: Command) -> Sha1:
    """Return the commit that a ref will stand for. Raises Refused for a ref that stands for none."""
    oid, kind = _look(repository, command.new)
    for _ in range(PUSH_TAG_CHAIN):
        if kind != "tag":
            break
        if command.ref.startswith("refs/heads/"):
            raise Refused("A branch must name a commit.")
        oid, kind = gitobj.parse_tag_target(bytes(repository.read(pygit2.Oid(hex=oid))[1]))
    if kind != "commit":
        raise Refused("A branch or tag must name a commit.")
    return oid


def _look(repository: pygit2.Repository, oid: Sha1 | None) -> tuple[Sha1, str]:
    found = repository.get(oid) if oid is not None else None
    if oid is None or found is None:
        raise Refused("The pack lacks objects that its commits need.")
    return oid, found.type_str


def _require_readable_card(repository: pygit2.Repository, commit: Sha1, new: NewObjects) -> None:
    """Raise Refused if the push brings a commit whose card nobody could read. An older card is not this push's fault."""
    found = repository[commit].peel(pygit2.Commit)
    if commit not in new.commits or _CARD not in found.tree:
        return
    blob = found.tree[_CARD]
    before = [parent.tree[_CARD].id for parent in found.parents if _CARD in parent.tree]
    if not isinstance(blob, pygit2.Blob) or blob.id in before:
        return
    try:
        frontmatter.metadata(bytes(blob.data[:CARD_BYTES]).decode("utf-8", "replace"))
    except WireError as problem:
        raise Refused(f"The metadata at the top of {_CARD} cannot be read: {problem.message}") from problem


def _require_large_files(m: Machinery, repo: Repo, pointers: dict[LfsPointer, str]) -> None:
    """Raise Refused unless this very repository owns each large file: knowing a hash is no proof of having the bytes."""
    owned = large.find_many(m, repo, [pointer.oid for pointer in pointers])
    missing = sorted(
        path or pointer.oid for pointer, path in pointers.items()
        if pointer.oid not in owned or owned[pointer.oid].size != pointer.size
    )
    if missing:
        named = ", ".join(missing[:_NAMED]) + (f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else "")
        raise Refused(f"Large files are missing on this hub: {named}. Upload them first: git lfs push --all <remote>")
