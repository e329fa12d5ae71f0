"""How to point each tool at this hub, and the commands of whoever runs it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.delivery.pages import render
from tulou.delivery.pages.assets import WEB

COMMANDS = WEB / "commands.json"
"""Written by tools/make_reference.py from the command line itself."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that talks to this hub: what to type for it, and what is worth knowing."""

    id: str
    name: str
    code: str
    note: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the operator, as `--help` explains it."""

    name: str
    help: str


# `BASE` and `NAME` stand for the address of this hub and for the reader's account.
_TOOLS = (
    Tool(
        "hf",
        "hf",
        """\
export HF_ENDPOINT=BASE
hf auth login
hf upload NAME/my-model ./folder
hf download NAME/my-model""",
        "Sign in in the browser when it asks, or paste an access token. Large files go in chunks that are stored once.",
    ),
    Tool(
        "python",
        "huggingface_hub (Python)",
        """\
import os
os.environ["HF_ENDPOINT"] = "BASE"
from huggingface_hub import HfApi

api = HfApi()
api.create_repo("NAME/my-model", exist_ok=True)
api.upload_folder(repo_id="NAME/my-model", folder_path="folder")""",
        "The variable is read once, when the library is imported.",
    ),
    Tool(
        "transformers",
        "transformers",
        """\
# export HF_ENDPOINT=BASE
from transformers import AutoModel, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("NAME/my-model")
model = AutoModel.from_pretrained("NAME/my-model")
model.push_to_hub("NAME/my-model")""",
        "diffusers, peft, sentence-transformers and timm work the same way.",
    ),
    Tool(
        "datasets",
        "datasets",
        """\
# export HF_ENDPOINT=BASE
from datasets import load_dataset

rows = load_dataset("NAME/my-data", split="train")
rows.push_to_hub("NAME/my-data-2")""",
        "Streaming works too: load_dataset(…, streaming=True).",
    ),
    Tool(
        "git",
        "git",
        """\
git clone BASE/NAME/my-model
git clone BASE/datasets/NAME/my-data""",
        "The user name is yours, the password is an access token.",
    ),
    Tool(
        "git-lfs",
        "git-lfs",
        """\
git lfs install
git clone BASE/NAME/my-model
cd my-model
hf lfs-enable-largefiles .  # for files over 5 GB""",
        "Files over 10 MB have to go through git-lfs. New repositories track the usual kinds already.",
    ),
    Tool(
        "javascript",
        "@huggingface/hub (JavaScript)",
        """\
import { uploadFile } from "@huggingface/hub";

await uploadFile({
  hubUrl: "BASE",
  accessToken: process.env.HF_TOKEN,
  repo: "NAME/my-model",
  file: { path: "hello.txt", content: new Blob(["hello"]) },
});""",
        "Every function of the library takes hubUrl.",
    ),
    Tool(
        "curl",
        "curl",
        """\
curl -L -H "Authorization: Bearer $HF_TOKEN" \\
  BASE/NAME/my-model/resolve/main/config.json""",
        "Public files need no token.",
    ),
)


def tools(base: str, name: str) -> list[Tool]:
    """Return every tool with what to type, for one hub and one account."""
    return [replace(tool, code=tool.code.replace("BASE", base).replace("NAME", name)) for tool in _TOOLS]


async def show(call: Call) -> ASGIApp:
    """Say how to point each tool here."""
    return render.page(call, "connect.html", tools=tools(call.base, call.actor.name or "NAME"))


async def show_commands(call: Call) -> ASGIApp:
    """List the commands of whoever runs this hub."""
    return render.page(call, "commands.html", commands=commands())


@cache
def commands() -> list[Command]:
    """Return every command, the list of all of them first."""
    return [Command(item["name"], item["help"]) for item in json.loads(COMMANDS.read_text(encoding="utf-8"))]


ROUTES = [
    Route(("GET", "HEAD"), "/connect", show, Access.PUBLIC, Login.COOKIE, Budget.PAGES),
    Route(("GET", "HEAD"), "/cli", show_commands, Access.PUBLIC, Login.COOKIE, Budget.PAGES),
]
