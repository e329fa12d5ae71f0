"""A hub that people have lived in for a while: personas, an organization, repositories of every kind, long names, many files."""

from __future__ import annotations

import hashlib

from tests import docs_tree
from tests.browser import content
from tests.bucket_client import BucketClient, small
from tests.conftest import RunningHub
from tulou.features.accounts import lookup, passwords
from tulou.features.content import commit, downloads
from tulou.features.repos import lookup as repos
from tulou.features.repos.model import Repo
from tulou.kernel.actor import SYSTEM
from tulou.kernel.ids import Sha256
from tulou.kernel.names import RepoKind, parse_repo_id
from tulou.wire.hf_commit import DeletedFile, File, Header, LargeFile

PASSWORD = "under one round roof 88"
FAMILIES = ("clay", "fir", "lamp", "river", "stone", "tea")
TASKS = ("text-classification", "text-generation", "image-classification", "automatic-speech-recognition")


class World:
    """The hub, and short ways to add to it."""

    def __init__(self, hub: RunningHub) -> None:
        self.hub = hub
        self.tokens: dict[str, str] = {}

    def user(self, name: str, *, admin: bool = False) -> None:
        """Make a user with a password."""
        self.tokens[name] = self.hub.user(name, admin=admin)
        account = lookup.user(self.hub.m, name)
        with self.hub.m.db.write() as tx:
            passwords.put(tx, self.hub.m, account.id, passwords.hashed(PASSWORD, name))

    def repo(self, full: str, kind: str = "model", *, private: bool = False, sdk: str | None = None,
             files: dict[str, str | bytes] | None = None, message: str = "Add the first files") -> Repo:  # fmt: skip
        """Make a repository with files."""
        self.hub.repo(full, kind, private=private, sdk=sdk)
        if files:
            self.write(full, files, kind=kind, message=message)
        return self.find(full, kind)

    def find(self, full: str, kind: str = "model") -> Repo:
        """Return a repository. Raises LookupError."""
        found = repos.by_name(self.hub.m, parse_repo_id(RepoKind(kind), full))
        if found is None:
            raise LookupError(full)
        return found

    def write(self, full: str, files: dict[str, str | bytes], *, kind: str = "model", message: str = "Change files",
              description: str = "", gone: tuple[str, ...] = (), revision: str = "main") -> str:  # fmt: skip
        """Commit files as their owner and return the commit."""
        added = [File(path, body.encode() if isinstance(body, str) else body) for path, body in files.items()]
        removed = [DeletedFile(path) for path in gone]
        header = Header(message, description, None)
        return commit.commit(self.hub.m, SYSTEM, self.find(full, kind), revision, header, [*added, *removed])

    def write_large(
        self, full: str, path: str, body: bytes, *, user: str, kind: str = "model", message: str = "Add weights"
    ) -> None:
        """Upload a file to large-file storage and commit it."""
        oid = hashlib.sha256(body).hexdigest()
        prefix = RepoKind(kind).prefix
        http = self.hub.http(self.tokens[user])
        asked = {"operation": "upload", "objects": [{"oid": oid, "size": len(body)}]}
        [told] = http.post(f"/{prefix}{full}.git/info/lfs/objects/batch", json=asked).raise_for_status().json()["objects"]
        if "actions" in told:
            http.put(told["actions"]["upload"]["href"], content=body, headers={"authorization": ""}).raise_for_status()
        repo = self.find(full, kind)
        commit.commit(self.hub.m, SYSTEM, repo, "main", Header(message, "", None), [LargeFile(path, Sha256(oid), len(body))])


def furnish(hub: RunningHub) -> World:
    """Fill an empty hub."""
    world = World(hub)
    world.user("root", admin=True)
    for name in ("alice", "bob", "mallory"):
        world.user(name)
    hub.org("acme", alice="admin", bob="write")
    _models(world)
    _others(world)
    _many(world)
    _buckets(world)
    hub.settle()
    for _ in range(40):
        downloads.count(hub.m, world.find("alice/roundhouse"), "config.json")
    downloads.write_down(hub.m, {})
    return world


def _models(world: World) -> None:
    base = "---\nlicense: apache-2.0\nlibrary_name: transformers\n---\n# Clay base\n\nThe ground floor.\n"
    world.repo("acme/clay-base", files={"README.md": base})
    world.repo("alice/roundhouse", files=_roundhouse())
    world.write_large("alice/roundhouse", "model.safetensors", content.weights(), user="alice")
    longer: dict[str, str | bytes] = {"train.py": content.TRAIN.replace("epochs: int = 3", "epochs: int = 5")}
    why = "Three passes were not enough: the loss was still falling.\n\nSee loss.png."
    world.write("alice/roundhouse", longer, message="Train for longer", description=why, gone=("vocab.txt",))
    world.repo(
        "alice/tulou-poet", files={"README.md": content.CHINESE_CARD, "config.json": content.config()}, message="写第一首诗"
    )
    tags = ", ".join(f"tag-{i:02d}" for i in range(30))
    about = f"license: mit\nbase_model: alice/roundhouse\nbase_model_relation: quantized\ntags: [{tags}]"
    card = f"---\n{about}\n---\n# {content.LONG_NAME}\n"
    deep = f"{'a-folder-with-a-long-name/' * 6}{'and-a-file-' * 12}.txt"
    world.repo(f"alice/{content.LONG_NAME}", files={"README.md": card, deep: "Deep down.\n"})
    world.repo("alice/secret-plans", private=True, files={"README.md": "# Plans\n\nNobody is to know.\n"})
    world.repo("alice/empty")
    world.repo("alice/no-card", files={"weights.txt": "1 2 3\n"})
    numbered = {f"shard-{i:03d}-of-100.txt": f"{i}\n" for i in range(100)}
    world.repo("alice/hundred-files", files={**numbered, "README.md": "# A hundred files\n"})


def _roundhouse() -> dict[str, str | bytes]:
    """Return one file of each kind that a page can show."""
    return {
        "README.md": content.CARD,
        "config.json": content.config(),
        "train.py": content.TRAIN,
        "docs/notes.md": content.NOTES,
        "loss.png": content.picture(),
        "look.ipynb": content.notebook(),
        "data/sample.csv": content.table(40),
        "bell.wav": content.sound(),
        "page.html": "<!doctype html><h1>A report</h1><p>Seen on its own origin.</p>",
        "house.svg": _svg(),
        "vocab.txt": "clear\nfog\nrain\n",
    }


def _others(world: World) -> None:
    tables: dict[str, str | bytes] = {"data/train.csv": content.table(), "data/test.csv": content.table(60, 240)}
    world.repo("acme/weather", "dataset", files={"README.md": content.DATASET_CARD, **tables})
    lines = "".join(f'{{"id": {i}, "text": "report {i}"}}\n' for i in range(50))
    world.repo("bob/lines", "dataset", files={"README.md": "---\nlicense: mit\n---\n# Lines\n", "lines.jsonl": lines})
    app: dict[str, str | bytes] = {"README.md": content.SPACE_CARD, "app.py": "import gradio as gr\n"}
    world.repo("acme/will-it-rain-in", "space", sdk="gradio", files=app)
    world.repo("acme/handbook", files=docs_tree.FILES)
    world.repo("acme/softmax", "kernel", files={"README.md": "---\nlicense: mit\n---\n# Softmax\n\nA kernel.\n"})


def _buckets(world: World) -> None:
    shelf = BucketClient(world.hub, world.tokens["alice"], "alice/training-runs")
    shelf.put(**{"run-1__step-100.safetensors": small(1), "run-1__logs__out.txt": small(2), "notes 笔记.md": small(3)})
    BucketClient(world.hub, world.tokens["alice"], "alice/nothing-yet", private=True)


def _many(world: World) -> None:
    """Small models enough for facets and a second page."""
    for number in range(36):
        family, task = FAMILIES[number % 6], TASKS[number % 4]
        licence = ("apache-2.0", "mit", "cc-by-4.0")[number % 3]
        library = ("transformers", "diffusers")[number % 2]
        about = f"license: {licence}\npipeline_tag: {task}\nlibrary_name: {library}\ntags: [{family}]"
        name = f"bob/{family}-{number:02d}"
        world.repo(name, files={"README.md": f"---\n{about}\n---\n# {family} {number}\n"}, message=f"Write the card of {name}")


def _svg() -> str:
    ring = '<circle cx="20" cy="20" r="15" fill="none" stroke="#96421c" stroke-width="5"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40">{ring}</svg>'
