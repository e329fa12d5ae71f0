"""Flavours: how much of this machine a job or a Space may use, under the names by which Hub clients ask."""

from __future__ import annotations

from dataclasses import dataclass

from tulou.features.runs import room
from tulou.kernel.errors import BadInput, ComputeOff
from tulou.platform.machinery import Machinery

LEAST_MB = 1024
STEP_MB = 256


@dataclass(frozen=True, slots=True)
class Flavor:
    """A choice of hardware. `cpus` are shared with others who run at the same time; `memory_mb` is promised."""

    name: str
    pretty: str
    cpus: float
    memory_mb: int


# name, words, processors at most, this part of the machine's memory, memory at most (as the Hub gives)
_SHARES = (
    ("cpu-basic", "CPU basic", 2, 8, 16_384),
    ("cpu-upgrade", "CPU upgrade", 8, 4, 32_768),
    ("cpu-performance", "CPU performance", 32, 2, 262_144),
    ("cpu-xl", "CPU XL", 1024, 1, 1_048_576),
)
DEFAULT = _SHARES[0][0]


def of_host(m: Machinery) -> list[Flavor]:
    """Return what this machine has, smallest first. A name that would give no more than the one before is left out."""
    total = room.here(m).total
    return shares(total.cpus, total.memory_mb)


def shares(cpus: float, memory_mb: int) -> list[Flavor]:
    """Divide a machine. `cpu-basic` is always there: a program that asks for nothing must fit everywhere."""
    found: list[Flavor] = []
    for name, pretty, most_cpus, part, most_mb in _SHARES:
        memory = min(memory_mb, most_mb, max(LEAST_MB, memory_mb // part // STEP_MB * STEP_MB))
        flavor = Flavor(name, pretty, min(cpus, most_cpus), memory)
        if not found or (flavor.cpus, flavor.memory_mb) != (found[-1].cpus, found[-1].memory_mb):
            found.append(flavor)
    return found


def get(m: Machinery, name: str) -> Flavor:
    """Return the flavour of that name. Raises BadInput, which lists what there is, and ComputeOff where nothing runs at all."""
    if room.here(m).level == "off":
        raise ComputeOff
    known = of_host(m)
    for flavor in known:
        if flavor.name == name:
            return flavor
    raise BadInput(f"This hub does not have that hardware. It has: {', '.join(each.name for each in known)}.")
