"""Read `.gitignore` and say which paths an upload should leave out."""

from __future__ import annotations

from dataclasses import dataclass

from tulou.kernel.errors import WireError
from tulou.wire.wildmatch import Glob, compile_glob

MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: what fits is ignored, or with `!` kept."""

    glob: Glob
    keeps: bool
    folders_only: bool


@dataclass(frozen=True, slots=True)
class Ignore:
    """The rules of one file, in its order."""

    rules: tuple[Rule, ...]

    def ignores(self, path: str) -> bool:
        """True when the file, or a folder above it, is ignored: below an ignored folder nothing can be kept again."""
        parts = path.split("/")
        return any(self._says(parts[:depth], is_folder=depth < len(parts)) for depth in range(1, len(parts) + 1))

    def steps(self, depth: int) -> int:
        """Return how many comparisons a path with `depth` parts may take."""
        return depth * sum(rule.glob.steps(depth) for rule in self.rules)

    def _says(self, parts: list[str], *, is_folder: bool) -> bool:
        for rule in reversed(self.rules):
            if (is_folder or not rule.folders_only) and rule.glob.matches(parts):
                return not rule.keeps
        return False


NO_IGNORE = Ignore(())


def parse(text: str) -> Ignore:
    """Read the rules. Raises WireError past 64 KiB."""
    if len(text) > MAX_BYTES:
        raise WireError(".gitignore may have at most 64 KiB.")
    rules = [_rule(line) for line in text.removeprefix("\ufeff").split("\n")]
    return Ignore(tuple(rule for rule in rules if rule is not None))


def _rule(line: str) -> Rule | None:
    line = _strip_end(line.removesuffix("\r"))
    if not line or line.startswith("#"):
        return None
    keeps = line.startswith("!")
    pattern = line.removeprefix("!")
    folders_only = pattern.endswith("/")
    pattern = pattern.removesuffix("/")
    anchored = "/" in pattern
    pattern = pattern.removeprefix("/")
    if not pattern:
        return None
    return Rule(compile_glob(pattern, anywhere=not anchored), keeps, folders_only)


def _strip_end(line: str) -> str:
    """Take trailing spaces away, but not one that a backslash protects."""
    stripped = line.rstrip(" ")
    backslashes = len(stripped) - len(stripped.rstrip("\\"))
    return stripped + " " if backslashes % 2 and len(stripped) < len(line) else stripped
