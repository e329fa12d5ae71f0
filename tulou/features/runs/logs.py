r"""Read what a run printed, while it runs and for good: lines of `<Unix ms>\t<text>\n`, attempts one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tulou.features.runs import read as runs
from tulou.features.runs.model import Run, log_key
from tulou.platform.machinery import Machinery

TAIL_BYTES = 1 << 20
"""How far back a tail looks at most."""
_TIME_DIGITS = 13


@dataclass(frozen=True, slots=True)
class Line:
    """One line: when it was printed (Unix ms), its text, and the offset behind it."""

    at: int
    text: str
    end: int


def read(m: Machinery, run_id: str, offset: int, size: int) -> tuple[bytes, bool]:
    """Return up to `size` bytes from an offset, and whether nothing will ever follow them."""
    run = runs.get(m, run_id)
    if run is None:
        return b"", True
    for attempt in range(1, run.attempt + 1):
        kept = m.store.size(log_key(run.id, attempt))
        if kept is None and attempt == run.attempt:
            return _live(m, run, offset, size)
        kept = kept or 0  # an earlier attempt that printed nothing
        if offset < kept:
            chunk = m.store.read(log_key(run.id, attempt), offset, size)
            return chunk, run.is_over and attempt == run.attempt and offset + len(chunk) == kept
        offset -= kept
    return b"", run.is_over


def lines(m: Machinery, run_id: str, offset: int, size: int = 1 << 16) -> tuple[list[Line], int, bool]:
    """Return whole lines from an offset, the offset behind the last one, and whether nothing will ever follow."""
    chunk, is_end = read(m, run_id, offset, size)
    whole = chunk if is_end else chunk[: chunk.rfind(b"\n") + 1]
    if not whole and len(chunk) == size:
        return lines(m, run_id, offset, 2 * size)  # one line is longer: letters may have four bytes
    found: list[Line] = []
    for raw in whole.splitlines(keepends=True):
        offset += len(raw)
        at, _, text = raw.rstrip(b"\n").partition(b"\t")
        # A client may ask from the middle of a line, which begins with any text.
        known = at.isdigit() and len(at) <= _TIME_DIGITS
        found.append(Line(int(at) if known else 0, text.decode("utf-8", "replace"), offset))
    return found, offset, is_end


def length(m: Machinery, run_id: str) -> int:
    """Return how many bytes there are so far. Only of an attempt that still runs is anything read for that."""
    run = runs.get(m, run_id)
    if run is None:
        return 0
    end = sum(m.store.size(log_key(run.id, attempt)) or 0 for attempt in range(1, run.attempt + 1))
    while chunk := read(m, run_id, end, TAIL_BYTES)[0]:
        end += len(chunk)
    return end


def tail_offset(m: Machinery, run_id: str, count: int) -> int:
    """Return the offset at which the last `count` lines begin."""
    end = length(m, run_id)
    chunk = _rest(m, run_id, max(0, end - TAIL_BYTES))
    pieces = chunk.splitlines(keepends=True)[-count:] if count > 0 else []
    return end - sum(map(len, pieces))


def tail_of_several(m: Machinery, run_ids: Sequence[str], count: int) -> int:
    """Return the offset, in the log that several runs wrote, at which the last `count` lines begin."""
    start = sum(length(m, run_id) for run_id in run_ids)
    for run_id in reversed(run_ids):
        begin = tail_offset(m, run_id, count)
        chunk = _rest(m, run_id, begin)
        start -= len(chunk)
        count -= chunk.count(b"\n")
        if begin > 0 or count <= 0:
            break
    return max(0, start)


def _rest(m: Machinery, run_id: str, offset: int) -> bytes:
    found = b""
    while chunk := read(m, run_id, offset + len(found), TAIL_BYTES)[0]:
        found += chunk
    return found


def _live(m: Machinery, run: Run, offset: int, size: int) -> tuple[bytes, bool]:
    if run.is_over:
        return b"", True  # it printed nothing that could be kept
    return m.compute.read_log(run.machine_id, offset, size), False


def several(m: Machinery, run_ids: Sequence[str], offset: int) -> tuple[list[Line], int, bool]:
    """Return lines of several runs as if they were one log, each after the one before: as `lines`."""
    before = 0
    for run_id in run_ids:
        found, end, is_end = lines(m, run_id, offset - before)
        if found or not is_end:
            return [replace(line, end=line.end + before) for line in found], end + before, is_end and run_id == run_ids[-1]
        before += length(m, run_id)
        offset = max(offset, before)
    return [], offset, True
