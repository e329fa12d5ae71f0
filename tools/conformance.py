"""Run huggingface_hub's own test-suite against a fresh hub: `HF_VERSION=2.4.0 SET=core XET=1 make conformance`.

HF_VERSION  version of the client and of its suite        SET   core | copy | buckets
XET         1: the client as installed, 0: without hf_xet  FILES names of test files, instead of the whole set
ENDPOINT    a hub that is running already and seeded with tests/conformance/seed.yaml; empty: start one

Only tests that talked to the hub are counted. Exit status 1 if one failed that tests/conformance/later.toml does not list.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.venvs import Environment, python_of  # noqa: E402 - the repository is not a package

HERE = ROOT / "tests" / "conformance"
FILE_SECONDS = 900
SETS = {
    "core": (
        "test_cache_layout",
        "test_cli",
        "test_cli_discussions",
        "test_commit_scheduler",
        "test_file_download",
        "test_hf_api",
        "test_hf_file_system",
        "test_hub_mixin",
        "test_inference_async_client",
        "test_inference_providers",
        "test_kernels",
        "test_oauth",
        "test_repocard",
        "test_snapshot_download",
        "test_utils_http",
        "test_xet_upload",
        "test_upload_large_folder",
    ),
    "copy": ("test_copy_files",),
    "buckets": ("test_buckets", "test_buckets_cli", "test_buckets_hf_file_system"),
}
NEEDS = (
    "pytest",
    "pytest-timeout",
    "pytest-mock",
    "pytest-asyncio",
    "pytest-env",
    "pytest-rerunfailures",
    "pytest-vcr",
    "urllib3<2",
    "jedi",
    "Jinja2",
    "numpy",
    "Pillow",
    "soundfile",
    "fastapi",
    "authlib",
    "itsdangerous",
    "httpx",
    "hf_xet",
)
PYTEST_INI = """[pytest]
addopts = -Werror::FutureWarning -p no:cacheprovider
asyncio_default_fixture_loop_scope = function
"""
SAMPLE_CARD = """---
language:
- en
license: mit
library_name: pytorch
tags:
- image-classification
---

# A small card
"""


@dataclass(frozen=True, slots=True)
class Later:
    """A feature that is not built yet, and the tests that wait for it."""

    feature: str
    reason: str
    patterns: tuple[str, ...]
    exceptions: tuple[str, ...]

    def covers(self, test: str) -> bool:
        """True if the test waits for this feature."""
        return test not in self.exceptions and any(fnmatch(test, pattern) for pattern in self.patterns)


def load_later(version: str) -> list[Later]:
    """Read the expected failures that apply to a version of the client."""
    table = tomllib.loads((HERE / "later.toml").read_text())
    rows = {name: row for name, row in table.items() if row.get("version", version) == version}
    return [Later(name, row["reason"], tuple(row["tests"]), tuple(row.get("except", ()))) for name, row in rows.items()]


def unpack_suite(version: str, python: Path) -> Path:
    """Return a folder that holds `tests/` as the client's source package has it."""
    cache = ROOT / ".cache" / "conformance"
    folder = cache / f"suite-{version}"
    if not (folder / "tests").exists():
        cache.mkdir(parents=True, exist_ok=True)
        run = [str(python), "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "huggingface_hub", "-d", str(cache)]
        subprocess.run([*run, f"huggingface_hub=={version}"], check=True)
        with tarfile.open(cache / f"huggingface_hub-{version}.tar.gz") as archive:
            wanted = [m for m in archive.getmembers() if m.name.startswith(f"huggingface_hub-{version}/tests/")]
            archive.extractall(cache / "unpacked", members=wanted, filter="data")
        folder.mkdir()
        (cache / "unpacked" / f"huggingface_hub-{version}" / "tests").rename(folder / "tests")
    return folder


def prepare(suite: Path, work: Path, endpoint: str) -> Path:
    """Copy the suite for one run, with the endpoint put where a few tests spell the staging host out."""
    run = work / "suite"
    shutil.copytree(suite, run)
    for path in (run / "tests").glob("test_*.py"):
        path.write_text(path.read_text().replace("https://hub-ci.huggingface.co", endpoint))
    (run / "tests" / "__init__.py").touch()
    # Some tests import this name from their conftest, for an annotation.
    (run / "tests" / "conftest.py").write_text("RepoFactory = object\n")
    (run / "pytest.ini").write_text(PYTEST_INI)
    (run / "tests" / "fixtures" / "cards").mkdir(parents=True, exist_ok=True)
    (run / "tests" / "fixtures" / "cards" / "sample_simple.md").write_text(SAMPLE_CARD)
    return run


@contextmanager
def hub(work: Path) -> Iterator[str]:
    """Start a hub on an empty folder with what the suite expects on it; yield its address."""
    program = [sys.executable, "-m", "tulou"]
    data = work / "data"
    subprocess.run(
        [*program, "seed", str(HERE / "seed.yaml"), "--data", str(data)], check=True, cwd=ROOT, stdout=subprocess.DEVNULL
    )
    environ = {**os.environ, "TULOU_RATE_LIMIT_API": "0", "TULOU_RATE_LIMIT_RESOLVE": "0"}
    with (
        (work / "hub.log").open("wb") as log,
        subprocess.Popen(
            [*program, "up", "--data", str(data), "--port", "0", "--no-demo"],
            cwd=ROOT,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            yield ready_address(process)
        finally:
            process.terminate()
            process.wait(30)
            shutil.copy(work / "hub.log", ROOT / ".cache" / "conformance" / "hub.log")


def ready_address(process: subprocess.Popen[str]) -> str:
    """Wait for the line in which a starting hub says where it is."""
    for line in process.stdout or ():
        if "tulou is ready at " in line:
            return line.rsplit(" ", 1)[1].strip().rstrip("/")
    raise RuntimeError("the hub ended before it was ready")


def run_file(python: Path, suite: Path, file: str, endpoint: str, work: Path, *, xet: bool) -> list[dict[str, str]]:
    """Run one test file and return a result for each test that talked to the hub."""
    results = work / f"{file}.jsonl"
    environ = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("HF_", "HUGGING", "TRANSFORMERS_")) and not k.lower().endswith("_proxy")
    }
    environ |= {
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(work / "home"),
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "DISABLE_SYMLINKS_IN_WINDOWS_TESTS": "1",
        "HF_XET_CLIENT_RETRY_MAX_ATTEMPTS": "1",
        "HF_XET_CLIENT_RETRY_BASE_DELAY": "100ms",
        "CONFORMANCE_SUITE": str(suite),
        "CONFORMANCE_RESULTS": str(results),
        "PYTHONPATH": str(HERE),
    }
    if not xet:
        environ["HF_HUB_DISABLE_XET"] = "1"
    command = [
        str(python),
        "-m",
        "pytest",
        "-c",
        str(suite / "pytest.ini"),
        "--rootdir",
        str(suite),
        "-p",
        "harness",
        "-q",
        "--tb=short",
    ]
    command += [
        "--timeout=60",
        *(["-k", os.environ["KEXPR"]] if os.environ.get("KEXPR") else []),
        str(suite / "tests" / f"{file}.py"),
    ]
    with (work / "pytest.log").open("ab") as log:
        try:
            subprocess.run(
                command,
                env=environ,
                cwd=suite,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                timeout=FILE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return [{"test": f"{file}.py", "outcome": "failed", "why": f"did not end within {FILE_SECONDS} s"}]
    if not results.exists():
        return [] if os.environ.get("KEXPR") else [{"test": f"{file}.py", "outcome": "failed", "why": "no result: see the log"}]
    found = [json.loads(line) for line in results.read_text().splitlines()]
    return [{**result, "test": result["test"].removeprefix("tests/")} for result in found if result["contacted"]]


def report(results: list[dict[str, str]], later: list[Later]) -> int:
    """Print what did not go as expected, the features that wait, and the totals. Returns the exit status."""
    failed = [result for result in results if result["outcome"] == "failed"]
    excused = {result["test"]: row for result in failed for row in later if row.covers(result["test"])}
    for row in later:
        waiting = [test for test, owner in excused.items() if owner is row]
        if waiting:
            print(f"later: {row.feature}: {len(waiting)} tests. {row.reason}")
    for result in results:
        if result["outcome"] == "passed" and any(row.covers(result["test"]) for row in later):
            print(f"passes although it is listed as later: {result['test']}")
    unexpected = [result for result in failed if result["test"] not in excused]
    for result in unexpected:
        print(f"FAILED {result['test']}\n       {result['why']}")
    count = Counter(result["outcome"] for result in results)
    print(f"{count['passed']} passed, {len(unexpected)} failed, {len(excused)} later, {count['skipped']} skipped")
    return 1 if unexpected else 0


def main() -> int:
    """Run the chosen set."""
    version, chosen, xet = os.environ.get("HF_VERSION", "2.4.0"), os.environ.get("SET", "core"), os.environ.get("XET", "1") != "0"
    python = python_of(f"conformance-{version}", Environment((f"huggingface_hub[oauth]=={version}", *NEEDS)))
    suite = unpack_suite(version, python)
    files = [name.removesuffix(".py") for name in os.environ.get("FILES", "").split()] or SETS[chosen]
    results: list[dict[str, str]] = []
    with tempfile.TemporaryDirectory(prefix="tulou-conformance-", ignore_cleanup_errors=True) as folder:
        work = Path(folder)
        given = os.environ.get("ENDPOINT", "").rstrip("/")
        with _given(given) if given else hub(work) as endpoint:
            run = prepare(suite, work, endpoint)
            for file in files:
                if (run / "tests" / f"{file}.py").exists():
                    done = run_file(python, run, file, endpoint, work, xet=xet)
                    count = Counter(result["outcome"] for result in done)
                    print(f"{file}: {count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped", flush=True)
                    results += done
        (ROOT / ".cache" / "conformance" / "results.json").write_text(json.dumps(results, indent=1))
        shutil.copy(work / "pytest.log", ROOT / ".cache" / "conformance" / "pytest.log")
    print(f"huggingface_hub {version}, SET={chosen}, XET={int(xet)}:")
    return report(results, load_later(version))


@contextmanager
def _given(endpoint: str) -> Iterator[str]:
    yield endpoint


if __name__ == "__main__":
    raise SystemExit(main())
