"""`python -m tulou` is the same program as `tulou`."""

from __future__ import annotations

from tulou.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
