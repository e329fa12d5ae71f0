"""Say why a run ended, for its owner."""

from __future__ import annotations

from tulou.features.runs import logs
from tulou.features.runs.model import Run
from tulou.platform.machinery import Machinery

TAIL_LINES = 20


def ended(run: Run, what: str) -> str:
    """Return in one sentence how `what` (`The application`) ended."""
    if run.phase == "oom":
        return f"{what} used more memory than it may: {run.order.memory_mb} MB."
    if run.phase == "timeout":
        return f"{what} took longer than it may: {run.order.timeout_s or 0:.0f} s."
    if run.phase == "lost":
        return f"{what} was lost with the machine that it ran on."
    if run.detail:
        return f"{what} failed. {run.detail}"
    if run.phase == "stopped":
        return f"{what} was stopped."
    return f"{what} ended with exit code {run.exit_code if run.exit_code is not None else 'unknown'}."


def with_tail(m: Machinery, run: Run, sentence: str) -> str:
    """Return the sentence, and below it the last lines that the run printed."""
    found, _, _ = logs.lines(m, run.id, logs.tail_offset(m, run.id, TAIL_LINES))
    return "\n".join([sentence, *(line.text for line in found)])
