"""What a measurement says: peer, ours, their ratio, the bar, and whether it is met."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table. `peer` is None where the bar is a plain number; then the ratio is `ours` itself."""

    name: str
    peer_name: str
    peer: float | None
    ours: float
    unit: str
    bar: float | None
    """None: a figure to know, with nothing promised."""
    is_floor: bool
    """True: the ratio must reach the bar. False: it must not pass it."""
    note: str = ""
    given_ratio: float | None = None
    """The median of the ratios round by round, where rounds were interleaved."""

    @property
    def ratio(self) -> float:
        if self.given_ratio is not None:
            return self.given_ratio
        return self.ours if self.peer is None else self.ours / self.peer

    @property
    def is_met(self) -> bool:
        if self.bar is None:
            return True
        return self.ratio >= self.bar if self.is_floor else self.ratio <= self.bar

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": round(self.ratio, 4), "is_met": self.is_met}


@dataclass(frozen=True, slots=True)
class Skipped:
    """A measurement that could not be made here, and why."""

    name: str
    reason: str


def rounds(
    name: str,
    peer_name: str,
    peer: list[float],
    ours: list[float],
    unit: str,
    bar: float | None,
    *,
    is_floor: bool,
    note: str = "",
) -> Result:
    """Make a result of interleaved rounds: medians, and the median of the ratios of neighbours."""
    ratio = median(o / p for o, p in zip(ours, peer, strict=True))
    return Result(name, peer_name, median(peer), median(ours), unit, bar, is_floor=is_floor, note=note, given_ratio=ratio)


def machine() -> dict[str, Any]:
    """Describe what the figures were measured on, and how busy it was."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": [round(x, 2) for x in os.getloadavg()],
    }


def _processor() -> str:
    with Path("/proc/cpuinfo").open() as lines:
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def table(results: Iterable[Result | Skipped]) -> str:
    """Lay the results out as a Markdown table."""
    lines = ["| what | peer | ours | ratio | bar | |", "| --- | ---: | ---: | ---: | ---: | --- |"]
    for result in results:
        if isinstance(result, Skipped):
            lines.append(f"| {result.name} | | | | | skipped: {result.reason} |")
            continue
        peer = f"{_figure(result.peer)} ({result.peer_name})" if result.peer is not None else "–"
        bar = f"{'≥' if result.is_floor else '≤'} {result.bar:g}" if result.bar is not None else "–"
        ratio = f"{result.ratio:.2f}" if result.peer is not None else "–"
        verdict = "" if result.bar is None else "met" if result.is_met else "**missed**"
        name = f"{result.name} ({result.note})" if result.note else result.name
        lines.append(f"| {name} | {peer} | {_figure(result.ours)} {result.unit} | {ratio} | {bar} | {verdict} |")
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
