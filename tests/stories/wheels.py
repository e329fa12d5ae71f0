"""A stand-in for Gradio in a wheel of a kilobyte: stories about Spaces build in a second, without a network."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path

GRADIO = '''
"""Answers every request with what the program may know of its surroundings, or does what the path says."""

import http.server
import json
import os
import pathlib
import sys

answers = {}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.partition("?")[0]
        if path == "/end":
            os._exit(3)
        body = json.dumps(answers[path]() if path in answers else dict(os.environ)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *values):
        print(format % values, flush=True)


def launch():
    place = (os.environ["GRADIO_SERVER_NAME"], int(os.environ["GRADIO_SERVER_PORT"]))
    print("serving", flush=True)
    http.server.ThreadingHTTPServer(place, Handler).serve_forever()
'''


def wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> Path:
    """Write a wheel of plain files."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    whole = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={_digest(text)},{len(text.encode())}\n" for path, text in whole.items())
    target = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w") as archive:
        for path, text in {**whole, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(path, text)
    return target


def shelf(folder: Path) -> Path:
    """Write what Spaces of stories are built with."""
    wheel(folder, "gradio", "99.1", {"gradio/__init__.py": GRADIO})
    wheel(folder, "gradio", "98.0", {"gradio/__init__.py": GRADIO})
    wheel(folder, "spaces", "99.0", {"spaces/__init__.py": ""})
    return folder


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
