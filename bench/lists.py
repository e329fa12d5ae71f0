"""Lists of models at 100,000 repositories, beside 100."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import sqlalchemy as sa

from bench.result import Result, rounds
from bench.server import client, hub, seed
from tulou.app import open_machinery
from tulou.db.tables import account, ref, repo, repo_gram, repo_tag
from tulou.features.repos.naming import grams
from tulou.kernel.ids import new_id
from tulou.settings import Settings

SMALL, LARGE = 100, 100_000
ROUNDS = 15
PAGE = 20
BAR = 3.0
_WORDS = (
    "bert",
    "llama",
    "vision",
    "tiny",
    "base",
    "large",
    "chat",
    "code",
    "audio",
    "speech",
    "text",
    "image",
    "segment",
    "embed",
    "rank",
)
QUERIES = {
    "default sort": {},
    "by downloads": {"sort": "downloads"},
    "by date": {"sort": "lastModified"},
    "search, a common word": {"search": "bert"},
    "search, a rare word": {"search": "needle"},
    "search, a word that nobody has": {"search": "zzzyx"},
    "one author": {"author": "user00007"},
    "filter, a common tag": {"filter": "pytorch"},
    "filter, a rare tag": {"filter": "needle-tag"},
    "filter, a common and a rare tag": {"filter": "pytorch,needle-tag"},
    "one task": {"pipeline_tag": "text-generation"},
    "one task, rare": {"pipeline_tag": "tabular-regression"},
    "one library": {"library": "transformers"},
    "full": {"full": "true"},
}


def run(work: Path) -> Iterator[Result]:
    for name, count in (("few", SMALL), ("many", LARGE)):
        seed(work / name)
        _fill(work / name, count)
    with hub(work / "few") as few, hub(work / "many") as many, client(few) as here, client(many) as there:
        few.wait_idle()
        many.wait_idle()
        for name, query in QUERIES.items():
            yield _compare(name, here, there, {"limit": PAGE, **query})


def _compare(name: str, here: httpx.Client, there: httpx.Client, query: dict) -> Result:
    first = _ask(there, query)
    _ask(here, query)
    peer, ours = [], []
    for _ in range(ROUNDS):
        peer.append(_ask(here, query))
        ours.append(_ask(there, query))
    note = f"first time {first:.0f} ms"
    return rounds(f"{LARGE:,} models, {name}", f"{SMALL} models", peer, ours, "ms", BAR, is_floor=False, note=note)


def _ask(http: httpx.Client, query: dict) -> float:
    started = time.perf_counter()
    http.get("/api/models", params=query).raise_for_status()
    return (time.perf_counter() - started) * 1000


def _fill(data: Path, count: int) -> None:
    """Write the rows that `count` models in many accounts would have, with cards indexed."""
    m = open_machinery(Settings(data=data, workers=1))
    noise = random.Random(count)
    with m.db.write() as tx:
        accounts = [_account(i) for i in range(max(10, count // 100))]
        tx.execute(sa.insert(account), accounts)
        for start in range(0, count, 5000):
            rows = [_model(noise, i, accounts) for i in range(start, min(count, start + 5000))]
            tx.execute(sa.insert(repo), [row for row, _ in rows])
            tx.execute(sa.insert(repo_tag), [{"repo_id": row["id"], "tag": tag} for row, tags in rows for tag in tags])
            tx.execute(
                sa.insert(repo_gram), [{"repo_id": row["id"], "gram": gram} for row, _ in rows for gram in grams(str(row["key"]))]
            )
            tx.execute(sa.insert(ref), [_head(row) for row, _ in rows])
    m.xet.close()
    m.db.close()


def _account(number: int) -> dict[str, object]:
    name = f"user{number:05d}"
    return {"id": new_id(), "kind": "user", "name": name, "key": name, "created_at": 1_700_000_000_000}


def _model(noise: random.Random, number: int, accounts: list[dict[str, object]]) -> tuple[dict[str, object], list[str]]:
    words = [*noise.sample(_WORDS, 3), f"{number:06d}"]
    tags = ["pytorch", f"lang-{noise.randrange(40)}", f"topic-{noise.randrange(400)}", "license:mit"][noise.randrange(2) :]
    if number % 33_000 == 50:  # the same few in both hubs' terms: one of a hundred, four of a hundred thousand
        words.append("needle")
        tags.append("needle-tag")
    task, library = (
        noise.choice(("text-generation", "fill-mask", "image-classification")),
        noise.choice(("transformers", "diffusers")),
    )
    if number % 33_000 == 60:
        task = "tabular-regression"
    tags += [library, task]
    at = 1_700_000_000_000 + noise.randrange(10**10)
    name = "-".join(words)
    row = {
        "id": new_id(),
        "kind": "model",
        "account_id": noise.choice(accounts)["id"],
        "name": name,
        "key": name,
        "visibility": "public",
        "generation": 1,
        "created_at": at,
        "updated_at": at,
        "downloads": int(noise.paretovariate(0.8)),
        "likes": noise.randrange(50),
        "card": json.dumps({"license": "mit", "tags": tags, "language": "en"}),
        "facts": json.dumps({"files": ["README.md", "config.json"]}),
        "pipeline_tag": task,
        "library": library,
        "tags": json.dumps(tags),
        "card_commit": "a" * 40,
    }
    return row, tags


def _head(row: dict[str, object]) -> dict[str, object]:
    return {
        "repo_id": row["id"],
        "name": "refs/heads/main",
        "target": "a" * 40,
        "peeled": "a" * 40,
        "updated_at": row["updated_at"],
    }
