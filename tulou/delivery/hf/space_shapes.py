"""Spaces as Hub clients read them."""

from __future__ import annotations

from typing import Any

from tulou.delivery.kit import apps
from tulou.features.repos.model import Repo
from tulou.features.spaces import data, idle
from tulou.features.spaces.model import NEVER, Setting, Space, Volume
from tulou.kernel.clock import iso
from tulou.platform.machinery import Machinery


def runtime(m: Machinery, space: Space, *, can_write: bool = True) -> dict[str, Any]:
    """Return the runtime of a Space. Its volumes are for those who may change it: a public one may see private repositories."""
    runs = space.stage.is_serving and not space.is_static
    shape: dict[str, Any] = {
        "stage": space.stage.value,
        "hardware": {"current": space.hardware if runs else None, "requested": None if space.is_static else space.hardware},
        "gcTimeout": _sleep(m, space),
        "storage": data.tier(space.storage_mb),
        "devMode": False,
        "replicas": {"current": int(space.stage.is_serving), "requested": int(space.want == "run")},
        "volumes": [volume(each) for each in space.volumes if can_write] or None,
        "sha": space.commit,
    }
    if space.message:
        shape["errorMessage"] = space.message
    return {name: value for name, value in shape.items() if value is not None}


def place(m: Machinery, base: str, repo: Repo, space: Space) -> dict[str, Any]:
    """Return where visitors find the application."""
    url = apps.space_url(m, base, repo, space)
    return {"subdomain": space.slug, "host": url.removesuffix("/") if url else None}


def app(m: Machinery, base: str, repo: Repo, space: Space, *, can_write: bool) -> dict[str, Any]:
    """Return what an info page says of the application."""
    return {"runtime": runtime(m, space, can_write=can_write), **place(m, base, repo, space)}


def variables(found: list[Setting]) -> dict[str, Any]:
    """Return variables by name."""
    return {each.name: {"key": each.name, "value": each.value, **_about(each)} for each in found}


def secrets(found: list[Setting]) -> dict[str, Any]:
    """Return what is known of secrets by name: never a value."""
    return {each.name: {"key": each.name, **_about(each)} for each in found}


def volume(one: Volume) -> dict[str, Any]:
    """Return a volume."""
    shape = {
        "type": one.kind, "source": one.source, "mountPath": one.mount_path, "revision": one.revision, "path": one.path,
        "readOnly": True,
    }  # fmt: skip
    return {name: value for name, value in shape.items() if value is not None}


def _about(one: Setting) -> dict[str, Any]:
    return {"description": one.description or None, "updatedAt": iso(one.updated_at)}


def _sleep(m: Machinery, space: Space) -> int | None:
    """Seconds as they were set, or the hub's own; -1 for never."""
    after = idle.sleeps_after_ms(m, space)
    return None if space.is_static else after // 1000 if after is not None else NEVER
