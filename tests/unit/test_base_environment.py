"""The environment that every job on this machine's own Python begins with."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from tulou.features.runs import base
from tulou.platform.compute.base import StartFailed


def machinery(tmp_path: Path, **settings: str):
    chosen = {"data": tmp_path / "data", "python_index_url": "", "python_find_links": "", **settings}
    return SimpleNamespace(settings=SimpleNamespace(**chosen), work=tmp_path / "data" / "work")


def said(*command: str | Path) -> str:
    how = {"cwd": "/", "env": {"PATH": "/usr/bin:/bin"}, "timeout": 60}
    done = subprocess.run(command, capture_output=True, text=True, check=True, **how)
    return done.stdout.strip()


def test_it_has_python_pip_and_uv_and_everybody_can_read_it(tmp_path):
    before = os.umask(0o077)
    try:
        made = base.make(machinery(tmp_path))
    finally:
        os.umask(before)
    show = "import sys; print(sys.version.split()[0], sys.prefix)"
    assert said(made / "bin" / "python", "-c", show) == f"{platform.python_version()} {made}"
    assert said(made / "bin" / "pip", "--version").startswith("pip ")
    assert str(made) in said(made / "bin" / "pip", "--version")
    assert said(made / "bin" / "uv", "--version").startswith("uv ")
    assert said(made / "bin" / "python", "-c", "import importlib.util; print(importlib.util.find_spec('tulou'))") == "None"
    for path in (made, *made.rglob("*")):
        wanted = 0o5 if path.is_dir() or path.parent == made / "bin" else 0o4
        assert path.is_symlink() or path.stat().st_mode & 0o7 == wanted, path
    assert base.make(machinery(tmp_path)) == made
    assert [each.name for each in made.parent.iterdir()] == [made.name]
    assert list((tmp_path / "data" / "work").iterdir()) == []


def test_the_operators_index_and_wheels_are_named_and_mounted(tmp_path):
    (tmp_path / "wheels").mkdir()
    m = machinery(tmp_path, python_index_url="https://index.example/simple", python_find_links=f"{tmp_path}/wheels, /not/there")
    env = base.environment(m)
    assert env["PIP_INDEX_URL"] == env["UV_DEFAULT_INDEX"] == "https://index.example/simple"
    assert env["PIP_FIND_LINKS"] == env["UV_FIND_LINKS"] == str(tmp_path / "wheels")
    assert [(mount.source, mount.target, mount.mode) for mount in base.mounts(m)] == [
        ("base:", "/env", "overlay"), ("wheels:0", str(tmp_path / "wheels"), "ro"),
    ]  # fmt: skip
    assert base.find_wheels(m, "0") == tmp_path / "wheels"
    for gone in ("1", "x", ""):
        with pytest.raises(StartFailed):
            base.find_wheels(m, gone)


def test_without_settings_packages_come_from_where_pip_and_uv_look_themselves(tmp_path):
    m = machinery(tmp_path)
    assert not {"PIP_INDEX_URL", "UV_DEFAULT_INDEX", "PIP_FIND_LINKS"} & base.environment(m).keys()
    assert [mount.source for mount in base.mounts(m)] == ["base:"]
