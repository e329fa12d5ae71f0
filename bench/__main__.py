"""`python -m bench [name …]`: run the measurements, print the table, write bench/results.json."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
import time
from pathlib import Path

from bench.result import Result, Skipped, machine, table

NAMES = (
    "resolve", "start", "commit", "changed", "download", "trees", "lists", "pages", "viewer", "docs", "sandbox", "apps", "wake",
)  # fmt: skip
RESULTS = Path(__file__).with_name("results.json")


def main() -> int:
    """Return 1 if a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"which: {', '.join(NAMES)} (default: all)")
    parser.add_argument("--work", type=Path, help="where to keep data while measuring: about 8 GB (default: a temporary folder)")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"there is no bench called {', '.join(sorted(unknown))}")
    results: list[Result | Skipped] = []
    before = machine()
    for name in arguments.names or NAMES:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=f"tulou-bench-{name}-", dir=arguments.work) as work:
            for result in importlib.import_module(f"bench.{name}").run(Path(work)):
                results.append(result)
                print(table([result]).splitlines()[-1], flush=True)
        print(f"{name} took {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    report = {"machine": {"before": before, "after": machine()}, "results": [_json(result) for result in results]}
    RESULTS.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    print("\n" + table(results))
    after = report["machine"]["after"]
    what = f"{after['cores']} cores, {after['processor']}, Python {after['python']}"
    print(f"\n{what}; load before {before['load'][0]}, after {after['load'][0]}")
    if max(before["load"][0], after["load"][1]) > 0.5 * after["cores"]:
        print("The machine was busy with other work: plain times are too long, ratios are rounds side by side and hold better.")
    return 1 if any(isinstance(result, Result) and not result.is_met for result in results) else 0


def _json(result: Result | Skipped) -> dict[str, object]:
    return result.to_json() if isinstance(result, Result) else {"name": result.name, "skipped": result.reason}


if __name__ == "__main__":
    sys.exit(main())
