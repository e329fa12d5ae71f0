"""What a Hub client says a job should be: read with limits, and written back as the client reads it."""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import asdict, dataclass, field
from itertools import permutations
from typing import Any, Literal, cast

from tulou.kernel.errors import BadInput, NotBuilt
from tulou.kernel.limits import (
    JOB_ARGUMENT_BYTES,
    JOB_ATTEMPTS,
    JOB_LABELS,
    JOB_SECONDS,
    JOB_SECONDS_DEFAULT,
    JOB_VARIABLES,
    JOB_VARIABLES_BYTES,
    JOB_VOLUMES,
    PATH_BYTES,
)

VolumeType = Literal["bucket", "model", "dataset", "space"]
_TYPES = ("bucket", "model", "dataset", "space")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_LABEL = re.compile(r"[A-Za-z0-9._-]{1,100}")
_LABEL_VALUE = re.compile(r"[A-Za-z0-9._-]{0,100}")
_TAKEN = (
    "/bin", "/boot", "/dev", "/env", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/root", "/run", "/sbin", "/sys",
    "/usr",
)  # fmt: skip
"""Folders of the system: nothing is mounted at or below them."""
_KEPT = ("/", "/tmp", "/home", "/home/user", "/var", "/opt")  # noqa: S108 - refused as places to mount
"""Nor at these, but below them."""


@dataclass(frozen=True, slots=True)
class Volume:
    """A repository or a bucket as a folder of the job. `path` picks a folder of it."""

    type: VolumeType
    source: str
    mount_path: str
    revision: str | None = None
    read_only: bool = True
    path: str = ""

    def shown(self) -> dict[str, Any]:
        """Return it as clients read it."""
        shown = {"type": self.type, "source": self.source, "mountPath": self.mount_path, "readOnly": self.read_only}
        return shown | ({"revision": self.revision} if self.revision else {}) | ({"path": self.path} if self.path else {})


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A job as asked for, without its secrets."""

    image: str
    command: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    flavor: str = "cpu-basic"
    timeout_s: int = JOB_SECONDS_DEFAULT
    attempts: int = 1
    volumes: tuple[Volume, ...] = ()

    def dump(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> JobSpec:
        """Return what `dump` wrote."""
        data: dict[str, Any] = json.loads(text)
        return cls(**{
            **data, "command": tuple(data["command"]), "arguments": tuple(data["arguments"]),
            "volumes": tuple(Volume(**volume) for volume in data["volumes"]),
        })  # fmt: skip


@dataclass(frozen=True, slots=True)
class AskedJob:
    """What one request asks for."""

    spec: JobSpec
    secrets: dict[str, str] = field(repr=False)
    labels: dict[str, str]


def parse_job(body: dict[str, Any]) -> AskedJob:
    """Read the body of a request for a job. Raises BadInput, and NotBuilt for what this hub cannot do."""
    _refuse_unbuilt(body)
    spec = JobSpec(
        image=_text(body, "dockerImage", limit=300),
        command=_words(body, "command"),
        arguments=_words(body, "arguments"),
        environment=parse_variables(body.get("environment"), "environment"),
        flavor=_text(body, "flavor", limit=100, default="cpu-basic"),
        timeout_s=_number(body, "timeoutSeconds", JOB_SECONDS_DEFAULT, JOB_SECONDS),
        attempts=_number(body, "attempts", 1, JOB_ATTEMPTS),
        volumes=_volumes(body.get("volumes")),
    )
    if not spec.command and not spec.arguments:
        raise BadInput("A job needs a command.")
    if sum(len(word.encode()) + 1 for word in (*spec.command, *spec.arguments)) > JOB_ARGUMENT_BYTES:
        raise BadInput(f"The command of a job may be {JOB_ARGUMENT_BYTES >> 10} KiB long.")
    return AskedJob(spec, parse_variables(body.get("secrets"), "secrets"), parse_labels(body.get("labels")))


def parse_variables(value: object, what: str) -> dict[str, str]:
    """Read variables, from names to texts or numbers. Raises BadInput."""
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > JOB_VARIABLES:
        raise BadInput(f"The field '{what}' must be an object of at most {JOB_VARIABLES} variables.")
    found: dict[str, str] = {}
    for name, content in value.items():
        if not _VARIABLE.fullmatch(name):
            raise BadInput(f"A name in '{what}' must be letters, digits and _, not beginning with a digit.")
        if not isinstance(content, str | int | float) or "\0" in str(content):
            raise BadInput(f"A value in '{what}' must be text without NUL characters, or a number.")
        found[name] = content if isinstance(content, str) else json.dumps(content)
    if sum(len(n) + len(v.encode("utf-8", "surrogatepass")) for n, v in found.items()) > JOB_VARIABLES_BYTES:
        raise BadInput(f"All of '{what}' together may have {JOB_VARIABLES_BYTES >> 10} KiB.")
    return found


def parse_labels(value: object) -> dict[str, str]:
    """Read labels. Raises BadInput."""
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > JOB_LABELS:
        raise BadInput(f"The field 'labels' must be an object of at most {JOB_LABELS} labels.")
    for name, content in value.items():
        if not _LABEL.fullmatch(name) or not isinstance(content, str) or not _LABEL_VALUE.fullmatch(content):
            raise BadInput("A label and its value may have 100 letters, digits, dots, dashes and underscores.")
    return cast("dict[str, str]", dict(value))


def _refuse_unbuilt(body: dict[str, Any]) -> None:
    if body.get("spaceId") is not None:
        raise NotBuilt("Jobs in the environment of a Space are not built yet: name an image.")
    if body.get("expose") and body["expose"] != {"ports": [], "portsPublic": []}:
        raise NotBuilt("Reaching ports of a job from outside is not built yet.")
    if body.get("ssh") and body["ssh"] != {"enabled": False}:
        raise NotBuilt("SSH into jobs is not built.")
    if body.get("network"):
        raise NotBuilt("Networks among jobs are not built.")
    if body.get("resourceGroupId") is not None:
        raise NotBuilt("Resource groups are not built.")


def _volumes(value: object) -> tuple[Volume, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > JOB_VOLUMES or not all(isinstance(item, dict) for item in value):
        raise BadInput(f"The field 'volumes' must be a list of at most {JOB_VOLUMES} objects.")
    found = tuple(_volume(item) for item in value)
    places = [volume.mount_path for volume in found]
    if len(set(places)) < len(places) or any(b.startswith(a + "/") for a, b in permutations(places, 2)):
        raise BadInput("Two volumes are mounted at the same place, or one inside another.")
    return found


def _volume(item: dict[str, Any]) -> Volume:
    kind = item.get("type", "model")
    if kind not in _TYPES:
        raise BadInput("The type of a volume must be bucket, model, dataset or space.")
    read_only = item.get("readOnly")
    if read_only is not None and not isinstance(read_only, bool):
        raise BadInput("The field 'readOnly' must be true or false.")
    if kind != "bucket" and read_only is False:
        raise NotBuilt("Repositories are mounted read-only: upload results to them with huggingface_hub, or use a bucket.")
    return Volume(
        type=kind,
        source=_text(item, "source", limit=200),
        mount_path=_mount_path(_text(item, "mountPath", limit=PATH_BYTES)),
        revision=_text(item, "revision", limit=250) if item.get("revision") is not None else None,
        read_only=kind != "bucket" if read_only is None else read_only,
        path=_folder(_text(item, "path", limit=PATH_BYTES, default="") if item.get("path") is not None else ""),
    )


def _mount_path(path: str) -> str:
    clean = path.rstrip("/") or "/"
    if not path.startswith("/") or posixpath.normpath(clean) != clean or clean.startswith("//") or not clean.isprintable():
        raise BadInput("A volume is mounted at an absolute path without '.', '..' or empty parts, such as /data.")
    if clean in _KEPT or any(clean == taken or clean.startswith(taken + "/") for taken in _TAKEN):
        raise BadInput("A volume cannot be mounted over a folder of the system. Choose a place such as /data or /mnt/data.")
    return clean


def _folder(path: str) -> str:
    clean = path.strip("/")
    if clean and (posixpath.normpath(clean) != clean or clean == ".." or clean.startswith("../")):
        raise BadInput("The path of a volume must be a folder of it, without '.', '..' or empty parts.")
    return clean


def _words(body: dict[str, Any], name: str) -> tuple[str, ...]:
    value = body.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(word, str) and "\0" not in word for word in value):
        raise BadInput(f"The field '{name}' must be a list of texts without NUL characters.")
    return tuple(value)


def _text(body: dict[str, Any], name: str, *, limit: int, default: str | None = None) -> str:
    value = body.get(name, default)
    if not isinstance(value, str) or len(value) > limit or "\0" in value:
        raise BadInput(f"The field '{name}' must be a text of at most {limit} characters.")
    return value


def _number(body: dict[str, Any], name: str, default: int, most: int) -> int:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise BadInput(f"The field '{name}' must be a whole number between 1 and {most}.")
    return value
