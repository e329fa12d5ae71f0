"""Repositories and buckets that an application sees as folders: read-only, as they are when it starts."""

from __future__ import annotations

import re
from typing import Any

from tulou.features.access import gate
from tulou.features.accounts import signin
from tulou.features.content import revisions
from tulou.features.jobs import bucket_volumes
from tulou.features.runs.model import OrderMount
from tulou.features.spaces.model import Volume
from tulou.kernel.actor import Action, Actor
from tulou.kernel.errors import BadInput, HubError, NotBuilt
from tulou.kernel.limits import REF_BYTES, SPACE_VOLUMES
from tulou.kernel.names import RepoKind, parse_path, parse_repo_id
from tulou.platform.machinery import Machinery

_KINDS = {kind.value: kind for kind in (RepoKind.MODEL, RepoKind.DATASET, RepoKind.SPACE, RepoKind.BUCKET)}
_PATH = re.compile(r"/[A-Za-z0-9._][A-Za-z0-9._/-]{0,200}")
_TAKEN = ("/app", "/env", "/proc", "/dev", "/sys", "/usr", "/bin", "/lib", "/lib64", "/sbin", "/etc", "/tmp")  # noqa: S108


def parse(m: Machinery, actor: Actor, wanted: list[dict[str, Any]]) -> tuple[Volume, ...]:
    """Return the volumes that somebody asks for, who may read each. Raises BadInput, RepoNotFound, NotBuilt."""
    if len(wanted) > SPACE_VOLUMES:
        raise BadInput(f"A Space has at most {SPACE_VOLUMES} volumes.")
    volumes = tuple(_one(m, actor, each) for each in wanted)
    if len({volume.mount_path for volume in volumes}) != len(volumes):
        raise BadInput("Two volumes have the same mountPath.")
    return volumes


def mounts(m: Machinery, volumes: tuple[Volume, ...]) -> list[OrderMount]:
    """Return what the application is to see now. Raises HubError when a volume is gone, or who asked may no longer read it."""
    found: list[OrderMount] = []
    for volume in volumes:
        try:
            actor = signin.actor(m, signin.by_id(m, volume.by_id, None), "", "")
            source = _source(m, actor, volume)
        except HubError as problem:
            raise BadInput(f"The volume at {volume.mount_path} cannot be had: {problem.message}") from problem
        found.append(OrderMount(source, volume.mount_path))
    return found


def _one(m: Machinery, actor: Actor, wanted: dict[str, Any]) -> Volume:
    unknown = set(wanted) - {"type", "source", "mountPath", "revision", "readOnly", "path"}
    if unknown:
        raise BadInput("A volume has the fields type, source, mountPath, revision, readOnly and path.")
    kind, source, target = wanted.get("type", "model"), wanted.get("source"), wanted.get("mountPath")
    if not isinstance(kind, str) or kind not in _KINDS or not isinstance(source, str):
        raise BadInput("A volume has a 'type' (model, dataset, space or bucket) and a 'source' (account/name).")
    if kind == "bucket" and wanted.get("readOnly") is not True:
        raise NotBuilt(
            "A Space sees a bucket read-only, as it is when the Space starts: ask for that (:ro), or write by the API."
        )
    if wanted.get("readOnly") is False:
        raise NotBuilt("A repository can be mounted read-only; the application can commit to it through the API.")
    volume = Volume(
        kind, source, _target(target), actor.user_id or "", _text(wanted, "revision", REF_BYTES), _text(wanted, "path", 1024)
    )
    if volume.path is not None:
        parse_path(volume.path)
    _source(m, actor, volume)
    return volume


def _target(path: object) -> str:
    if not isinstance(path, str) or not _PATH.fullmatch(path) or ".." in path or "//" in path or path.endswith("/"):
        raise BadInput("The field 'mountPath' of a volume is an absolute path, like /models.")
    if any(path == taken or path.startswith(f"{taken}/") for taken in _TAKEN):
        raise BadInput("The field 'mountPath' of a volume may not lie where the system or the application is. Use /models, say.")
    return path


def _text(wanted: dict[str, Any], name: str, limit: int) -> str | None:
    value = wanted.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > limit or "\0" in value:
        raise BadInput(f"The field {name!r} of a volume must be a string of at most {limit} characters.")
    return value


def _source(m: Machinery, actor: Actor, volume: Volume) -> str:
    repo = gate.repo(m, actor, parse_repo_id(_KINDS[volume.kind], volume.source), Action.READ_CONTENT)
    if repo.name.kind is RepoKind.BUCKET:
        if volume.revision is not None:
            raise BadInput("A bucket has no revisions.")
        return bucket_volumes.source(repo, volume.path or "")
    commit = revisions.commit_of(m, repo, volume.revision) if volume.revision else revisions.head(m, repo)
    return f"repo:{repo.id}@{commit}" + (f":{volume.path}" if volume.path else "")
