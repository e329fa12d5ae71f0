"""A machine that runs nothing: tests say what became of each run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tulou.platform.compute.base import Door, Node, NoSuchRun, Observed, Resources, RunSpec, StartFailed


@dataclass
class FakeCompute:
    """Compute by hand. `runs` is what it knows; change it as a machine would."""

    loopback: str = ""
    name: str = "here"
    memory_mb: int = 4096
    runs: dict[str, Observed] = field(default_factory=dict)
    specs: dict[str, RunSpec] = field(default_factory=dict)
    logs: dict[str, bytes] = field(default_factory=dict)
    signals: list[tuple[str, str]] = field(default_factory=list)
    refuse: str = ""

    def nodes(self) -> list[Node]:
        return [Node(self.name, "sandbox", Resources(cpus=2, memory_mb=self.memory_mb), Resources(memory_mb=0))]

    def start(self, spec: RunSpec) -> None:
        if self.refuse:
            raise StartFailed(self.refuse)
        if spec.id not in self.specs:
            self.specs[spec.id] = spec
            self.runs[spec.id] = Observed(spec.id, "running")

    def observe(self, ids: Iterable[str] | None = None) -> dict[str, Observed]:
        wanted = self.runs.keys() if ids is None else [each for each in ids if each in self.runs]
        return {each: self.runs[each] for each in wanted}

    def signal(self, run_id: str, what: str) -> None:
        self.signals.append((run_id, what))
        phase = {"stop": "stopped", "kill": "stopped", "pause": "paused", "resume": "running"}.get(what)
        if phase and run_id in self.runs:
            self.runs[run_id] = Observed(run_id, phase)  # type: ignore[arg-type]

    def read_log(self, run_id: str, offset: int, size: int) -> bytes:
        return self.logs.get(run_id, b"")[offset : offset + size]

    def address(self, run_id: str, port: int) -> Door:
        raise NoSuchRun(f"{run_id} has no port {port}")

    def forget(self, run_id: str) -> None:
        self.runs.pop(run_id, None)
        self.logs.pop(run_id, None)
