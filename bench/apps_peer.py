"""`python apps_peer.py UPSTREAM PORT`: the proxy that fastapi-proxy-lib makes, in its own environment."""

from __future__ import annotations

import sys

import uvicorn
from fastapi_proxy_lib.fastapi.app import reverse_http_app


def main() -> None:
    app = reverse_http_app(base_url=f"http://127.0.0.1:{sys.argv[1]}/")
    uvicorn.run(app, port=int(sys.argv[2]), log_level="error", access_log=False, loop="uvloop", http="httptools")


if __name__ == "__main__":
    main()
