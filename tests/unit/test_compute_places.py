"""Where the paths of a run lie when there is no sandbox to mount them in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tulou.platform.compute.base import Mount, RunSpec
from tulou.platform.compute.local import order

FOLDER = Path("/data/runs/x")
SPEC = RunSpec(
    "x", "job", ("python", "/data/in/train.py", "--out=/data/in"), cwd="/tmp",
    mounts=(Mount(Path("/tmp/clone/tulou"), "/tmp/clone/tulou"), Mount(Path("/store/7"), "/data/in")),
    env={"PYTHONPATH": "/tmp/clone:/data/in", "OWN": "/tmp/mine", "URL": "http://host/tmp/x"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("PYTHONPATH", "/tmp/clone:/store/7"),  # above what is shown where it lies, and the place of a mount
        ("OWN", "/data/runs/x/tmp/mine"),
        ("URL", "http://host/tmp/x"),
        ("HOME", "/data/runs/x/home"),
        ("TMPDIR", "/data/runs/x/tmp"),
    ],
)
def test_a_variable_names_the_real_place(name: str, expected: str):
    assert order._plainly(SPEC, FOLDER)["env"][name] == expected


def test_arguments_and_the_working_folder_name_real_places():
    plainly = order._plainly(SPEC, FOLDER)
    assert plainly["argv"] == ["python", "/store/7/train.py", "--out=/data/in"]
    assert plainly["cwd"] == "/data/runs/x/tmp"
