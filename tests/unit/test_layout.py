"""The layout as a test: sizes, sentences, private SQL, and who may touch the disk or start a process."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "tulou"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "migrations/versions" not in path.as_posix())
FILE_LINES, FUNCTION_LINES = 400, 60

DURABLE = {"os.replace", "os.rename", "os.renames", "os.link", "os.unlink", "os.remove", "os.fsync", "os.fdatasync", "shutil.move"}
DURABLE_METHODS = {"rename", "hardlink_to", "unlink"}
"""Methods of Path that do the same. `replace` is missing: strings and dataclasses have one too."""
PROCESSES = {
    "os.system", "os.popen", "os.fork", "os.execv", "os.execve", "os.posix_spawn", "subprocess.run", "subprocess.Popen", "subprocess.call",
    "subprocess.check_call", "subprocess.check_output", "asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell",
}
NEVER = {"pickle.load", "pickle.loads", "marshal.loads", "eval", "exec", "time.sleep", "yaml.load", "yaml.unsafe_load", "yaml.full_load"}
MAY_SPAWN = ("platform/git/run.py", "platform/xet/")
MAY_LOAD_YAML = "wire/frontmatter.py"
# The background worker and the command line are no request: they may wait.
MAY_SLEEP = ("cli/", "platform/jobs/")
# The two places where somebody else's mistake must not end the program: a request, and a background task. Both log the trace.
BOUNDARIES = {"delivery/kit/dispatch.py", "platform/jobs/worker.py"}
HEAVY = {"torch", "pyarrow", "duckdb", "transformers", "datasets", "huggingface_hub", "hf_xet", "alembic"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


every_file = pytest.mark.parametrize("path", FILES, ids=name_of)


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def functions(tree: ast.Module) -> Iterator[Function]:
    yield from (node for node in ast.walk(tree) if isinstance(node, Function))


def calls(tree: ast.Module) -> Iterator[tuple[int, str]]:
    yield from ((node.lineno, ast.unparse(node.func)) for node in ast.walk(tree) if isinstance(node, ast.Call))


@every_file
def test_a_file_says_in_one_sentence_what_it_is_for(path: Path):
    text = ast.get_docstring(tree_of(path)) or ""
    first = text.split("\n\n")[0]
    assert first, "begin the file with one sentence: what is it for?"
    assert first.rstrip().endswith((".", "?", "!", "…")), "make it a sentence"


@every_file
def test_a_file_is_one_idea_and_fits_in_400_lines(path: Path):
    assert len(path.read_text().splitlines()) <= FILE_LINES, "split it by use-case"


@every_file
def test_a_function_fits_on_a_screen(path: Path):
    long = {f.name: f.end_lineno - f.lineno + 1 for f in functions(tree_of(path)) if (f.end_lineno or 0) - f.lineno >= FUNCTION_LINES}
    assert not long, "give its steps names of their own"


@every_file
def test_every_function_says_what_it_takes_and_returns(path: Path):
    untyped = []
    for function in functions(tree_of(path)):
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        bare = [a.arg for a in arguments if a.annotation is None and a.arg not in {"self", "cls"}]
        if bare or function.returns is None:
            untyped.append(function.name)
    assert untyped == []


@every_file
def test_only_fsio_renames_links_unlinks_or_syncs(path: Path):
    if name_of(path).startswith("fsio/"):
        pytest.skip("this is fsio")
    found = [
        (line, call) for line, call in calls(tree_of(path))
        if call in DURABLE or ("." in call and call.rsplit(".", 1)[1] in DURABLE_METHODS)
    ]
    assert found == []


@every_file
def test_only_the_named_places_start_processes(path: Path):
    if name_of(path).startswith(MAY_SPAWN):
        pytest.skip("a place that may")
    assert [(line, call) for line, call in calls(tree_of(path)) if call in PROCESSES] == []


@every_file
def test_nothing_loads_code_or_sleeps(path: Path):
    allowed = set()
    if name_of(path) == MAY_LOAD_YAML:
        allowed |= {"yaml.load"}
    if name_of(path).startswith(MAY_SLEEP):
        allowed |= {"time.sleep"}
    assert [(line, call) for line, call in calls(tree_of(path)) if call in NEVER - allowed] == []


@every_file
def test_a_broad_except_raises_again(path: Path):
    swallowed = []
    for node in ast.walk(tree_of(path)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = "everything" if node.type is None else ast.unparse(node.type)
        broad = node.type is None or {"Exception", "BaseException"} & set(caught.strip("()").split(", "))
        if broad and name_of(path) not in BOUNDARIES and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node)):
            swallowed.append((node.lineno, caught))
    assert swallowed == []


@every_file
def test_queries_are_private_to_their_slice(path: Path):
    home = name_of(path).rsplit("/", 1)[0]
    foreign = []
    for node in ast.walk(tree_of(path)):
        modules = []
        if isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        for module in modules:
            parts = module.split(".")
            if parts[:2] == ["tulou", "features"] and parts[-1] == "queries" and "/".join(parts[1:-1]) != home:
                foreign.append(module)
    assert foreign == []


@every_file
def test_input_is_never_checked_with_assert(path: Path):
    assert [node.lineno for node in ast.walk(tree_of(path)) if isinstance(node, ast.Assert)] == []


@every_file
def test_postponed_annotations_everywhere(path: Path):
    body = [node for node in tree_of(path).body if not isinstance(node, ast.Expr)]
    if not body or (path.name == "__init__.py" and not any(isinstance(node, Function | ast.ClassDef) for node in body)):
        pytest.skip("nothing to annotate")
    first = body[0]
    assert isinstance(first, ast.ImportFrom), "from __future__ import annotations"
    assert first.module == "__future__"


def test_importing_the_hub_loads_no_heavy_library():
    program = f"import sys, tulou.app; tulou.app.routes(); print(sorted(set(sys.modules) & {HEAVY!r}))"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=PACKAGE.parent, env={"PATH": os.environ["PATH"]}
    )
    assert done.stdout.strip() == "[]"
