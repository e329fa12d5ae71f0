"""Decide, from facts alone, which commands of a push may run."""

from __future__ import annotations

from collections.abc import Mapping

from tulou.features.repos.model import Ref, Repo
from tulou.kernel.errors import InvalidName
from tulou.kernel.names import parse_ref_part
from tulou.wire.receive_pack import Command

NAMESPACES = ("refs/heads/", "refs/tags/")


def refusal(repo: Repo, refs: Mapping[str, Ref], command: Command) -> str | None:
    """Return why a command may not run, or None."""
    now = refs.get(command.ref)
    if not command.ref.startswith(NAMESPACES):
        return "only branches and tags can be pushed"
    if command.new is None:
        return _refuse_deletion(repo, now, command)
    try:
        parse_ref_part(command.ref.split("/", 2)[2])
    except InvalidName:
        return "that is not a valid branch or tag name"
    if now is None:
        return "it was deleted meanwhile, fetch first" if command.old is not None else None
    return None if command.old == now.target else "it moved meanwhile, fetch first"


def _refuse_deletion(repo: Repo, now: Ref | None, command: Command) -> str | None:
    if now is None:
        return "there is no such branch or tag"
    if command.ref == repo.default_ref:
        return "the default branch cannot be deleted"
    return None if command.old in {None, now.target} else "it moved meanwhile, fetch first"
