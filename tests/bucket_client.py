"""A bucket as a program without the client's library meets it: Xet uploads by raw HTTP, and batches."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests import xet_data as xd
from tests.conftest import RunningHub


def small(seed: int) -> xd.WholeFile:
    """Return a file of two short chunks, another one for each seed."""
    return xd.WholeFile(xd.xorb(count=2, size=3_000, seed=seed))


def add(path: str, file: xd.WholeFile | str, **more: Any) -> dict[str, Any]:
    """Return the operation that adds an uploaded file."""
    name = file if isinstance(file, str) else file.name
    return {"type": "addFile", "path": path, "xetHash": name, "mtime": 1_700_000_000_000} | more


def copy(path: str, file: xd.WholeFile | str, source: str, kind: object = "bucket") -> dict[str, Any]:
    """Return the operation that copies a file from elsewhere."""
    return add(path, file) | {"type": "copyFile", "sourceRepoType": kind, "sourceRepoId": source}


def delete(path: str) -> dict[str, Any]:
    """Return the operation that removes a file."""
    return {"type": "deleteFile", "path": path}


class BucketClient:
    """Somebody with a token, and one bucket. It is made unless it is there."""

    def __init__(self, hub: RunningHub, token: str | None, full: str, *, private: bool = False) -> None:
        self.hub, self.full = hub, full
        self.http = hub.http(token)
        self.api = f"/api/buckets/{full}"
        self.http.post(self.api, json={"private": private})

    def cas(self, scope: str = "write") -> httpx.Client:
        """Return a client of the Xet service."""
        answer = self.http.get(f"{self.api}/xet-{scope}-token")
        return self.hub.http(answer.json().get("accessToken", "none"))

    def send(self, *files: xd.WholeFile) -> None:
        """Upload content, without putting it anywhere."""
        cas = self.cas()
        for file in files:
            assert cas.post(f"/v1/xorbs/default/{file.made.name}", content=file.made.body).status_code == 200
            answer = cas.post("/v1/shards", content=file.shard())
            assert answer.status_code == 200, answer.text

    def batch(self, *operations: dict[str, Any]) -> httpx.Response:
        """Change files."""
        return self.http.post(f"{self.api}/batch", content="\n".join(map(json.dumps, operations)))

    def put(self, **files: xd.WholeFile) -> None:
        """Upload files and put them at paths (`a__b` is the path a/b)."""
        self.send(*{file.name: file for file in files.values()}.values())
        answer = self.batch(*(add(path.replace("__", "/"), file) for path, file in files.items()))
        assert answer.status_code == 200, answer.text
        assert answer.json()["failed"] == []

    def paths(self, prefix: str = "", **query: str) -> list[str]:
        """Return what one listing says, folders with a slash at the end, following pages."""
        url: str | None = f"{self.api}/tree" + (f"/{prefix}" if prefix else "")
        found: list[str] = []
        while url is not None:
            answer = self.http.get(url, params=query if url.startswith("/") else None)
            assert answer.status_code == 200, answer.text
            found += [entry["path"] + ("/" if entry["type"] == "directory" else "") for entry in answer.json()]
            url = answer.links["next"]["url"] if "next" in answer.links else None
        return found

    def info(self) -> dict[str, Any]:
        """Return what the hub says of the bucket."""
        answer = self.http.get(self.api)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Download a file."""
        return self.http.get(f"/buckets/{self.full}/resolve/{path}", headers=headers)
