"""Short ways for tests to commit files by the API."""

from __future__ import annotations

import base64
import json
import struct

import httpx


def commit(
    client: httpx.Client, full: str, files: dict[str, bytes | str], *, kind: str = "models", revision: str = "main"
) -> str:
    """Commit small files and return the id of the commit."""
    lines = [{"key": "header", "value": {"summary": "test", "description": ""}}]
    for path, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        lines.append({"key": "file", "value": {"path": path, "content": base64.b64encode(data).decode(), "encoding": "base64"}})
    answer = client.post(f"/api/{kind}/{full}/commit/{revision}", content=b"\n".join(json.dumps(line).encode() for line in lines))
    assert answer.status_code == 200, answer.text
    return answer.json()["commitOid"]


def safetensors(tensors: dict[str, tuple[str, list[int]]], bits: int = 32) -> bytes:
    """Return a safetensors file of zeros with tensors of (type, shape)."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, (dtype, shape) in tensors.items():
        count = 1
        for side in shape:
            count *= side
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + count * bits // 8]}
        at += count * bits // 8
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(at)
