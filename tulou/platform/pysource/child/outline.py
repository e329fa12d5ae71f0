"""Print what the packages in a folder contain as JSON: `outline.py FOLDER PACKAGE…`. Nothing is imported or run."""

from __future__ import annotations

import json
import logging
import resource
import sys
from pathlib import Path
from typing import Any

import griffe

SECONDS = 25
MEMORY = 2 << 30
TEXT = 60_000
SHORT = 1_000
OBJECTS = 60_000


class Outline:
    """Collects the objects of packages, and under which other names they are known."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.objects: list[dict[str, Any]] = []
        self.aliases: dict[str, str] = {}

    def add(self, found: griffe.Object) -> None:
        """Add an object and everything in it."""
        waiting = [found]
        while waiting and len(self.objects) < OBJECTS:
            current = waiting.pop()
            self.objects.append(self._row(current))
            if current.is_module or current.is_class:
                for member in current.members.values():
                    if isinstance(member, griffe.Alias):
                        self._alias(member)
                    else:
                        waiting.append(member)

    def _alias(self, alias: griffe.Alias) -> None:
        try:
            self.aliases[alias.path] = alias.final_target.path
        except (griffe.AliasResolutionError, griffe.CyclicAliasError):
            self.aliases[alias.path] = alias.target_path

    def _row(self, found: griffe.Object) -> dict[str, Any]:
        row: dict[str, Any] = {"path": found.path, "kind": found.kind.value}
        if isinstance(found, griffe.Function | griffe.Class):
            row["parameters"] = _parameters(found.parameters)
        if isinstance(found, griffe.Function):
            row["returns"] = _short(found.returns)
        if isinstance(found, griffe.Attribute):
            row["returns"] = _short(found.annotation)
        if isinstance(found, griffe.Class):
            row["bases"] = [_short(base.canonical_path if isinstance(base, griffe.Expr) else base) for base in found.bases]
        if found.docstring is not None:
            row["doc"] = found.docstring.value[:TEXT]
        if isinstance(found.filepath, Path) and found.lineno is not None:
            row["file"] = found.filepath.relative_to(self._root).as_posix()
            row["lines"] = [found.lineno, found.endlineno or found.lineno]
        return row


def _parameters(parameters: griffe.Parameters) -> list[list[str]]:
    """Return the parameters as they are written, with the `*` before those that only have names, without `self`."""
    found: list[list[str]] = []
    for parameter in parameters:
        if parameter.name in {"self", "cls"}:
            continue
        is_first = not any(name.startswith("*") and not name.startswith("**") for name, _, _ in found)
        if parameter.kind is griffe.ParameterKind.keyword_only and is_first:
            found.append(["*", "", ""])
        found.append(_parameter(parameter))
    return found


def _parameter(parameter: griffe.Parameter) -> list[str]:
    stars = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}
    star = stars.get(parameter.kind, "") if parameter.kind is not None else ""
    default = "" if star or parameter.default is None else _short(parameter.default)
    return [star + parameter.name, _short(parameter.annotation), default]


def _short(expression: object) -> str:
    text = "" if expression is None else str(expression)
    return text if len(text) <= SHORT else text[:SHORT] + "…"


def main(folder: str, packages: list[str]) -> None:
    """Read each package; one that cannot be read is named, and does not stop the others."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    logging.disable(logging.CRITICAL)
    root = Path(folder)
    outline, failed = Outline(root), []
    for package in packages:
        try:
            loader = griffe.GriffeLoader(search_paths=[(root / package).parent], allow_inspection=False)
            found = loader.load((root / package).name, try_relative_path=False)
            loader.resolve_aliases(implicit=False, external=False)
        except (griffe.GriffeError, ImportError, SyntaxError, RecursionError, ValueError, LookupError) as problem:
            failed.append([package, type(problem).__name__])
            continue
        if isinstance(found, griffe.Object):
            outline.add(found)
    json.dump({"objects": outline.objects, "aliases": outline.aliases, "failed": failed}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
