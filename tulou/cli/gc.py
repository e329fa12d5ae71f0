"""`tulou gc`: delete stored bytes that nothing refers to any more, once their grace period is over."""

from __future__ import annotations

import argparse
import sys

from tulou.cli import options
from tulou.features.content import collect
from tulou.features.content.tasks import COLLECT
from tulou.fsio import lockfile
from tulou.kernel.errors import SettingError
from tulou.platform.jobs import queue


def configure(parser: argparse.ArgumentParser) -> None:
    """Say which options there are."""
    options.add_data(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do one collection, as the hub does by itself four times a day. What is young or in use is never touched."""
    with options.machinery(arguments) as m:
        try:
            lock = lockfile.FolderLock(m.settings.data.resolve() / "lock")
        except SettingError:
            # Only the hub itself knows which uploads are under way, so it has to do it.
            with m.db.write() as tx:
                queue.put(tx, m.clock, COLLECT, {}, key="now")
            print("A hub is running on this folder: it collects now.", file=sys.stderr)
            return 0
        try:
            done = collect.run(m)
        finally:
            lock.release()
    row = {"condemned": done.condemned, "spared": done.spared, "deleted": done.deleted, "freed_bytes": done.freed_bytes}
    options.show([row], as_json=arguments.json)
    return 0
