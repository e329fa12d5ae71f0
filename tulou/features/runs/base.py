"""What a run gets with this machine's own image: an environment with python, pip and uv, and where packages are."""

from __future__ import annotations

import hashlib
import platform
import shutil
import sys
import zipfile
from pathlib import Path

import uv

from tulou.features.runs.model import OrderMount
from tulou.features.runs.sources import env_folder
from tulou.fsio import atomic
from tulou.kernel.address import is_loopback
from tulou.platform.compute.base import StartFailed
from tulou.platform.machinery import Machinery

TARGET = "/env"
CACHE = f"{TARGET}/.cache"
"""On the disk, while /tmp and the home folder are memory; and where uv can link instead of copy."""
PATH = f"{TARGET}/bin:/usr/local/bin:/usr/bin:/bin"
_LAYOUT = 1
"""Grows when an environment would be made otherwise."""
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_PIP_PLACES = (Path("ensurepip/_bundled"), Path("/usr/share/python-wheels"))
"""Below the standard library, and where Debian keeps it instead."""


def mounts(m: Machinery) -> tuple[OrderMount, ...]:
    """Return what a run on this machine's image mounts: the environment, writable until it ends, and the operator's wheels."""
    wheels = (OrderMount(f"wheels:{number}", str(path)) for number, path in enumerate(wheel_folders(m)))
    return (OrderMount("base:", TARGET, "overlay"), *wheels)


def environment(m: Machinery) -> dict[str, str]:
    """Return the variables of such a run: where its programs are, and where pip and uv find packages."""
    env = {
        "PATH": PATH, "VIRTUAL_ENV": TARGET, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1",
        "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "UV_CACHE_DIR": f"{CACHE}/uv",
        # Everything goes through one gateway on a machine that does other things too: few at a time, and patience.
        "UV_CONCURRENT_DOWNLOADS": "8", "UV_HTTP_CONNECT_TIMEOUT": "60", "UV_HTTP_RETRIES": "5",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_CACHE_DIR": "1", "PIP_PROGRESS_BAR": "off",
    }  # fmt: skip
    return env | index_environment(m)


def endpoint(m: Machinery) -> str:
    """Return the URL at which a run reaches this hub: the public one, unless that only works on the hub's own machine."""
    url = m.settings.public_url
    return m.compute.loopback if not url or is_loopback(url) else url


def index_environment(m: Machinery) -> dict[str, str]:
    """Return the variables that tell pip and uv where packages are, and whom to trust."""
    env: dict[str, str] = {}
    if m.settings.python_index_url:
        env |= {"PIP_INDEX_URL": m.settings.python_index_url, "UV_DEFAULT_INDEX": m.settings.python_index_url}
    folders = [str(path) for path in wheel_folders(m)]
    if folders:
        env |= {"PIP_FIND_LINKS": " ".join(folders), "UV_FIND_LINKS": ",".join(folders)}
    if _CERTIFICATES.exists():
        # pip and uv bring certificates of their own, which do not know an operator's authority.
        env |= dict.fromkeys(("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"), str(_CERTIFICATES))
    return env


def wheel_folders(m: Machinery) -> list[Path]:
    """Return the folders with wheels that the operator named and that exist."""
    named = (part.strip() for part in m.settings.python_find_links.split(","))
    return [path for path in (Path(part) for part in named if part) if path.is_absolute() and path.is_dir()]


def find_base(m: Machinery, _rest: str) -> Path:
    """Find `base:`, making it if this machine has none for its Python yet."""
    return make(m)


def find_wheels(m: Machinery, rest: str) -> Path:
    """Find `wheels:<number>`. Raises StartFailed."""
    folders = wheel_folders(m)
    if not rest.isdigit() or int(rest) >= len(folders):
        raise StartFailed("a folder with wheels that it needs is gone")
    return folders[int(rest)]


RESOLVERS = {"base": find_base, "wheels": find_wheels}


def make(m: Machinery) -> Path:
    """Return the environment with python, pip and uv, made at first use.

    It is laid out by hand, as `python -m venv` would at TARGET: that takes no process and no network. It is a cache: two that
    make it at once make the same, and after a crash it is made again.
    """
    target = env_folder(m, f"base-{platform.python_version()}-{_fingerprint()}")
    if not target.is_dir():
        with atomic.scratch(m.work, "base") as scratch:
            _lay_out(scratch / "env")
            atomic.publish_cached_tree(scratch / "env", target)
    return target


def interpreter() -> Path:
    """Return the Python that the hub itself runs with, outside of any environment."""
    return Path(getattr(sys, "_base_executable", sys.executable)).resolve()


def _fingerprint() -> str:
    pip = _pip_wheel()
    facts = f"{_LAYOUT} {interpreter()} {Path(uv.find_uv_bin()).stat().st_size} {pip.name if pip else ''}"
    return hashlib.sha256(facts.encode()).hexdigest()[:12]


def _lay_out(folder: Path) -> None:
    minor = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "lib" / minor / "site-packages"
    for made in (folder / "bin", packages):
        made.mkdir(parents=True)
    (folder / "lib64").symlink_to("lib")
    (folder / "bin" / "python").symlink_to(interpreter())
    for name in ("python3", minor):
        (folder / "bin" / name).symlink_to("python")
    (folder / "pyvenv.cfg").write_text(
        f"home = {interpreter().parent}\ninclude-system-site-packages = false\nversion = {platform.python_version()}\n"
    )
    shutil.copyfile(uv.find_uv_bin(), folder / "bin" / "uv")
    (folder / "bin" / "uvx").write_text('#!/bin/sh\nexec uv tool run "$@"\n')
    _add_pip(folder, packages)
    _open(folder)


def _add_pip(folder: Path, packages: Path) -> None:
    """Unpack the pip that comes with this Python; where its maker left it out, uv stands in."""
    wheel = _pip_wheel()
    if wheel is None:
        script = '#!/bin/sh\nexec uv pip "$@"\n'
    else:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(packages)
        script = '#!/bin/sh\nexec "$(dirname "$0")/python" -m pip "$@"\n'
    for name in ("pip", "pip3"):
        (folder / "bin" / name).write_text(script)


def _pip_wheel() -> Path | None:
    library = Path(shutil.__file__).parent
    found = [wheel for place in _PIP_PLACES for wheel in (library / place).glob("pip-*.whl")]
    return max(found, default=None)


def _open(folder: Path) -> None:
    """Let every user read it: a run has a user of its own."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent == folder / "bin" else 0o644)
