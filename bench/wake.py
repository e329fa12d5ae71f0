"""How long a visitor waits for an application that is frozen or stopped, and what four Spaces and two jobs take together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import httpx

from bench.result import Result, Skipped
from tests.browser import space_apps
from tests.browser.space_apps import GRADIO, STREAMLIT
from tests.conftest import RunningHub, run_hub, settings_for
from tests.stories.programs import Git
from tulou.features.accounts import lookup as accounts
from tulou.features.repos import lookup as repos
from tulou.features.runs import read as runs
from tulou.features.runs import want
from tulou.features.runs.model import Order
from tulou.features.spaces import change, queries, read
from tulou.features.spaces.model import Space, Stage
from tulou.kernel.names import RepoKind, parse_repo_id

FROZEN_MS, STREAMLIT_MS, GRADIO_MS = 50, 1500, 5000
FROZEN_ROUNDS, STOPPED_ROUNDS = 15, 5
TOGETHER_MB = 24 * 1024
_BUSY = "import time\nend = time.monotonic() + 60\nwhile time.monotonic() < end: sum(range(10000))"


def run(work: Path) -> Iterator[Result | Skipped]:
    for hub in run_hub(settings_for(work / "data")):
        if hub.m.compute.nodes()[0].level != "sandbox":
            yield Skipped("visits of applications", "this machine has no sandbox")
            return
        hub.hub.start()
        bench = _Bench(hub, work)
        for name, app in (("counting", GRADIO), ("squares", STREAMLIT)):
            bench.push(name, app)
        for name, sdk, bar in (("squares", "Streamlit", STREAMLIT_MS), ("counting", "Gradio", GRADIO_MS)):
            bench.comes_to(name, Stage.RUNNING)
            times = [bench.frozen(name) for _ in range(FROZEN_ROUNDS)]
            note = f"slowest {max(times):.0f} ms"
            yield Result(f"visit of a frozen {sdk} Space", "", None, median(times), "ms", FROZEN_MS, is_floor=False, note=note)
            times = [bench.stopped(name) for _ in range(STOPPED_ROUNDS)]
            note = f"slowest {max(times):.0f} ms; the application used {bench.cpu_seconds(name):.2f} s of processor to start"
            yield Result(f"visit of a stopped {sdk} Space", "", None, median(times), "ms", bar, is_floor=False, note=note)
        yield bench.together()


class _Bench:
    def __init__(self, hub: RunningHub, work: Path) -> None:
        self._hub, self._m = hub, hub.m
        self._token = hub.user("alice")
        self._git = Git(work / "git", "alice", self._token).knows(hub.url)
        self._http = hub.http(self._token)
        self._visitor = hub.http()
        self._visitor.timeout = httpx.Timeout(120)

    def push(self, name: str, files: dict[str, str]) -> None:
        space_apps.push(self._git, self._http, name, files)

    def space(self, name: str) -> Space:
        found = repos.by_name(self._m, parse_repo_id(RepoKind.SPACE, f"alice/{name}"))
        if found is None:
            raise LookupError(name)
        return read.get(self._m, found)

    def comes_to(self, name: str, stage: Stage) -> None:
        _until(lambda: self.space(name).stage in {stage, Stage.BUILD_ERROR, Stage.RUNTIME_ERROR, Stage.CONFIG_ERROR}, 600)
        if self.space(name).stage is not stage:
            raise RuntimeError(self.space(name).message)

    def frozen(self, name: str) -> float:
        run_id = self.space(name).run_id or ""
        self.visit(name)
        with self._m.db.write() as tx:
            want.pause(tx, self._m, run_id)
        _until(lambda: self._phase(run_id) == "paused", 30)
        return self.visit(name)

    def stopped(self, name: str) -> float:
        space = self.space(name)
        with self._m.db.write() as tx:
            taken = queries.take(tx, space.repo_id)
            if taken is not None:
                change.rest(tx, self._m, taken, "sleep")
        _until(lambda: self._phase(space.run_id or "") not in {"running", "paused", "starting"}, 60)
        return self.visit(name)

    def cpu_seconds(self, name: str) -> float:
        """Return the processor time of the application since it started: what a quiet machine takes."""
        run = read.run(self._m, self.space(name))
        seen = self._m.compute.observe([run.machine_id]) if run is not None else {}
        return sum(each.usage.cpu_s for each in seen.values())

    def together(self) -> Result:
        """Run two copies more and two jobs that use all they get, and visit every Space."""
        alice = accounts.by_name(self._m, "alice")
        names = ["counting", "squares"]
        for name in tuple(names):
            copy = f"{name}-2"
            answer = self._http.post(f"/api/spaces/alice/{name}/duplicate", json={"repository": f"alice/{copy}"})
            answer.raise_for_status()
            names.append(copy)
        if alice is None:
            raise LookupError("alice")
        with self._m.db.write() as tx:
            jobs = [
                want.order(tx, self._m, kind="job", account_id=alice.id, actor_id=alice.id, repo_id=None,
                           order=Order(argv=("python3", "-c", _BUSY), timeout_s=120))
                for _ in range(2)
            ]  # fmt: skip
        for name in names:
            self.comes_to(name, Stage.RUNNING)
        _until(lambda: all(self._phase(job) == "running" for job in jobs), 60)
        slowest = max(self.visit(name) for name in names)
        ids = [*(self.space(name).run_id or "" for name in names), *jobs]
        seen = self._m.compute.observe([run.machine_id for run in runs.many(self._m, ids).values()])
        used = sum(each.usage.memory for each in seen.values()) / 2**20
        if len(seen) != len(ids) or any(each.phase != "running" for each in seen.values()):
            raise RuntimeError(f"not all of them run: {seen}")
        note = f"slowest visit beside two busy jobs {slowest:.0f} ms"
        return Result("four Spaces and two jobs at once", "", None, used, "MB", TOGETHER_MB, is_floor=False, note=note)

    def visit(self, name: str) -> float:
        """Return how many milliseconds a program waits for the front page."""
        host = {"Host": f"alice-{name}.localhost", "Connection": "close"}
        started = time.perf_counter()
        answer = self._visitor.get("/", headers=host)
        took = (time.perf_counter() - started) * 1000
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.status_code} {answer.text[:500]}")
        return took

    def _phase(self, run_id: str) -> str:
        found = runs.get(self._m, run_id)
        return found.phase if found is not None else "gone"


def _until(true: Callable[[], object], seconds: float) -> None:
    end, pause = time.monotonic() + seconds, threading.Event()
    while not true():
        if time.monotonic() > end:
            raise TimeoutError("it did not come to that")
        pause.wait(0.02)


