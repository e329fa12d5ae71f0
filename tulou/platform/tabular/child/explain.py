"""What the pass may find wrong with a dataset, in the words and codes that the viewer answers with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tulou.platform.tabular.child.line import HubGone

_CHARS = 400


class Problem(Exception):
    """Something about the data is wrong. `cause` is what the library said about it, for those who may read the data."""

    def __init__(self, code: str, message: str, cause: BaseException | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.cause_name = type(cause).__name__ if cause is not None else None
        self.cause_text = _plain(str(cause)) if cause is not None else None

    def facts(self) -> dict[str, str | None]:
        """Return it as the hub keeps it."""
        return {"code": self.code, "message": self.message, "cause": self.cause_name, "cause_message": self.cause_text}


@contextmanager
def explained(code: str, message: str) -> Iterator[None]:
    """Turn whatever the library raises inside into a Problem."""
    try:
        yield
    except (Problem, HubGone):
        raise
    except MemoryError as cause:
        raise Problem("TooBigContentError", "The data needs more memory, once unpacked, than the viewer may use.") from cause
    except Exception as cause:
        if "malloc of size" in str(cause) or "realloc of size" in str(cause):
            raise Problem("TooBigContentError", "The data needs more memory, once unpacked, than the viewer may use.") from cause
        raise Problem(code, message, cause) from cause


def _plain(text: str) -> str:
    """Return one printable line without our own names for places."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text.replace("repo://files/", "")).split())
    return line if len(line) <= _CHARS else line[:_CHARS] + "…"
