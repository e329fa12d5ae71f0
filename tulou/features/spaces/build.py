"""Order the two runs of a build: one that finds out which packages are needed, and one that installs exactly those.

Neither is given a secret. Both reach the package index, nothing private, and write to a folder of their own; what they leave
there is as untrusted as the repository. An environment is mounted read-only wherever it is used.
"""

from __future__ import annotations

import os
from pathlib import Path

from tulou.features.repos.model import Repo
from tulou.features.runs import base, sources
from tulou.features.runs.model import HOST_IMAGE, Order, OrderMount
from tulou.features.spaces import docker, packages
from tulou.features.spaces.model import Plan, Script
from tulou.fsio import atomic
from tulou.kernel.limits import BUILD_MEMORY_MB, BUILD_SECONDS
from tulou.platform.machinery import Machinery

LOCK = "/build/requirements.lock"
_LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
SOURCE = "/app"
"""Where the application will find itself: what is installed in place (`-e .`) names it."""
OUT = "/out"
BASE = "/base"

# The arguments come after `--`, so that nothing of the repository is read as an option or a line of shell.
_LOCK_SCRIPT = """
set -eu
cd "$SOURCE"
while [ "$1" != -- ]; do echo "note: $1"; shift; done; shift
: > "$OUT/packages.in"
while [ "$1" != -- ]; do echo "$1" >> "$OUT/packages.in"; shift; done; shift
echo "===== Finding the packages of $SPACE_COMMIT"
"$UV" pip compile --quiet --generate-hashes --emit-index-url --emit-find-links --no-header --no-annotate \
    --python "$PYTHON" --output-file "$OUT/lock" "$OUT/packages.in" "$@"
echo "===== $(grep -c '^[a-zA-Z0-9]' "$OUT/lock" || true) packages"
rm -rf "$OUT/cache"
"""
_INSTALL_SCRIPT = """
set -eu
cd "$SOURCE"
echo "===== Installing"
"$UV" venv --quiet --relocatable --python "$PYTHON" "$OUT/env"
"$UV" pip install --no-deps --compile-bytecode --python "$OUT/env/bin/python" --requirement "$LOCK"
chmod -R a+rX,go-w "$OUT/env"
rm -rf "$OUT/cache"
echo "===== Installed"
"""

_IMAGE_SCRIPT = """
set -eu
while [ "$1" != -- ]; do echo "note: $1"; shift; done; shift
if [ -n "$BASE" ]; then cp -RP "$BASE/." /env/; elif command -v python3 > /dev/null; then python3 -m venv /env; fi
mkdir -p "$HOME"
STEPS
chmod -R a+rX,go-w "$@"
echo "===== Built"
"""


def lock_order(m: Machinery, repo: Repo, plan: Plan, variables: dict[str, str]) -> Order:
    """Order the run that turns requirements into a lock at `lock` in its results."""
    argv = ("/bin/sh", "-c", _LOCK_SCRIPT, "build", *plan.notes, "--", *plan.packages, "--", *plan.requirements)
    return _order(m, repo, plan, argv, variables)


def install_order(m: Machinery, repo: Repo, plan: Plan, env: str, *, with_source: bool) -> Order:
    """Order the run that installs a lock into `env` in its results. It sees the repository only if the lock refers to it."""
    argv = ("/bin/sh", "-c", _INSTALL_SCRIPT, "build")
    return _order(m, repo, plan, argv, {}, (OrderMount(f"lock:{env}", LOCK),), with_source=with_source)


def _order(
    m: Machinery, repo: Repo, plan: Plan, argv: tuple[str, ...], variables: dict[str, str],
    more: tuple[OrderMount, ...] = (), *, with_source: bool = True,
) -> Order:  # fmt: skip
    source = (OrderMount(f"repo:{repo.id}@{plan.commit}", SOURCE, "overlay"),) if with_source else ()
    ours = {
        "UV": f"{base.TARGET}/bin/uv",
        "UV_CACHE_DIR": f"{OUT}/cache",
        "UV_LINK_MODE": "copy",
        "UV_NO_CONFIG": "1",
        "UV_HTTP_TIMEOUT": "120",
        "PYTHON": packages.python(plan.image),
        "SOURCE": SOURCE if with_source else OUT,
        "LOCK": LOCK,
        "OUT": OUT,
        "SPACE_COMMIT": plan.commit[:7],
        "SYSTEM": "spaces",
    }
    return Order(
        argv=argv,
        image=plan.image,
        mounts=(*source, OrderMount("out:", OUT, "rw"), *base.mounts(m), *more),
        env={**base.environment(m), **variables, **ours},
        cwd=OUT,
        cpus=2.0,
        memory_mb=BUILD_MEMORY_MB,
        tmp_mb=BUILD_MEMORY_MB // 4,
        network="egress",
        timeout_s=BUILD_SECONDS,
    )


def image_order(m: Machinery, repo: Repo, plan: Plan, script: Script, layers: str, variables: dict[str, str]) -> Order:
    """Order the run that does the steps of a Dockerfile. What they write to `/env` and to its folders is kept in `layers`."""
    rooms = tuple(OrderMount(f"layer:{layers}/{packages.ROOMS}/{room}", f"/{room}", "rw") for room in script.rooms)
    kept = (OrderMount(f"layer:{layers}/{packages.ENV}", base.TARGET, "rw"), *rooms)
    wheels = tuple(mount for mount in base.mounts(m) if mount.target != base.TARGET)
    source = OrderMount(f"repo:{repo.id}@{plan.commit}", docker.SOURCE)
    text = _IMAGE_SCRIPT.replace("STEPS", script.steps)
    folders = tuple(mount.target for mount in kept)
    return Order(
        argv=("/bin/sh", "-c", text, "build", *plan.notes, "--", *folders),
        image=plan.image,
        mounts=(source, OrderMount("base:", BASE), *wheels, *kept),
        env={**base.environment(m), **variables, "BASE": BASE if plan.image == HOST_IMAGE else "", "SYSTEM": "spaces"},
        cwd=base.TARGET,
        cpus=2.0,
        memory_mb=BUILD_MEMORY_MB,
        tmp_mb=BUILD_MEMORY_MB // 4,
        network="egress",
        timeout_s=BUILD_SECONDS,
    )


def read_lock(m: Machinery, run_id: str) -> str | None:
    """Return the lock that a run left; None when there is none, or one that cannot be a lock."""
    # The folder was the run's to fill: what lies there may be a link to anything, or a pipe that never ends.
    path = sources.out_folder(m, run_id) / "lock"
    try:
        with os.fdopen(os.open(path, _LOOK), "rb") as file:
            content = file.read(packages.LOCK_BYTES + 1)
        return content.decode() if len(content) <= packages.LOCK_BYTES else None
    except (OSError, UnicodeDecodeError):
        return None


def publish(m: Machinery, source: Path, env: str) -> bool:
    """Put the environment that a run left in its place. False: it left none.

    Write order: 1 renamed into the cache   2 (the caller) the row that names it. Crash after 1: an environment without a row,
    swept later, or found by the same build when it runs again.
    """
    target = sources.env_folder(m, env)
    if target.is_dir():
        return True
    if source.is_symlink() or not source.is_dir():
        return False
    atomic.publish_cached_tree(source, target)
    return True
