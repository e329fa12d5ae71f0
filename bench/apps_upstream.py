"""An application of no weight: raw ASGI, a small answer, a large one, and a count of what was sent to it."""

from __future__ import annotations

from typing import Any

SMALL = b'{"model_type": "bert"}' * 30
_BLOCK = bytes(1 << 18)
LARGE = 400 * len(_BLOCK)


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer one request."""
    if scope["type"] != "http":
        return
    if scope["path"] == "/large":
        headers = [(b"content-length", str(LARGE).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(LARGE // len(_BLOCK)):
            await send({"type": "http.response.body", "body": _BLOCK, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    more, count = True, 0
    while more:
        message = await receive()
        count += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = str(count).encode() if scope["method"] == "POST" else SMALL
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
