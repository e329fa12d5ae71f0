"""Documentation: a page that nobody saw before, the same again, a large reference read from Python source, and the search."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import httpx

import tulou
from bench.result import Result, Skipped
from bench.server import TOKEN, client, hub, seed
from tests.commits import commit
from tulou.wire import doc_toctree

FIRST_MS, AGAIN_MS = 50, 5
ROUNDS = 15
MANUAL = f"/docs/tulou/{tulou.__version__}"
WORDS = {"en": ("hub", "push", "large files", "revision"), "zh": ("模型", "下载", "令牌", "数据集")}
_CLASSES = ("HfApi", "HfFileSystem", "InferenceClient", "ModelCard", "CommitOperationAdd", "SpaceRuntime", "Volume", "JobInfo")


def run(work: Path) -> Iterator[Result | Skipped]:
    seed(work / "data")
    with hub(work / "data") as server, client(server) as http:
        server.wait_idle()
        pages = [f"{MANUAL}/en/{local}" for local in _pages()]
        http.get(pages[0])  # the templates are read once, by whoever comes first
        first = [_ask(http, path) for path in pages[1:]]
        yield Result(
            "a page of the manual, the first time", "", None, median(first), "ms", FIRST_MS, is_floor=False, note=_slowest(first)
        )
        again = [min(_ask(http, path) for _ in range(3)) for path in pages]
        yield Result("the same again", "", None, median(again), "ms", AGAIN_MS, is_floor=False, note=_slowest(again))
        yield from _search(http)
        yield from _reference(http)


def _pages() -> list[str]:
    contents = doc_toctree.parse((Path(__file__).parents[1] / "docs" / "_toctree.yml").read_text())
    return [entry.local or "" for top in contents for entry in top.pages()]


def _slowest(times: list[float]) -> str:
    return f"{len(times)} pages, slowest {max(times):.1f} ms"


def _ask(http: httpx.Client, path: str) -> float:
    begin = time.perf_counter()
    answer = http.get(path, headers={"accept": "text/html"})
    answer.raise_for_status()
    return (time.perf_counter() - begin) * 1000


def _search(http: httpx.Client) -> Iterator[Result]:
    for language, words in WORDS.items():
        build = _ask(http, f"{MANUAL}/{language}?q={words[0]}")
        times = [_ask(http, f"{MANUAL}/{language}?q={word}") for _ in range(ROUNDS) for word in words]
        name = f"a search in the manual ({language})"
        yield Result(
            name, "", None, median(times), "ms", None, is_floor=False, note=f"the first builds the index: {build:.0f} ms"
        )


def _reference(http: httpx.Client) -> Iterator[Result | Skipped]:
    """Describe classes of the client library, from the source that is installed here."""
    found = importlib.util.find_spec("huggingface_hub")
    if found is None or not found.submodule_search_locations:
        yield Skipped("a page of a reference", "huggingface_hub is not installed here")
        return
    root = Path(found.submodule_search_locations[0])
    files: dict[str, bytes | str] = {
        f"src/huggingface_hub/{path.relative_to(root).as_posix()}": path.read_bytes() for path in root.rglob("*.py")
    }
    for name in _CLASSES:
        files[f"docs/{name.lower()}.md"] = f"# {name}\n\n[[autodoc]] {name}\n"
    http.headers["authorization"] = f"Bearer {TOKEN}"
    http.post("/api/repos/create", json={"name": "reference", "type": "model"}).raise_for_status()
    commit(http, "alice/reference", files)
    start = "/docs/alice/reference/main/en/"
    read = _ask(http, f"{start}{_CLASSES[0].lower()}")
    first = [_ask(http, f"{start}{name.lower()}") for name in _CLASSES[1:]]
    note = f"the first reads {len(files)} files of source: {read:.0f} ms with the largest page"
    yield Result(
        "a class described from its source, the first time", "", None, median(first), "ms", FIRST_MS, is_floor=False, note=note
    )
    again = [min(_ask(http, f"{start}{name.lower()}") for _ in range(3)) for name in _CLASSES[1:]]
    yield Result("the same again", "", None, median(again), "ms", 2 * AGAIN_MS, is_floor=False, note=_slowest(again))
