"""Everything that answers questions about tables: who reads rows, who scans, who runs queries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tulou.fsio import atomic
from tulou.platform.tabular.console import Console
from tulou.platform.tabular.pool import Lane, Terms, cpus
from tulou.platform.tabular.vectors import Vectors

READ_SECONDS = 15.0
SCAN_SECONDS = 30.0
_GIB = 1 << 30


class Tables:
    """Children over the files below `read`. Nothing is started before somebody asks."""

    def __init__(self, work: Path, read: Sequence[Path]) -> None:
        # Beside the folder of uploads, which is empty when nothing is under way; swept with it when this process is gone.
        self.scratch = work.with_name(f"{work.name}-tables")
        places = tuple(str(path) for path in read)
        for path in (*read, self.scratch):
            atomic.make_dirs(path)  # a child may go only where there is something when it starts
        own = (str(self.scratch),)
        self.reader = Lane("reader", Terms(_GIB, read=places, write=own), most=min(2, cpus()), waiting=20)
        self.scanner = Lane("scanner", Terms(3 * _GIB, file_bytes=8 * _GIB, read=places, write=own), most=1, waiting=4)
        self.vectors = Vectors(self.scratch)
        self.console = Console()

    def close(self) -> None:
        """End every child."""
        self.reader.close()
        self.scanner.close()
        self.console.close()
        atomic.remove_tree(self.scratch)
