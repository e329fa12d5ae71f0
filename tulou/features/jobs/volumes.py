"""Find what the volumes of a job name, as somebody who may read it, at the commit that they are at now."""

from __future__ import annotations

from tulou.features.access import gate
from tulou.features.content import revisions, tree
from tulou.features.jobs import bucket_volumes
from tulou.features.repos.model import Repo
from tulou.features.runs.model import OrderMount
from tulou.kernel.actor import Action, Actor
from tulou.kernel.errors import BadInput, EntryNotFound
from tulou.kernel.names import RepoKind, parse_repo_id
from tulou.platform.machinery import Machinery
from tulou.wire.job_spec import Volume


def mounts(m: Machinery, actor: Actor, volumes: tuple[Volume, ...]) -> tuple[OrderMount, ...]:
    """Return what a job mounts. Raises what the gate does, RevisionNotFound, EntryNotFound for a folder that is not there."""
    return tuple(_mount(m, actor, volume) for volume in volumes)


def _mount(m: Machinery, actor: Actor, volume: Volume) -> OrderMount:
    name = parse_repo_id(RepoKind(volume.type), volume.source)
    if volume.type == "bucket":
        if volume.revision is not None:
            raise BadInput("A bucket has no revisions.")
        action = Action.READ_CONTENT if volume.read_only else Action.WRITE
        bucket = gate.repo(m, actor, name, action)
        return OrderMount(bucket_volumes.source(bucket, volume.path), volume.mount_path, "ro" if volume.read_only else "rw")
    repo = gate.repo(m, actor, name, Action.READ_CONTENT)
    return OrderMount(_source(m, repo, volume), volume.mount_path)


def _source(m: Machinery, repo: Repo, volume: Volume) -> str:
    commit = revisions.commit_of(m, repo, volume.revision or repo.default_branch)
    if not volume.path:
        return f"repo:{repo.id}@{commit}"
    if not any(entry.is_folder for entry in tree.at_paths(m, repo, commit, [volume.path], expand=False)):
        raise EntryNotFound("The path of a volume must be a folder of the repository.", commit=commit)
    return f"repo:{repo.id}@{commit}:{volume.path}"
