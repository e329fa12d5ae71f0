"""A table of three million rows over HTTP: rows at random places, by words, under a condition; DuckDB beside it."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from statistics import median

import duckdb
import httpx
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc

from bench.result import Result, Skipped
from bench.server import hub
from tests import commits, viewer_data
from tests.conftest import run_hub, settings_for
from tulou.features.access import gate
from tulou.features.viewer import queries, shelf
from tulou.kernel.actor import SYSTEM, Action
from tulou.kernel.ids import Sha1
from tulou.kernel.names import RepoKind, parse_repo_id
from tulou.platform.tabular.child.parquet_out import Writer
from tulou.platform.tabular.child.text_index import Writer as Index

ROWS = 3_000_000
STEP = 100_000
ROWS_MS, SEARCH_MS, FILTER_MS, RESIDENT_MB = 25, 20, 120, 200
ASKED = 100
SEEN = 10
"""Rows that fit a screen."""
PLACE = {"dataset": "alice/many", "config": "default", "split": "train"}
# What is asked in words, and in Chinese, whose recall is checked against a scan.
WORDS = ("quantization", "tokenizer dataset", "kubernetes", "数据", "人工智能", "refs/convert/parquet")
CHINESE = ("人工智能", "数据", "词元", "明月")
WHERE = '"rating" = 5 and "verified"'
DEEP = 100_000


def run(work: Path) -> Iterator[Result | Skipped]:
    files = _furnish(work)
    scan = duckdb.connect(config={"threads": 2})
    table = f"read_parquet({[str(path) for path in files]!r}, file_row_number = true)"
    with hub(work / "data") as server, httpx.Client(base_url=server.url, timeout=120, trust_env=False) as client:
        server.wait_idle()
        yield _rows(client, scan, table)
        yield from _search(client, scan, table)
        yield from _filter(client, scan, table)
        yield _resident(server.port)


def _rows(client: httpx.Client, scan: duckdb.DuckDBPyConnection, table: str) -> Result:
    places = [random.Random(1).randrange(ROWS - 100) for _ in range(ASKED)]
    ours = [_timed(lambda at=at: _ask(client, "rows", offset=at)) for at in [*places, *places]]
    peer = [_timed(lambda at=at: _fetched(scan, f"SELECT * FROM {table} LIMIT 100 OFFSET {at}")) for at in places[:8]]
    note = f"slowest of {len(ours)}: {max(ours):.0f} ms"
    return _line("100 rows at random places, half within", "DuckDB, OFFSET", peer, ours, ROWS_MS, note)


def _search(client: httpx.Client, scan: duckdb.DuckDBPyConnection, table: str) -> Iterator[Result]:
    ours, whole, peer = [], [], []
    for words in WORDS:
        _ask(client, "search", query=words)
        ours += [_timed(lambda words=words: _ask(client, "search", query=words, length=SEEN)) for _ in range(10)]
        whole += [_timed(lambda words=words: _ask(client, "search", query=words)) for _ in range(3)]
        match = " AND ".join(f"(contains(title, '{w}') OR contains(text, '{w}'))" for w in words.split())
        peer.append(_timed(lambda match=match: _fetched(scan, f"SELECT * FROM {table} WHERE {match} LIMIT 100")))
    note = f"slowest: {max(ours):.0f} ms"
    yield _line(f"a search and its best {SEEN} rows, half within", "DuckDB, contains(), any 100", peer, ours, SEARCH_MS, note)
    note = "best first, so they lie all over the table"
    yield _line("a search and its best 100 rows, half within", "DuckDB, contains(), any 100", peer, whole, None, note)
    lacking = 0
    for word in CHINESE:
        found = _ask(client, "search", query=word)["num_rows_total"]
        match = f"contains(title, '{word}') OR contains(text, '{word}')"
        [(exact,)] = scan.execute(f"SELECT count(*) FROM {table} WHERE {match}").fetchall()
        lacking += abs(exact - found)
    yield Result("Chinese words: rows too many or too few", "", None, lacking, "rows", 0, is_floor=False, note=", ".join(CHINESE))


def _filter(client: httpx.Client, scan: duckdb.DuckDBPyConnection, table: str) -> Iterator[Result]:
    first = _timed(lambda: _ask(client, "filter", where=WHERE, offset=DEEP))
    ours = [_timed(lambda at=at: _ask(client, "filter", where=WHERE, offset=DEEP + 100 * at)) for at in range(30)]
    sql = f"SELECT * FROM {table} WHERE rating = 5 AND verified LIMIT 100 OFFSET {DEEP}"
    peer = [_timed(lambda: _fetched(scan, sql)) for _ in range(3)]
    note = f"the first: {first:.0f} ms"
    yield _line(f"a filtered page at {DEEP:,}, half within", "DuckDB, OFFSET", peer, ours, FILTER_MS, note)
    first = _timed(lambda: _ask(client, "filter", orderby='"score" desc', offset=DEEP))
    ours = [_timed(lambda at=at: _ask(client, "filter", orderby='"score" desc', offset=DEEP + 100 * at)) for at in range(10)]
    peer = [_timed(lambda: _fetched(scan, f"SELECT * FROM {table} ORDER BY score DESC LIMIT 100 OFFSET {DEEP}"))]
    note = f"the first: {first:.0f} ms; its rows lie all over the table"
    yield _line(f"a sorted page at {DEEP:,}, half within", "DuckDB, ORDER BY", peer, ours, None, note)


def _resident(port: int) -> Result:
    """The process that reads rows and searches, after all of the above."""
    serving = next(c.pid for c in psutil.net_connections("tcp") if c.laddr.port == port and c.status == "LISTEN")
    children = psutil.Process(serving).children(recursive=True)
    used = [child.memory_info() for child in children if any(word.endswith("child.reader") for word in child.cmdline())]
    most = max(each.rss for each in used) / 1e6
    note = f"without the pages of mapped files that it touched {max(each.rss - each.shared for each in used) / 1e6:.0f} MB"
    return Result("memory of the process that reads", "", None, most, "MB", RESIDENT_MB, is_floor=False, note=note)


def _line(name: str, peer_name: str, peer: list[float], ours: list[float], bar: float | None, note: str) -> Result:
    said = f"{note}; {peer_name}: {median(peer):.0f} ms"
    return Result(name, "", None, median(ours), "ms", bar, is_floor=False, note=said)


def _ask(client: httpx.Client, what: str, **more: object) -> dict[str, object]:
    answer = client.get(f"/api/viewer/{what}", params={**PLACE, "length": 100, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def _timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def _fetched(scan: duckdb.DuckDBPyConnection, sql: str) -> int:
    return len(scan.execute(sql).fetchall())


def _furnish(work: Path) -> list[Path]:
    """Write the tables and the index of a dataset, and say that they are ready."""
    for running in run_hub(settings_for(work / "data")):
        client = running.http(running.user("alice"))
        running.repo("alice/many", "dataset")
        head = Sha1(commits.commit(client, "alice/many", {"README.md": "# Many"}, kind="datasets"))
        repo = gate.repo(running.m, SYSTEM, parse_repo_id(RepoKind.DATASET, "alice/many"), Action.READ_CONTENT)
        folder = shelf.folder_of(running.m, repo.id, head)
        files = _write(folder)
        with running.m.db.write() as tx:
            queries.begin(tx, repo.id, head, fingerprint="0" * 64, size=1, now=1)
            queries.put_configs(tx, repo.id, head, ["default"])
            queries.put_splits(tx, repo.id, head, 0, ["train"])
            queries.change_split(tx, repo.id, head, 0, "train", state="ready", rows=ROWS)
            queries.change(tx, repo.id, head, state="done")
    return files


def _write(folder: Path) -> list[Path]:
    place = folder / "0" / "train"
    place.mkdir(parents=True)
    made = _Made()
    first = made.rows(0, 1)
    writer, index = Writer(place, first.schema), Index(place / "search", threads=2)
    for start in range(0, ROWS, STEP):
        table = made.rows(start, min(STEP, ROWS - start))
        writer.add(table)
        titles, texts = table.column("title").to_pylist(), table.column("text").to_pylist()
        for at, words in enumerate(zip(titles, texts, strict=True)):
            index.add(start + at, words)
    index.close()
    parts = [asdict(part) for part in writer.close()]
    said = {"config": "default", "split": "train", "features": viewer_data.features_of(first), "num_rows": ROWS, "partial": False}
    (place / "manifest.json").write_text(json.dumps({**said, "parts": parts, "source_bytes": 0}))
    (folder / "configs.json").write_text('["default"]')
    return sorted(place.glob("*.parquet"))


class _Made:
    """Rows as people have them: English and Chinese, few and many different values, lists and fields."""

    def __init__(self) -> None:
        chance = np.random.default_rng(7)
        letters = np.array(list("etaoinshrdlucmfwypvbgkqjxz"))
        words = ["".join(chance.choice(letters, chance.integers(3, 10))) for _ in range(8_000)]
        words += ["quantization", "tokenizer", "dataset", "kubernetes", "refs/convert/parquet", "the", "of", "and"] * 4
        signs = np.array([chr(code) for code in range(0x4E00, 0x4E00 + 1_500)])
        chinese = ["".join(chance.choice(signs, chance.integers(2, 5))) for _ in range(4_000)]
        chinese += ["人工智能", "数据", "词元", "明月", "的"] * 4
        self._english = pa.array([" ".join(chance.choice(words, 7)) for _ in range(30_000)])
        self._chinese = pa.array(["，".join(chance.choice(chinese, 6)) for _ in range(20_000)])

    def rows(self, start: int, count: int) -> pa.Table:
        chance = np.random.default_rng(start + 1)
        is_chinese = pa.array(chance.random(count) < 0.4)
        number = np.arange(start, start + count)

        def said(phrases: int) -> pa.Array:
            english = [self._english.take(pa.array(chance.integers(0, 30_000, count))) for _ in range(phrases)]
            chinese = [self._chinese.take(pa.array(chance.integers(0, 20_000, count))) for _ in range(phrases)]
            lines = pc.binary_join_element_wise(*chinese, "。"), pc.binary_join_element_wise(*english, ". ")
            return pc.if_else(is_chinese, *lines)

        offsets = pa.array(np.arange(0, 2 * count + 1, 2, dtype=np.int32))
        tags = pa.array(chance.integers(0, 40, 2 * count)).cast(pa.string())
        return pa.table({
            "id": number,
            "title": said(1),
            "text": said(4),
            "category": pa.array([f"category {i}" for i in range(12)]).take(pa.array(chance.integers(0, 12, count))),
            "rating": chance.integers(1, 6, count),
            "verified": chance.random(count) < 0.3,
            "price": np.round(chance.gamma(2.0, 30.0, count), 2),
            "score": chance.random(count),
            "created": pa.array(1_700_000_000_000 + number * 977, pa.timestamp("ms")),
            "user": pc.binary_join_element_wise("user", pa.array(chance.integers(0, 10**9, count)).cast(pa.string()), "-"),
            "country": pa.array([f"C{i}" for i in range(60)]).take(pa.array(chance.integers(0, 60, count))),
            "tags": pa.ListArray.from_arrays(offsets, tags),
            "meta": pa.StructArray.from_arrays([pa.array(number % 997), said(1)], ["length", "note"]),
        })  # fmt: skip
