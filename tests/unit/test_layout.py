"""The layout as a test: sizes, sentences, private SQL, and who may touch the disk or start a process.

Each test names the offending places as `file: what`.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "tulou"
TREES = {
    path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text())
    for path in sorted(PACKAGE.rglob("*.py"))
    # Migrations have the layout of their tool; templates are programs for others to change.
    if "migrations/versions" not in path.as_posix() and "tulou/space_templates" not in path.as_posix()
}
FILE_LINES, FUNCTION_LINES = 400, 60

DURABLE = {
    "os.replace",
    "os.rename",
    "os.renames",
    "os.link",
    "os.unlink",
    "os.remove",
    "os.fsync",
    "os.fdatasync",
    "shutil.move",
}
DURABLE_METHODS = {"rename", "hardlink_to", "unlink"}
"""Methods of Path that do the same. `replace` is missing: strings and dataclasses have one too."""
PROCESSES = {
    "os.system",
    "os.popen",
    "os.fork",
    "os.execv",
    "os.execve",
    "os.posix_spawn",
    "subprocess.run",
    "subprocess.Popen",
    "subprocess.call",
    "subprocess.check_call",
    "subprocess.check_output",
    "asyncio.create_subprocess_exec",
    "asyncio.create_subprocess_shell",
}
NEVER = {
    "pickle.load",
    "pickle.loads",
    "marshal.loads",
    "eval",
    "exec",
    "time.sleep",
    "yaml.load",
    "yaml.unsafe_load",
    "yaml.full_load",
}
HEAVY = {"torch", "pyarrow", "duckdb", "transformers", "datasets", "huggingface_hub", "hf_xet", "alembic"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Rule = Callable[[str, ast.Module], Iterable[str]]


def broken(rule: Rule) -> list[str]:
    return [f"{name}: {what}" for name, tree in TREES.items() for what in rule(name, tree)]


def functions(tree: ast.Module) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def calls(tree: ast.Module) -> Iterator[tuple[int, str]]:
    return ((node.lineno, ast.unparse(node.func)) for node in ast.walk(tree) if isinstance(node, ast.Call))


def test_every_file_says_in_one_sentence_what_it_is_for():
    def rule(_name: str, tree: ast.Module) -> Iterator[str]:
        first = (ast.get_docstring(tree) or "").split("\n\n")[0].rstrip()
        if not first.endswith((".", "?", "!", "…")):
            yield first or "says nothing"

    assert broken(rule) == []


def test_every_file_is_one_idea_and_fits_in_400_lines():
    lengths = {name: len((PACKAGE / name).read_text().splitlines()) for name in TREES}
    assert {name: length for name, length in lengths.items() if length > FILE_LINES} == {}


def test_every_function_fits_on_a_screen():
    def rule(_name: str, tree: ast.Module) -> Iterator[str]:
        return (f.name for f in functions(tree) if (f.end_lineno or 0) - f.lineno >= FUNCTION_LINES)

    assert broken(rule) == []


def test_every_function_says_what_it_takes_and_returns():
    def rule(_name: str, tree: ast.Module) -> Iterator[str]:
        for function in functions(tree):
            arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
            if function.returns is None or any(a.annotation is None and a.arg not in {"self", "cls"} for a in arguments):
                yield function.name

    assert broken(rule) == []


def test_only_fsio_renames_links_unlinks_or_syncs():
    def rule(name: str, tree: ast.Module) -> Iterator[str]:
        if not name.startswith("fsio/"):
            for line, call in calls(tree):
                if call in DURABLE or ("." in call and call.rsplit(".", 1)[1] in DURABLE_METHODS):
                    yield f"{line} {call}"

    assert broken(rule) == []


def test_only_the_named_places_start_processes():
    platform = ("git/run.py", "xet/", "compute/local/", "tabular/", "pysource/")

    def rule(name: str, tree: ast.Module) -> Iterator[str]:
        if not name.startswith(tuple(f"platform/{place}" for place in platform)):
            yield from (f"{line} {call}" for line, call in calls(tree) if call in PROCESSES)

    assert broken(rule) == []


def test_nothing_loads_code_or_sleeps():
    def rule(name: str, tree: ast.Module) -> Iterator[str]:
        allowed = {"yaml.load"} if name == "wire/frontmatter.py" else set()
        # The background worker and the command line are no request: they may wait.
        allowed |= {"time.sleep"} if name.startswith(("cli/", "platform/jobs/")) else set()
        yield from (f"{line} {call}" for line, call in calls(tree) if call in NEVER - allowed)

    assert broken(rule) == []


def test_a_broad_except_raises_again():
    # The outermost places, where a mistake in one request or one task is written to the log and ends there,
    # and the loop that looks after every run.
    ends = {"delivery/kit/dispatch.py", "platform/jobs/worker.py", "features/runs/reconcile.py"}

    def rule(name: str, tree: ast.Module) -> Iterator[str]:
        for node in ast.walk(tree) if name not in ends else ():
            if isinstance(node, ast.ExceptHandler):
                caught = {"Exception"} if node.type is None else set(ast.unparse(node.type).strip("()").split(", "))
                if caught & {"Exception", "BaseException"} and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node)):
                    yield str(node.lineno)

    assert broken(rule) == []


def test_queries_are_private_to_their_slice():
    def rule(name: str, tree: ast.Module) -> Iterator[str]:
        for module in imported(tree):
            parts = module.split(".")
            if parts[:2] == ["tulou", "features"] and parts[-1] == "queries" and "/".join(parts[1:-1]) != name.rsplit("/", 1)[0]:
                yield module

    assert broken(rule) == []


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_input_is_never_checked_with_assert():
    def rule(_name: str, tree: ast.Module) -> Iterator[str]:
        return (str(node.lineno) for node in ast.walk(tree) if isinstance(node, ast.Assert))

    assert broken(rule) == []


def test_annotations_are_postponed_everywhere():
    def rule(_name: str, tree: ast.Module) -> Iterator[str]:
        body = [node for node in tree.body if not isinstance(node, ast.Expr)]
        annotates = any(isinstance(node, Function | ast.ClassDef | ast.AnnAssign | ast.Import | ast.ImportFrom) for node in body)
        if annotates and not (isinstance(body[0], ast.ImportFrom) and body[0].module == "__future__"):
            yield "begin with: from __future__ import annotations"

    assert broken(rule) == []


def test_importing_the_hub_loads_no_heavy_library():
    program = f"import sys, tulou.app; tulou.app.routes(); print(sorted(set(sys.modules) & {HEAVY!r}))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=PACKAGE.parent,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.stdout.strip() == "[]"
