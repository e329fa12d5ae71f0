"""`python -m bench.apps_hub UPSTREAM PORT FOLDER`: a whole hub whose one Space is answered by a port of this machine."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from tests.apps_world import furnished
from tulou.cli.server import serve

HOST = "alice-open.localhost"


def main() -> None:
    upstream, port, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    # Served again as `tulou up` does: with uvloop, in the main thread.
    with furnished(folder, upstream) as world, socket.create_server(("127.0.0.1", port), backlog=2048) as listener:
        serve(world.hub.hub.asgi, listener, world.hub.hub.log, lambda: None)


if __name__ == "__main__":
    main()
