"""Named points where a test may stop the world between two durable steps, or make the disk fail."""

from __future__ import annotations

from collections.abc import Callable

Hook = Callable[[str], None]
_hook: Hook | None = None


def install(hook: Hook | None) -> None:
    """Call `hook(name)` at every crash point from now on; None switches it off. For tests only."""
    global _hook  # noqa: PLW0603 - the one seam through which the crash tests reach every write path
    _hook = hook


def point(name: str) -> None:
    """Mark a moment between two durable steps. Does nothing outside crash tests."""
    if _hook is not None:
        _hook(name)


def io(operation: str) -> None:
    """Mark the moment before a system call of that kind: write, fsync, rename, mkdir, open, link. A test may raise OSError."""
    if _hook is not None:
        _hook(f"io.{operation}")
