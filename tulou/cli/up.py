"""`tulou up`: run the hub in the foreground; on the first start make its administrator and the demo content."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tulou.cli import options
from tulou.settings import Settings


def configure(parser: argparse.ArgumentParser) -> None:
    """Say which options there are."""
    options.add_data(parser)
    parser.add_argument("--host", help="the address to listen on (default 127.0.0.1: only this machine)")
    parser.add_argument("--port", type=int, help="the port to listen on; 0 takes a free one (default 8000)")
    parser.add_argument("--no-demo", action="store_true", help="do not load the demo content on the first start")


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    demo = False if arguments.no_demo else None
    settings = options.settings_from(arguments, host=arguments.host, port=arguments.port, demo=demo)
    return _serve(settings)


def _serve(settings: Settings) -> int:
    from tulou.app import build  # noqa: PLC0415 - a wrong setting should be told before a second of loading
    from tulou.cli import first, server  # noqa: PLC0415
    from tulou.fsio import atomic, folder, lockfile  # noqa: PLC0415

    data = folder.prepare(settings.data)
    lock = lockfile.FolderLock(data / "lock")
    try:
        listener = server.listen(settings)
        loopback = _url(settings.host, listener.getsockname()[1])
        url = settings.public_url or loopback
        _sweep(data / "work")
        hub = build(settings)
        hub.m.xet.loopback = hub.m.compute.loopback = loopback
        lock.note(url)
        try:
            first.start(hub.m, url)
            hub.start()
            server.serve(hub.asgi, listener, hub.log, lambda: _say(f"tulou is ready at {url}"))
        finally:
            hub.stop()
            atomic.remove_tree(hub.m.work)
    finally:
        lock.release()
    return 0


def _sweep(work: Path) -> None:
    """Delete what processes that are gone left behind; a `tulou seed` beside us keeps its folder."""
    from tulou.fsio import atomic  # noqa: PLC0415 - see above

    for folder in work.glob("*-*"):
        pid = folder.name.partition("-")[0]
        if pid.isdecimal() and not Path(f"/proc/{pid}").exists():
            atomic.remove_tree(folder)


def _url(host: str, port: int) -> str:
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
