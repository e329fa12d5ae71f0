"""The outline of Python packages: their classes, functions and attributes, and how a name in a text finds one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from tulou.kernel.errors import WireError

_BASES = 12
_SAME_NAME = 200
"""More objects of one name than this are told apart by their full path only."""


@dataclass(frozen=True, slots=True)
class Object:
    """A class, function, attribute or module. `lines` are the first and last, in a file below the folder of packages."""

    path: str
    kind: str
    parameters: tuple[tuple[str, str, str], ...] = ()
    returns: str = ""
    doc: str = ""
    bases: tuple[str, ...] = ()
    file: str | None = None
    lines: tuple[int, int] = (0, 0)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Outline:
    """Every object by its full path, other paths under which objects are known, members by their class."""

    packages: tuple[str, ...]
    objects: dict[str, Object]
    aliases: dict[str, str]
    members: dict[str, tuple[str, ...]]
    failed: tuple[str, ...]
    """Packages that could not be read."""
    by_name: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def find(self, path: str) -> Object | None:
        """Return what a text means by a path: the full one, one within a package, or the end of one."""
        for candidate in (path, *(f"{package}.{path}" for package in self.packages)):
            found = self._exact(candidate)
            if found is not None:
                return found
        return self._by_parts(path)

    def public_members(self, found: Object) -> list[str]:
        """Return the names of the methods of a class that are meant for everybody, in the order of its source."""
        names = (name for name in self.members.get(found.path, ()) if not name.startswith("_"))
        return [name for name in names if (child := self.objects.get(f"{found.path}.{name}")) and child.kind == "function"]

    def member(self, found: Object, name: str) -> Object | None:
        """Return a member of a class, of its own or inherited from a class of these packages."""
        waiting, seen = [found.path], 0
        while waiting and seen < _BASES:
            path, seen = waiting.pop(0), seen + 1
            child = self._exact(f"{path}.{name}")
            if child is not None:
                return child
            current = self._exact(path)
            waiting += current.bases if current else ()
        return None

    def _exact(self, path: str) -> Object | None:
        for _ in range(_BASES):
            found = self.objects.get(path)
            if found is not None:
                return found
            target = self.aliases.get(path) or self._through_parent(path)
            if target is None:
                return None
            path = target
        return None

    def _through_parent(self, path: str) -> str | None:
        """Return the path of an object in something that has another name, or that it is inherited through."""
        parent, _, name = path.rpartition(".")
        target = self.aliases.get(parent)
        if target is not None:
            return f"{target}.{name}"
        owner = self.objects.get(parent)
        return next((f"{base}.{name}" for base in owner.bases if base in self.objects), None) if owner else None

    def _by_parts(self, path: str) -> Object | None:
        """Find an object whose path has all parts in order: `csv.Csv` may be `csv.csv.Csv`."""
        parts = path.split(".")
        same = self.by_name.get(parts[-1], ())
        fits = [known for known in same[:_SAME_NAME] if _has_in_order(known.split("."), parts)]
        return self.objects[min(fits, key=lambda known: (known.count("."), known))] if fits and len(parts) > 1 else None


def _has_in_order(path: list[str], parts: list[str]) -> bool:
    rest = iter(path)
    return all(part in rest for part in parts)


def parse(content: bytes) -> Outline:
    """Read what the program that reads Python printed. Raises WireError."""
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as cause:
        raise WireError("The outline of the packages is not whole.") from cause
    objects = {row["path"]: _object(row) for row in value["objects"]}
    members: dict[str, list[str]] = {}
    by_name: dict[str, list[str]] = {}
    for found in sorted(objects.values(), key=lambda o: (o.file or "", o.lines)):
        parent, _, name = found.path.rpartition(".")
        members.setdefault(parent, []).append(name)
        by_name.setdefault(name, []).append(found.path)
    return Outline(
        packages=tuple(sorted({path.partition(".")[0] for path in objects})),
        objects=objects,
        aliases={str(alias): str(target) for alias, target in value["aliases"].items()},
        members={path: tuple(names) for path, names in members.items()},
        failed=tuple(str(package) for package, _why in value["failed"]),
        by_name={name: tuple(paths) for name, paths in by_name.items()},
    )


def _object(row: dict[str, Any]) -> Object:
    first, last = row.get("lines", (0, 0))
    return Object(
        path=row["path"],
        kind=row["kind"],
        parameters=tuple((name, annotation, default) for name, annotation, default in row.get("parameters", ())),
        returns=row.get("returns", ""),
        doc=row.get("doc", ""),
        bases=tuple(row.get("bases", ())),
        file=row.get("file"),
        lines=(first, last),
    )
