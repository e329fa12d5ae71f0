"""Read the settings once: defaults, then `tulou.toml` in the data folder, then `TULOU_*` and `TULOU_*_FILE`."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tulou.kernel.errors import SettingError


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator can choose. The field name is the key in `tulou.toml`; upper-cased after `TULOU_`, the variable."""

    data: Path = Path("tulou-data")
    """The data folder."""
    host: str = "127.0.0.1"
    """The address to listen on. Only this machine can connect unless you change it."""
    port: int = 8000
    """The port to listen on; 0 takes a free one."""
    public_url: str = ""
    """How users reach the hub, e.g. `https://hub.example.org`. Empty: the host each request names."""
    usercontent_url: str = ""
    """Another host that leads here and shows users' HTML, SVG and PDF files, e.g. `https://hub-files.example`.
    Empty: `usercontent.localhost` for a hub on this machine, else such files are only downloaded."""
    database_url: str = ""
    """`sqlite:///path` or `postgresql://…`. Empty: `hub.db` in the data folder."""
    storage_url: str = ""
    """Where packs, xorbs and blobs live. Empty: a folder in the data folder."""
    demo: bool = True
    """Load the demo content on the first start."""
    trusted_proxies: str = ""
    """Addresses whose `X-Forwarded-*` headers are believed, separated by commas. Empty: nobody's."""
    rate_limit_api: int = 5000
    """Requests to the API an account or address may make in 5 minutes; 0 switches the limit off."""
    rate_limit_resolve: int = 50_000
    """File requests an account or address may make in 5 minutes; 0 switches the limit off."""
    workers: int = 0
    """Processes that verify uploads. 0: one for each processor."""
    gc_grace_days: int = 30
    """Unreferenced bytes stay at least this long. Xet clients trust their own caches for 21 days: do not go below 22."""
    default_quota_gb: int = 0
    """Storage an account may use unless it has a quota of its own; 0: no limit."""
    compute: str = "auto"
    """How to run users' programs (jobs, Spaces): `sandbox`, `process` (nothing keeps them apart from this machine: for people you
    trust as yourself), `off`, or `auto`: in a sandbox where this machine allows one, else not at all."""
    compute_memory_mb: int = 0
    """Memory that all runs together may be promised. 0: three quarters of this machine's."""
    apps_url: str = ""
    """Below which host each Space has its own, e.g. `https://apps.example` for `https://<owner>-<name>.apps.example`. Empty:
    `<owner>-<name>.localhost` for a hub on this machine. `path`: below the hub's own address, where less of an app works."""
    python_index_url: str = ""
    """The package index that builds of Spaces and jobs use. Empty: PyPI."""
    python_find_links: str = ""
    """Folders of this machine with wheels that they may use too, separated by commas."""
    egress_allow: str = ""
    """Hosts that runs may reach although their addresses are private, as `host` or `host:port`, separated by commas."""
    space_freeze_minutes: int = 15
    """A Space that nobody visits is frozen after so long: it keeps its memory and wakes in a moment. 0: never."""
    space_sleep_minutes: int = 2880
    """A Space that nobody visits is stopped after so long, unless its owner chose otherwise. 0: never."""
    run_history_days: int = 90
    """Jobs that ended, and what Spaces ran and built before, are deleted with their logs after so long. 0: never."""
    log_level: str = "info"
    """debug, info, warning or error."""

    @property
    def database(self) -> str:
        """The database URL with its default filled in."""
        return self.database_url or f"sqlite:///{self.data.resolve() / 'hub.db'}"


def load(environ: Mapping[str, str] | None = None, *, data: Path | None = None, **overrides: Any) -> Settings:
    """Return the settings. Raises SettingError for an unknown or impossible one, naming it.

    `overrides` are command-line options; None means "not given".
    """
    environ = os.environ if environ is None else environ
    folder = data or Path(environ.get("TULOU_DATA", "tulou-data"))
    known = {field.name: field.type for field in fields(Settings)}
    chosen: dict[str, Any] = {}
    for name, value in _from_file(folder / "tulou.toml").items():
        chosen[_known(name, known, f"{folder / 'tulou.toml'}")] = value
    for variable, value in _from_environ(environ).items():
        chosen[_known(variable.removeprefix("TULOU_").lower(), known, variable)] = value
    chosen.update({name: value for name, value in overrides.items() if value is not None})
    chosen["data"] = folder
    settings = Settings(**{name: _convert(name, str(known[name]), value) for name, value in chosen.items()})
    _check(settings)
    return settings


def _known(name: str, known: Mapping[str, Any], where: str) -> str:
    if name not in known:
        raise SettingError(f"{where}: there is no setting called {name!r}. Known: {', '.join(sorted(known))}.")
    return name


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as cause:
        raise SettingError(f"{path} cannot be read: {cause}") from cause


def _from_environ(environ: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for variable, value in environ.items():
        if not variable.startswith("TULOU_") or variable.startswith("TULOU_TEST_"):
            continue
        if variable.endswith("_FILE"):
            try:
                found[variable.removesuffix("_FILE")] = Path(value).read_text().strip()
            except (OSError, UnicodeDecodeError) as cause:
                raise SettingError(f"{variable}: the file cannot be read: {cause}") from cause
        else:
            found[variable] = value
    return found


_WORDS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def _convert(name: str, kind: str, value: Any) -> Any:
    converted = _converted(kind, value)
    if converted is None:
        raise SettingError(f"The setting {name!r} must be of type {kind}.")
    return converted


def _converted(kind: str, value: Any) -> Any:
    """Return a value of that type, or None if there is no way."""
    if kind == "Path":
        return Path(value)
    if kind == "bool":
        return value if isinstance(value, bool) else _WORDS.get(str(value).lower())
    if kind == "int":
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return int(value) if is_number or (isinstance(value, str) and value.isascii() and value.isdigit()) else None
    return value if isinstance(value, str) else None


def _check(settings: Settings) -> None:
    if not 0 <= settings.port <= 65535:
        raise SettingError("The setting 'port' must be between 0 and 65535.")
    if settings.public_url and (
        urlsplit(settings.public_url).scheme not in {"http", "https"} or settings.public_url.endswith("/")
    ):
        raise SettingError("The setting 'public_url' must begin with http:// or https:// and end without a slash.")
    _check_usercontent(settings)
    _check_apps(settings)
    if settings.gc_grace_days < 22:
        raise SettingError("The setting 'gc_grace_days' must be at least 22: xet clients trust their caches for 21 days.")
    if settings.compute not in {"auto", "sandbox", "process", "off"}:
        raise SettingError("The setting 'compute' must be auto, sandbox, process or off.")
    if settings.log_level not in {"debug", "info", "warning", "error"}:
        raise SettingError("The setting 'log_level' must be debug, info, warning or error.")
    if settings.storage_url:
        scheme = urlsplit(settings.storage_url).scheme
        if scheme not in {"file", "s3"}:
            raise SettingError("The setting 'storage_url' must begin with file:// or s3://.")
        if scheme == "s3":
            raise SettingError(
                "The setting 'storage_url' names S3, which this version lacks. Leave it empty for a folder."
            )


def _check_usercontent(settings: Settings) -> None:
    url = urlsplit(settings.usercontent_url)
    if not settings.usercontent_url:
        return
    if url.scheme not in {"http", "https"} or not url.netloc or url.path:
        raise SettingError("The setting 'usercontent_url' must begin with http:// or https:// and end without a slash.")
    if url.netloc.lower() == urlsplit(settings.public_url).netloc.lower():
        raise SettingError("The setting 'usercontent_url' must name another host than 'public_url': it keeps users' files apart.")


def _check_apps(settings: Settings) -> None:
    if settings.apps_url in {"", "path"}:
        return
    url = urlsplit(settings.apps_url)
    if url.scheme not in {"http", "https"} or not url.hostname or url.path or url.query or url.username:
        raise SettingError("The setting 'apps_url' must be 'path', or begin with http:// or https:// and end without a slash.")
    if url.hostname in {urlsplit(settings.public_url).hostname, urlsplit(settings.usercontent_url).hostname}:
        raise SettingError("The setting 'apps_url' must name another host than 'public_url' and 'usercontent_url'.")
