"""What a Compute promises, asked of this machine's at both levels at which it runs programs."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.compute import SMALL, Machine, has_limits, machine, pids_that_mention, until
from tulou.kernel.errors import ComputeOff
from tulou.platform.compute.base import Door, Mount, NoSuchRun, Resources, RunSpec, StartFailed

pytestmark = pytest.mark.story
SECRET = "hf_thisIsASecretOfSomebody"
SERVER = """
import socket, sys
made = socket.create_server(('127.0.0.1', int(sys.argv[1]))); print('up')
while True: line, _ = made.accept(); line.sendall(sys.argv[2].encode()); line.close()
"""
COUNTING = "import time\nfor i in range(100000):\n print(i)\n time.sleep(0.02)"


@pytest.fixture(scope="module", params=["sandbox", "process"])
def here(request, tmp_path_factory):
    with machine(tmp_path_factory.mktemp("compute") / "data", request.param) as made:
        yield made


def test_a_run_ends_as_its_program_does_and_the_same_id_runs_once(here: Machine):
    seen, said = here.run("print('hello')", id="once")
    assert (seen.phase, seen.exit_code, said) == ("succeeded", 0, "hello\n")
    assert seen.started_at <= seen.ended_at
    here.start("print('again')", id="once")
    assert here.said("once") == "hello\n"
    seen, _ = here.run("import sys; sys.exit(7)")
    assert (seen.phase, seen.exit_code) == ("failed", 7)


def test_a_program_that_is_not_there_fails_and_says_so(here: Machine):
    seen, said = here.run(("/no/such/program",))
    assert seen.phase == "failed"
    assert "No such file" in said


def test_a_run_has_its_environment_and_nothing_of_the_hubs(here: Machine, monkeypatch):
    monkeypatch.setenv("TULOU_TEST_OF_THE_HUB", "1")
    seen, said = here.run("import os; print(sorted(os.environ)); print(os.environ['A'])", env={"A": "1 'é\n2"})
    assert seen.phase == "succeeded"
    assert "TULOU_TEST_OF_THE_HUB" not in said
    assert said.endswith("1 'é\n2\n")


def test_secrets_reach_the_program_and_no_process_list_no_file_and_no_log(here: Machine):
    program = "import os,sys,time\nprint('got', len(os.environ['TOKEN']))\nprint('it is', os.environ['TOKEN'])\ntime.sleep(60)"
    run_id = here.start(program, secrets={"TOKEN": SECRET})
    said = here.until_said(run_id, "it is")
    assert said == f"got {len(SECRET)}\nit is [secret]\n"
    assert pids_that_mention(SECRET) == []
    files = [Path(folder) / name for folder, _, names in os.walk(here.folder) for name in names]
    assert [path for path in files if path.is_file() and SECRET.encode() in path.read_bytes()] == []
    here.compute.signal(run_id, "kill")


def test_the_log_is_read_live_from_any_offset(here: Machine):
    run_id = here.start(COUNTING)
    here.until_said(run_id, "\n5\n")
    first = here.compute.read_log(run_id, 0, 40)
    rest = until(lambda: (more := here.compute.read_log(run_id, len(first), 1 << 20)) and len(more) > 60 and more)
    lines = (first + rest).decode().splitlines()
    assert [line.split("\t")[1] for line in lines][:6] == list("012345")
    stamps = [int(line.split("\t")[0]) for line in lines]
    assert stamps == sorted(stamps)
    here.compute.signal(run_id, "kill")
    assert here.wait(run_id).phase == "stopped"
    assert here.compute.read_log("unknown", 0, 10) == b""
    assert here.compute.read_log("../secret.key", 0, 10) == b""


def test_an_unfinished_line_is_seen_before_it_is_finished(here: Machine):
    run_id = here.start("import time; print('password? ', end='', flush=True); time.sleep(60)")
    assert here.until_said(run_id, "password?") == "password? \n"
    here.compute.signal(run_id, "kill")


def test_a_run_is_paused_and_goes_on(here: Machine):
    run_id = here.start(COUNTING)
    here.until_said(run_id, "3\n")
    here.compute.signal(run_id, "pause")
    assert here.wait(run_id, "paused").phase == "paused"
    # Two reads of a counter that counts fifty times a second, with whole starts of other programs between them.
    until(lambda: here.run("pass")[0])
    before = here.said(run_id)
    here.run("pass")
    assert here.said(run_id) == before
    here.compute.signal(run_id, "resume")
    until(lambda: len(here.said(run_id)) > len(before))
    assert here.compute.observe([run_id])[run_id].phase == "running"
    here.compute.signal(run_id, "pause")
    here.compute.signal(run_id, "stop")
    assert here.wait(run_id).phase == "stopped"


def test_stopping_asks_first(here: Machine):
    program = "import signal,sys,time\nsignal.signal(15, lambda *_: sys.exit(print('bye')))\nprint('up')\ntime.sleep(60)"
    run_id = here.start(program)
    here.until_said(run_id, "up")
    here.compute.signal(run_id, "stop")
    assert here.wait(run_id).phase == "stopped"
    assert here.said(run_id) == "up\nbye\n"
    here.compute.signal(run_id, "stop")
    here.compute.signal("unknown", "kill")
    assert here.compute.observe(["unknown"]) == {}


def test_too_much_memory_too_much_time_and_a_lost_lease_are_told_apart(here: Machine):
    hog = here.start("x = []\nwhile True: x.append(bytearray(8 << 20))") if has_limits(here) else None
    slow = here.start("import time; time.sleep(60)", timeout_s=0.3)
    orphan = here.start("import time; time.sleep(60)", lease_s=0.5)
    kept = here.start(COUNTING, lease_s=3)
    began = time.monotonic()
    until(lambda: here.compute.signal(kept, "renew") or (time.monotonic() > began + 4 and "\n50\n" in here.said(kept)))
    assert here.compute.observe([kept])[kept].phase == "running"
    assert here.wait(slow).phase == "timeout"
    assert (here.wait(orphan).phase, here.wait(orphan).detail) == ("lost", "its lease was not renewed in time")
    assert here.wait(kept).phase == "lost"
    if hog:
        assert here.wait(hog).phase == "oom"
        assert here.wait(hog).usage.memory_peak > 100 << 20


def test_what_ends_ends_whole(here: Machine):
    leave_one = "if not os.fork():\n os.setsid()\n if not os.fork(): time.sleep(60)\n os._exit(0)"
    program = f"import os,time\n{leave_one}\nos.wait(); print('left one')"
    seen, said = here.run(("python3", "-uc", program, "survivor-mark"))
    assert (seen.phase, said) == ("succeeded", "left one\n")
    if here.node.level == "sandbox" or has_limits(here):
        assert pids_that_mention("survivor-mark") == []


def test_a_hub_that_starts_again_finds_its_runs_and_their_ends(here: Machine):
    """The hub's process is killed in the middle; the run goes on, ends, and the next hub has its exit code and its whole log."""
    program = "import time,sys\nfor i in range(40): print(i); time.sleep(0.05)\nsys.exit(5)"
    code = (
        "import os, sys, signal\nfrom pathlib import Path\nfrom tests.compute import *\n"
        "made = Machine(Path(sys.argv[1]), sys.argv[2])\nmade.start(sys.argv[3], id='survivor')\n"
        "made.until_said('survivor', '3\\n')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[2]
    hub = subprocess.run(
        [sys.executable, "-c", code, str(here.folder), here.node.level, program], cwd=root, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])},
    )  # fmt: skip
    assert hub.returncode == -signal.SIGKILL
    again = here.again()
    assert again.observe(["survivor"])["survivor"].phase == "running"
    seen = here.wait("survivor")
    assert (seen.phase, seen.exit_code) == ("failed", 5)
    assert here.said("survivor").split() == [str(number) for number in range(40)]


def test_a_keeper_that_was_killed_takes_its_run_along_and_the_run_is_lost(here: Machine):
    run_id = here.start(("python3", "-uc", COUNTING, "orphan-mark"))
    here.until_said(run_id, "1\n")
    os.kill(keeper_of(here, run_id), signal.SIGKILL)
    assert here.wait(run_id).phase == "lost"
    here.compute.forget(run_id)
    assert pids_that_mention("orphan-mark") == []
    assert run_id not in here.compute.observe()


def test_a_machine_that_shuts_down_lets_programs_end_and_the_hub_may_start_them_again(here: Machine):
    run_id = here.start(
        "import signal,sys,time\nsignal.signal(15, lambda *_: sys.exit(print('saved')))\nprint('up')\ntime.sleep(60)"
    )
    here.until_said(run_id, "up")
    os.kill(keeper_of(here, run_id), signal.SIGTERM)
    seen = here.wait(run_id)
    assert (seen.phase, seen.detail, here.said(run_id)) == ("lost", "its machine shut it down", "up\nsaved\n")


def keeper_of(here: Machine, run_id: str) -> int:
    events = map(json.loads, (here.folder / "runs" / run_id / "events").read_text().splitlines())
    return next(event["pid"] for event in events if event["what"] == "kept")


def test_folders_are_shown_as_asked(here: Machine, tmp_path: Path):
    for name in ("ro", "rw", "over"):
        (tmp_path / name).mkdir(mode=0o700)
        (tmp_path / name / "old").write_text(name)
    mounts = (Mount(tmp_path / "ro", "/in"), Mount(tmp_path / "rw", "/out", "rw"), Mount(tmp_path / "over", "/over", "overlay"))
    program = (
        "import sys\nfrom pathlib import Path\nplaces = [Path(p) for p in sys.argv[1:]]\n"
        "print([(p / 'old').read_text() for p in places])\n"
        "for p in places[1:]: (p / 'new').write_text('new'); (p / 'old').write_text('changed')\nprint('done')"
    )
    seen, said = here.run(("python3", "-uc", program, "/in", "/out", "/over"), mounts=mounts)
    assert (seen.phase, said) == ("succeeded", "['ro', 'rw', 'over']\ndone\n")
    assert (tmp_path / "rw/new").read_text() == "new"
    assert (tmp_path / "rw/old").read_text() == "changed"
    assert (tmp_path / "rw/new").stat().st_uid == os.geteuid()
    assert sorted(path.name for path in (tmp_path / "over").iterdir()) == ["old"]
    assert (tmp_path / "over/old").read_text() == "over"


def test_a_run_that_writes_more_than_it_may_keep_is_ended(here: Machine, tmp_path: Path):
    (tmp_path / "out").mkdir()
    program = "import sys,time\nfor i in range(40): open(f'{sys.argv[1]}/{i}', 'wb').write(bytes(1 << 20))\ntime.sleep(60)"
    run = here.start(
        ("python3", "-c", program, "/out"), mounts=(Mount(tmp_path / "out", "/out", "rw"),), resources=Resources(disk_mb=8)
    )
    seen = here.wait(run)
    assert (seen.phase, seen.detail) == ("failed", "It wrote more than it may keep.")


def test_a_run_that_cannot_be_is_refused_and_leaves_nothing(here: Machine, tmp_path: Path):
    bad = [
        RunSpec(id="../x", kind="test", argv=("true",)),
        RunSpec(id="bad", kind="test", argv=()),
        RunSpec(id="bad", kind="test", argv=("a\0b",)),
        RunSpec(id="bad", kind="test", argv=("true",), env={"A=B": "1"}),
        RunSpec(id="bad", kind="test", argv=("true",), mounts=(Mount(tmp_path, "/proc/x"),)),
        RunSpec(id="bad", kind="test", argv=("true",), mounts=(Mount(tmp_path, "relative"),)),
        RunSpec(id="bad", kind="test", argv=("true",), mounts=(Mount(tmp_path, "/a/../../b"),)),
        RunSpec(id="bad", kind="test", argv=("true",), mounts=(Mount(tmp_path / "absent", "/in"),)),
    ]
    for spec in bad:
        with pytest.raises(StartFailed) as refused:
            here.compute.start(spec)
        assert str(tmp_path) not in str(refused.value)
    assert "bad" not in here.compute.observe()
    seen, _ = here.run("pass", id="bad")
    assert seen.phase == "succeeded"


def test_what_runs_is_counted_and_what_is_forgotten_is_gone(here: Machine):
    here.clear()
    before = here.compute.nodes()[0].used
    run_id = here.start("import time; time.sleep(60)")
    used = here.compute.nodes()[0].used
    assert (used.memory_mb - before.memory_mb, used.cpus - before.cpus) == (SMALL.memory_mb, SMALL.cpus)
    here.compute.forget(run_id)
    assert here.compute.nodes()[0].used == before
    assert run_id not in here.compute.observe()
    assert not (here.folder / "runs" / run_id).exists()
    here.compute.forget(run_id)
    with pytest.raises(NoSuchRun):
        here.compute.address(run_id, 80)


def test_a_port_of_a_run_is_reached_and_no_longer_when_it_has_ended(here: Machine):
    ports = [free_port(), free_port()] if here.node.level == "process" else [7860, 7860]
    started = [here.start(("python3", "-uc", SERVER, str(port), name)) for port, name in zip(ports, ("one", "two"), strict=True)]
    for run_id, port, name in zip(started, ports, ("one", "two"), strict=True):
        here.until_said(run_id, "up")
        door = here.compute.address(run_id, port)
        with ThreadPoolExecutor(8) as threads:
            assert set(threads.map(fetch, [door] * 40)) == {name}
        # A hub that starts again comes in too.
        assert fetch(here.again().address(run_id, port)) == name
        here.compute.signal(run_id, "kill")
        here.wait(run_id)
        with pytest.raises(NoSuchRun):
            here.compute.address(run_id, port)
        with pytest.raises(OSError):
            fetch(door)


def fetch(door: Door) -> str:
    with door.make() if door.make else socket.socket() as line:
        line.settimeout(20)
        line.connect((door.host, door.port))
        return line.recv(100).decode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_frozen_run_is_forgotten_at_once(here: Machine):
    run_id = here.start(COUNTING)
    here.until_said(run_id, "1\n")
    here.compute.signal(run_id, "pause")
    here.wait(run_id, "paused")
    started = time.monotonic()
    here.compute.forget(run_id)
    assert time.monotonic() - started < 4
    assert run_id not in here.compute.observe()


def test_after_a_restart_of_the_machine_what_ran_is_lost_and_what_ended_has_ended(here: Machine):
    ended, _ = here.run("print('done')", id="ended-before")
    running = here.start("import time; time.sleep(60)")
    for run_id in ("ended-before", running):
        events = here.folder / "runs" / run_id / "events"
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        events.write_text(events.read_text().replace(boot, "11111111-2222-3333-4444-555555555555"))
    seen = here.compute.observe(["ended-before", running])
    assert seen["ended-before"] == ended
    assert seen[running].phase == "lost"
    here.compute.signal(running, "kill")


def test_a_hub_that_was_killed_while_it_started_a_run_leaves_a_lost_one(here: Machine):
    for run_id, age in (("half-new", 0), ("half-old", 3600)):
        folder = here.folder / "runs" / run_id
        folder.mkdir(mode=0o700)
        os.utime(folder, (folder.stat().st_mtime - age,) * 2)
    seen = here.compute.observe(["half-new", "half-old"])
    assert (seen["half-new"].phase, seen["half-old"].phase) == ("starting", "lost")
    for run_id in seen:
        here.compute.forget(run_id)
    assert here.compute.observe(seen) == {}


def test_compute_that_is_off_runs_only_the_hubs_own_programs(tmp_path: Path):
    with machine(tmp_path / "data", "off") as made:
        with pytest.raises(ComputeOff):
            made.start("pass")
        seen, said = made.run("print('ours')", program="ours")
        assert (seen.phase, said) == ("succeeded", "ours\n")
