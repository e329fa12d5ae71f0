"""Try whether bubblewrap can make a sandbox for the user of a run, as a root hub's runs would."""

from __future__ import annotations

import os
import sys

from tulou.platform.compute.local.child import stage
from tulou.platform.compute.local.child.namespaces import become


def main() -> None:
    """Become bubblewrap: the first argument is its program, the second the user, the others are its own."""
    program, uid, *arguments = sys.argv[1:]
    place, _ = stage.with_program(int(uid), program, [])
    become(int(uid))
    os.execve(place, ["bwrap", *arguments], {})  # noqa: S606 - bubblewrap, with fixed arguments
