"""The contract and the ways out once more, for a hub that is no root: where the tests run as root, another user runs them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = [pytest.mark.story, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
SOMEBODY = 65533
TESTS = ("test_compute_contract.py", "test_sandbox.py", "test_sandbox_egress.py")


def interpreter() -> str:
    """Return a Python like ours that everybody may run."""
    minor = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for program in (sys.executable, shutil.which(minor, path="/usr/local/bin:/usr/bin")):
        with suppress(OSError, subprocess.SubprocessError):
            as_somebody([program or "", "-c", ""], {}, check=True)
            return program or ""
    pytest.skip(f"no {minor} here that another user may run")


def as_somebody(command: list[str], env: dict[str, str], *, check: bool) -> subprocess.CompletedProcess[str]:
    who = {"user": SOMEBODY, "group": SOMEBODY, "extra_groups": []}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=check, env=env, **who)


@pytest.fixture
def theirs():
    """A folder of theirs. pytest's own lie where only their maker may enter."""
    with tempfile.TemporaryDirectory(prefix="tulou-ordinary-") as folder:
        os.chown(folder, SOMEBODY, SOMEBODY)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="these tests run as an ordinary user already")
@pytest.mark.timeout(300)
def test_an_ordinary_users_hub_keeps_the_contract(theirs: Path):
    program = interpreter()
    tests = [str(Path(__file__).with_name(name)) for name in TESTS]
    options = ["-q", "-p", "no:cacheprovider", f"--basetemp={theirs}/tests", "-k", "not process"]
    packages = [path for path in sys.path if "site-packages" in path]
    env = {"PATH": os.environ["PATH"], "HOME": str(theirs), "PYTHONPATH": os.pathsep.join([str(ROOT), *packages])}
    done = as_somebody([program, "-B", "-m", "pytest", *options, *tests], env, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
