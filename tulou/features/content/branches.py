"""Make and delete branches and tags, and squash a branch's history."""

from __future__ import annotations

from tulou.features.content.commit import branch_target, signature
from tulou.features.content.land import RefChange, land
from tulou.features.content.revisions import commit_of, refs
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Actor
from tulou.kernel.errors import AlreadyExists, BadInput, Conflict, RevisionNotFound
from tulou.kernel.ids import Sha1
from tulou.kernel.names import parse_ref_part
from tulou.platform.git.cache import quarantine
from tulou.platform.git.write import TreeWriter
from tulou.platform.machinery import Machinery


def create_branch(m: Machinery, actor: Actor, repo: Repo, name: str, start: str | None, *, overwrite: bool = False) -> None:
    """Make a branch at a revision, by default the head of the default branch. Raises AlreadyExists."""
    ref = f"refs/heads/{parse_ref_part(name)}"
    commit = commit_of(m, repo, start or repo.default_ref)
    old = refs(m, repo).get(ref)
    if old is not None and not overwrite:
        raise AlreadyExists(f"Reference {ref} already exists")
    land(m, actor, repo, action="branch.create", changes=[RefChange(ref, old.target if old else None, commit)])


def delete_branch(m: Machinery, actor: Actor, repo: Repo, name: str) -> None:
    """Delete a branch that is not the default one."""
    ref = f"refs/heads/{parse_ref_part(name)}"
    if ref == repo.default_ref:
        raise Conflict(f"Cannot delete {ref}")
    _delete(m, actor, repo, ref, "branch.delete")


def create_tag(m: Machinery, actor: Actor, repo: Repo, name: str, revision: str, message: str | None) -> None:
    """Make a tag at a revision; with a message, an annotated one. Raises AlreadyExists."""
    commit = commit_of(m, repo, revision)
    ref = f"refs/tags/{parse_ref_part(name)}"
    if ref in refs(m, repo):
        raise AlreadyExists(f"Tag {ref} already exists")
    if not message:
        land(m, actor, repo, action="tag.create", changes=[RefChange(ref, None, commit)])
        return
    with quarantine(m.git, repo.id, repo.generation) as box:
        writer = TreeWriter(box.repository)
        oid = writer.tag(name, commit, signature(m, actor), message)
        land(m, actor, repo, action="tag.create", changes=[RefChange(ref, None, oid, commit)], pack=box.pack(writer.new))


def delete_tag(m: Machinery, actor: Actor, repo: Repo, name: str) -> None:
    """Delete a tag."""
    _delete(m, actor, repo, f"refs/tags/{parse_ref_part(name)}", "tag.delete")


def squash(m: Machinery, actor: Actor, repo: Repo, branch: str, message: str) -> Sha1:
    """Replace a branch's whole history by one commit with the same files, and return it. This cannot be undone."""
    target = branch_target(m, repo, branch)
    if target.parent is None:
        raise BadInput("There is nothing to squash.")
    with quarantine(m.git, repo.id, repo.generation) as box:
        m.git.having(repo.id, repo.generation, target.parent)
        writer = TreeWriter(box.repository)
        tree = Sha1(str(box.repository[target.parent].tree.id))
        oid = writer.commit(tree, [], signature(m, actor), message)
        land(m, actor, repo, action="branch.squash", changes=[RefChange(target.name, target.old, oid)], pack=box.pack(writer.new))
    return oid


def _delete(m: Machinery, actor: Actor, repo: Repo, ref: str, action: str) -> None:
    old = refs(m, repo).get(ref)
    if old is None:
        raise RevisionNotFound("Invalid rev id: there is no such reference")
    land(m, actor, repo, action=action, changes=[RefChange(ref, old.target, None)])
