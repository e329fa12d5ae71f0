"""Turn a byte range of a file into chunk ranges of xorbs, and those into bytes again."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tulou.kernel.ids import XetHash
from tulou.platform.xet.checks import WINDOW
from tulou.wire.xet_hash import printed
from tulou.wire.xet_shard import Term
from tulou.wire.xet_xorb import ChunkTable

TableOf = Callable[[bytes], ChunkTable]
ReadXorb = Callable[[XetHash, int, int], bytes]


@dataclass(frozen=True, slots=True)
class Range:
    """Chunks `first` ≤ i < `end` of a xorb, in its stored bytes `start` to `last` (inclusive, as HTTP counts)."""

    first: int
    end: int
    start: int
    last: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What to fetch for a byte range: skip `offset` bytes of the first term; every term lies in exactly one range."""

    offset: int
    terms: list[Term]
    ranges: dict[bytes, list[Range]]


def plan(table_of: TableOf, terms: Iterable[Term], start: int, end: int) -> Plan:
    """Plan the bytes `start` to `end` (exclusive). Equal questions get equal plans: clients that refresh rely on it."""
    offset, clipped = clip(table_of, terms, start, end)
    wanted: dict[bytes, list[tuple[int, int]]] = {}
    for term in clipped:
        wanted.setdefault(term.xorb, []).append((term.start, term.end))
    return Plan(offset, clipped, {name: _ranges(table_of(name), merged(runs)) for name, runs in wanted.items()})


def clip(table_of: TableOf, terms: Iterable[Term], start: int, end: int) -> tuple[int, list[Term]]:
    """Cut terms to the whole chunks that hold the bytes `start` to `end`; also say how many bytes to skip at the front."""
    clipped: list[Term] = []
    skip = position = 0
    for term in terms if start < end else ():
        begins, position = position, position + term.length
        if position <= start:
            continue
        if begins >= end:
            break
        if start <= begins and position <= end:
            clipped.append(term)
            continue
        raw = table_of(term.xorb).raw
        low, high = max(start, begins) - begins + raw[term.start], min(end, position) - begins + raw[term.start]
        first, last = bisect_right(raw, low) - 1, bisect_left(raw, high)
        if not clipped:
            skip = low - raw[first]
        clipped.append(Term(term.xorb, raw[last] - raw[first], first, last))
    return skip, clipped


def merged(runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join runs that overlap or touch."""
    joined: list[tuple[int, int]] = []
    for first, end in sorted(runs):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((first, end))
    return joined


def _ranges(table: ChunkTable, runs: list[tuple[int, int]]) -> list[Range]:
    return [Range(first, end, table.stored[first], table.stored[end] - 1) for first, end in runs]


def stream(table_of: TableOf, read_xorb: ReadXorb, terms: Iterable[Term], start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes `start` to `end` (exclusive), holding no more than a window of chunks at a time."""
    skip, clipped = clip(table_of, terms, start, end)
    left = end - start
    for term in clipped:
        table, name = table_of(term.xorb), printed(term.xorb)
        for first in range(term.start, term.end, WINDOW):
            last = min(term.end, first + WINDOW)
            stored = read_xorb(name, table.stored[first], table.stored[last] - table.stored[first])
            block = table.unpacked(stored, first, last)[skip : skip + left]
            skip = 0
            left -= len(block)
            yield block
