"""`tulou image`: bring root file systems into the hub for jobs and Spaces, list and remove them."""

from __future__ import annotations

import argparse
from pathlib import Path

from tulou.cli import options
from tulou.features.runs import images, import_image
from tulou.platform.machinery import Machinery


def configure(parser: argparse.ArgumentParser) -> None:
    """Say which options there are."""
    commands = parser.add_subparsers(dest="what", required=True)
    add = commands.add_parser("import", help="unpack a root file system, as `docker export` writes one")
    add.add_argument("name", help="what jobs and Dockerfiles call it, such as ubuntu:24.04")
    add.add_argument("source", type=Path, metavar="FILE.tar|FOLDER")
    listing = commands.add_parser("list", help="list the images")
    remove = commands.add_parser("rm", help="remove one")
    remove.add_argument("name")
    options.add_json(listing)
    for command in (add, listing, remove):
        options.add_data(command)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    with options.machinery(arguments) as m:
        _COMMANDS[arguments.what](m, arguments)
    return 0


def _import(m: Machinery, arguments: argparse.Namespace) -> None:
    done = import_image.add(m, arguments.name, arguments.source)
    print(f"Imported {done.name}: {done.files} files, {done.bytes / 2**20:.0f} MiB.")
    if done.left_out:
        print(f"{done.left_out} entries were left out: devices, what lies below /dev, /proc and /sys, and paths that lead out.")


def _list(m: Machinery, arguments: argparse.Namespace) -> None:
    options.show([{"name": name} for name in images.names(m)], as_json=arguments.json)


def _remove(m: Machinery, arguments: argparse.Namespace) -> None:
    import_image.remove(m, arguments.name)
    print("Removed.")


_COMMANDS = {"import": _import, "list": _list, "rm": _remove}
