"""The patterns of .gitattributes and .gitignore mean what git says they mean, and none of them can stall the server."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tulou.kernel.errors import WireError
from tulou.wire import gitattributes, gitignore


@pytest.mark.parametrize(
    ("rules", "path", "expected"),
    [
        ("*.bin filter=lfs diff=lfs merge=lfs -text", "a/b/model.bin", True),
        ("*.bin filter=lfs", "model.bin.txt", False),
        ("*tfevents* filter=lfs", "runs/events.out.tfevents.123", True),
        ("saved_model/**/* filter=lfs", "saved_model/variables/v.data", True),
        ("saved_model/**/* filter=lfs", "saved_model/v.data", True),
        ("saved_model/**/* filter=lfs", "x/saved_model/v.data", False),
        ("*.bin filter=lfs\nsmall.bin -filter", "small.bin", False),
        ("*.bin filter=lfs\nsmall.bin !filter", "small.bin", False),
        ("*.bin filter=lfs\n*.bin filter=other", "a.bin", False),
        ("small.bin -filter\n*.bin filter=lfs", "small.bin", True),
        ("/top.dat filter=lfs", "sub/top.dat", False),
        ("/top.dat filter=lfs", "top.dat", True),
        ('"with space.bin" filter=lfs', "with space.bin", True),
        ("[attr]big filter=lfs -text\n*.pt big", "x.pt", True),
        ("# *.bin filter=lfs", "a.bin", False),
        ("*.[bB]in filter=lfs", "a.Bin", True),
        ("folder/ filter=lfs", "folder/x", False),
        ("*.bin diff=lfs", "a.bin", False),
    ],
)
def test_the_last_rule_that_fits_decides_about_large_file_storage(rules: str, path: str, *, expected: bool) -> None:
    assert gitattributes.parse(rules).is_lfs(path) is expected


@pytest.mark.parametrize(
    ("rules", "path", "expected"),
    [
        ("*.log", "a/b.log", True),
        ("*.log\n!keep.log", "keep.log", False),
        ("build/", "build/x/y", True),
        ("build/", "build", False),
        ("build/\n!build/keep", "build/keep", True),
        ("/dist", "dist/a", True),
        ("/dist", "x/dist/a", False),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("**/cache", "x/cache/f", True),
        ("docs/**", "docs", False),
        ("docs/**", "docs/x", True),
        (r"\#file", "#file", True),
        (r"\!file", "!file", True),
        ("name\\ ", "name ", True),
        ("name  ", "name", True),
        ("[", "[", False),
        ("*.py[cod]", "m.pyc", True),
        ("[!a]x", "bx", True),
        ("[!a]x", "ax", False),
        ("a[]-]b", "a]b", True),
        ("", "x", False),
    ],
)
def test_the_last_rule_that_fits_decides_what_is_ignored(rules: str, path: str, *, expected: bool) -> None:
    assert gitignore.parse(rules).ignores(path) is expected


@pytest.mark.parametrize("rule", ["*a" * 100 + "b", "[ab]*" * 60 + "c", "**/" * 80 + "x", "?" * 500])
def test_no_pattern_takes_more_than_a_moment(rule: str) -> None:
    started = time.process_time()
    gitignore.parse("\n".join([rule] * 50)).ignores("/".join(["a" * 250] * 4))
    gitattributes.parse(f"{rule} filter=lfs").is_lfs("a" * 1000)
    assert time.process_time() - started < 1


def test_a_file_of_rules_over_its_limit_is_refused() -> None:
    for parse in (gitignore.parse, gitattributes.parse):
        with pytest.raises(WireError):
            parse("*.x\n" * 20_000)


_LETTERS = st.text("ab*?[]!-/\\.", min_size=1, max_size=8)
_PART = st.text("ab.-", min_size=1, max_size=4).filter(lambda part: part not in {".", ".."})
_PATHS = st.lists(_PART, min_size=1, max_size=3).map("/".join)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("patterns")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rules=st.lists(_LETTERS, min_size=1, max_size=3), path=_PATHS)
def test_git_check_ignore_agrees(checkout: Path, rules: list[str], path: str) -> None:
    (checkout / ".gitignore").write_text("\n".join(rules) + "\n")
    asked = subprocess.run(
        ["git", "-C", str(checkout), "-c", "core.ignorecase=false", "check-ignore", "-q", "--no-index", "--", path], check=False
    )
    assert asked.returncode in {0, 1}
    assert gitignore.parse("\n".join(rules)).ignores(path) is (asked.returncode == 0)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rules=st.lists(_LETTERS.filter(lambda r: not r.startswith("!")), min_size=1, max_size=3), path=_PATHS)
def test_git_check_attr_agrees(checkout: Path, rules: list[str], path: str) -> None:
    text = "\n".join(f"{rule} filter={'lfs' if n % 2 == 0 else 'x'}" for n, rule in enumerate(rules))
    (checkout / ".gitattributes").write_text(text + "\n")
    asked = subprocess.run(
        ["git", "-C", str(checkout), "-c", "core.ignorecase=false", "check-attr", "filter", "--", path],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert gitattributes.parse(text).is_lfs(path) is asked.stdout.rstrip().endswith("filter: lfs")
