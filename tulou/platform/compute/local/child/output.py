"""Turn what a run prints into its log: whole lines with their time, bounded, readable, without its secrets."""

from __future__ import annotations

import os

LINE_BYTES = 16 * 1024
"""A longer line is cut into several."""
_LINE_LETTERS = LINE_BYTES
"""The cut itself is made between letters, whatever their size."""
PARTIAL_S = 0.2
"""An unfinished line is written after so long."""
REDRAW_S = 1.0
"""The same for a line that the program draws over, as progress bars do: only its last state counts."""
_MIN_SECRET = 8
_REDACTED = b"[secret]"


class Output:
    """The log of one run. `now` is Unix milliseconds, `clock` seconds of any steady clock."""

    def __init__(self, fd: int, *, limit: int, secrets: list[str]) -> None:
        self._fd = fd
        self._left = limit
        self._needles = needles(secrets)
        self._tail = b""
        self._since = 0.0
        self.dropped = False

    def due(self) -> float | None:
        """Return when the unfinished line must be written."""
        if not self._tail or self.dropped:
            return None
        return self._since + (REDRAW_S if b"\r" in self._tail else PARTIAL_S)

    def feed(self, chunk: bytes, now: int, clock: float) -> None:
        """Take what the program wrote."""
        if self.dropped:
            return
        whole, end, tail = (self._tail + chunk).rpartition(b"\n")
        if end:
            self._write(whole, now)
        if not self._tail or end:
            self._since = clock
        self._tail = tail
        if len(tail) >= LINE_BYTES and not self._may_hold_a_secret(tail):
            self.flush(now)

    def _may_hold_a_secret(self, tail: bytes) -> bool:
        """Whether a secret may have begun at the end of a long line: the rest of it is waited for, within reason."""
        return len(tail) < 4 * LINE_BYTES and any(_ends_within(tail, needle) for needle in self._needles)

    def flush(self, now: int) -> None:
        """Write the unfinished line as it is."""
        if self._tail:
            tail, self._tail = self._tail, b""
            self._write(tail, now)

    def note(self, text: str, now: int) -> None:
        """Write a line of our own, past the limit."""
        self.flush(now)
        self._put(b"%d\t%s\n" % (now, text.encode()))

    def _write(self, whole: bytes, now: int) -> None:
        """Write whole lines, given without the last one's end."""
        stamp = b"%d\t" % now
        for needle in self._needles:
            whole = whole.replace(needle, _REDACTED)
        text = whole.decode("utf-8", "replace").replace("\0", "\ufffd")
        lines = text.split("\n")
        if "\r" in text or max(map(len, lines)) > _LINE_LETTERS:
            lines = [piece for line in lines for piece in _pieces(line)]
        self._within_limit(stamp + "\n".join(lines).encode().replace(b"\n", b"\n" + stamp) + b"\n", stamp)

    def _within_limit(self, ready: bytes, stamp: bytes) -> None:
        if len(ready) <= self._left:
            self._left -= len(ready)
            self._put(ready)
            return
        kept, end, _ = ready[: self._left].rpartition(b"\n")
        self._put(kept + end + stamp + b"[the log is full: what follows is not kept]\n")
        self.dropped = True
        self._tail = b""

    def _put(self, content: bytes) -> None:
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError:
            # The disk is full: the run goes on, and its log ends here.
            self.dropped = True


def _ends_within(tail: bytes, needle: bytes) -> bool:
    """Whether the end of `tail` is the beginning of `needle`, without trying all its beginnings: a secret may be long."""
    at = len(tail)
    first = max(0, len(tail) - len(needle) + 1)
    while (at := tail.rfind(needle[:1], first, at)) >= 0:
        # Its last letter decides most.
        if needle[len(tail) - at - 1] == tail[-1] and needle.startswith(tail[at:]):
            return True
    return False


def _pieces(line: str) -> list[str]:
    """Return what a line looks like in the end, where the program drew over it, cut where it is too long."""
    shown = line.rstrip("\r").rpartition("\r")[2]
    return [shown[at : at + _LINE_LETTERS] for at in range(0, len(shown), _LINE_LETTERS)] or [""]


def needles(secrets: list[str]) -> list[bytes]:
    """Return what to look for: each line of each secret that is long enough not to be an ordinary word, longest first."""
    found = {line.strip() for secret in secrets for line in secret.splitlines()}
    return sorted((line.encode() for line in found if len(line) >= _MIN_SECRET), key=len, reverse=True)
