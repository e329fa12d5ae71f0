"""`tulou demo`: a sentence encoder, a small language model and a labelled dataset, so that a new hub is not an empty room."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from tulou.cli import demo_files, options
from tulou.features.access import gate
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts.model import AccountKind
from tulou.features.content import commit, lfs_upload, lifecycle, resolve, revisions
from tulou.features.content.lfs_claims import Claim, Holder
from tulou.features.content.spool import HashedSpool
from tulou.features.orgs import create as orgs
from tulou.features.repos.model import Repo
from tulou.fsio.lockfile import FolderLock
from tulou.kernel.actor import SYSTEM, Action
from tulou.kernel.errors import Conflict, EntryNotFound, NotFound, RepoNotFound, SettingError
from tulou.kernel.ids import Sha256
from tulou.kernel.limits import INLINE_LFS_THRESHOLD, MIB
from tulou.kernel.names import RepoKind, RepoName
from tulou.platform.machinery import Machinery
from tulou.wire.hf_commit import File, Header, LargeFile, Operation
from tulou.wire.lfs import LfsPointer

ORG = "demo"
MODEL = RepoName(RepoKind.MODEL, ORG, "all-MiniLM-L6-v2")
CHAT = RepoName(RepoKind.MODEL, ORG, "SmolLM2-135M-Instruct-GGUF")
DATASET = RepoName(RepoKind.DATASET, ORG, "movie-sentences")


def configure(parser: argparse.ArgumentParser) -> None:
    """Say which options there are."""
    parser.add_argument("what", choices=("add", "remove"))
    options.add_data(parser)


def run(arguments: argparse.Namespace) -> int:
    """Add or remove the demo content."""
    with options.machinery(arguments) as m:
        if arguments.what == "remove":
            remove(m)
            return 0
        missing = _missing()
        if missing:
            raise NotFound(missing)
        lock = _hub_is_stopped(m)
        try:
            add(m)
        finally:
            lock.release()
    return 0


def _hub_is_stopped(m: Machinery) -> FolderLock:
    # A running hub's garbage collection waits for its own uploads only, not for those of another process.
    try:
        return FolderLock(m.settings.data.resolve() / "lock")
    except SettingError as cause:
        raise Conflict("A hub is running on this data folder. Stop it, then add the demo content.") from cause


def add_or_say_why_not(m: Machinery) -> None:
    """Add the demo content on a first start; without its packages the hub starts all the same."""
    missing = _missing()
    if missing:
        print(missing)
        return
    add(m)


def add(m: Machinery) -> None:
    """Add what is not there yet.

    Write order: 1 organization   then for each repository: 2 repository   3 large files   4 one commit.
    Crash in between: a repository without a card, which the next call fills.
    """
    found = accounts.by_name(m, ORG)
    if found is None:
        orgs.create_org(m, SYSTEM, ORG, fullname="Demo content")
    elif found.kind is not AccountKind.ORG:
        raise Conflict("There is a user called 'demo', so the demo content has no place to go.")
    _fill(m, MODEL, demo_files.model_files(), "Add the sentence encoder")
    _fill(m, CHAT, demo_files.chat_files(), "Add the language model")
    _fill(m, DATASET, demo_files.dataset_files(), "Add the labelled sentences")


def remove(m: Machinery) -> None:
    """Delete the demo repositories. The organization stays, empty, so that nobody else takes its name."""
    for name in (MODEL, CHAT, DATASET):
        try:
            lifecycle.delete(m, SYSTEM, name)
        except RepoNotFound:
            print(f"{name.path} is not there.")
        else:
            print(f"Removed {name.path}.")


def _missing() -> str | None:
    lacking = [package.project for package in demo_files.PACKAGES if not demo_files.is_there(package)]
    if not lacking:
        return None
    return f"No demo content: {', '.join(lacking)} cannot be found. `make demo` fetches them, then: tulou demo add."


def _fill(m: Machinery, name: RepoName, files: Iterable[tuple[str, bytes]], message: str) -> None:
    try:
        repo = gate.repo(m, SYSTEM, name, Action.WRITE)
    except RepoNotFound:
        repo = lifecycle.create(m, SYSTEM, name, visibility="public")
    if _has_card(m, repo):
        print(f"{name.path} is there already.")
        return
    operations = [_operation(m, repo, path, content) for path, content in files]
    commit.commit(m, SYSTEM, repo, repo.default_branch, Header(message, "", None), operations)
    print(f"Added {name.path}.")


def _has_card(m: Machinery, repo: Repo) -> bool:
    try:
        resolve.locate(m, repo, revisions.head(m, repo), "README.md")
    except EntryNotFound:
        return False
    return True


def _operation(m: Machinery, repo: Repo, path: str, content: bytes) -> Operation:
    if len(content) <= INLINE_LFS_THRESHOLD:
        return File(path, content)
    with HashedSpool(m, limit=len(content)) as spool:
        for start in range(0, len(content), MIB):
            spool.write(content[start : start + MIB])
        pointer = LfsPointer(Sha256(spool.sha256), spool.size)
        lfs_upload.publish(m, Holder(SYSTEM, repo, Claim("put", pointer)), spool)
    return LargeFile(path, pointer.oid, pointer.size)
