"""A hostile program: it tries every way out of a sandbox that it knows, and prints what came of each as JSON."""

import ctypes
import errno
import fcntl
import json
import mmap
import os
import pty
import resource
import signal
import socket
import subprocess
import sys

FACTS = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
PROBES = {}


def probe(work):
    PROBES[work.__name__] = work
    return work


def call(number, *arguments):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def libc_call(name, *arguments):
    ctypes.set_errno(0)
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "")
    return "done"


def write(path):
    with open(path, "w") as file:
        file.write("1")
    return "written"


def connect(family, address, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as made:
        made.settimeout(2)
        made.connect(address)
        return "connected"


def in_child(work):
    """Return how a child that did the work ended."""
    pid = os.fork()
    if pid == 0:
        code = 90
        try:
            code = work() or 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


# Files.
@probe
def read_the_database():
    return open(FACTS["database"]).read(20)


@probe
def list_the_data_folder():
    return os.listdir(FACTS["data"])


@probe
def read_the_key_through_proc():
    return open(f"/proc/1/root{FACTS['data']}/secret.key").read()


@probe
def read_the_key_by_dots():
    return open(f"/in/../../../..{FACTS['data']}/secret.key").read()


@probe
def read_the_key_by_a_link_in_a_writable_folder():
    os.symlink(FACTS["data"] + "/secret.key", "/out/link-to-key")
    return open("/out/link-to-key").read()


@probe
def hard_link_a_read_only_file_into_a_writable_folder():
    os.link("/in/file", "/out/linked")


@probe
def read_the_folder_of_another_run():
    return os.listdir(f"{FACTS['data']}/runs/{FACTS['victim']}")


@probe
def read_shadow():
    return open("/etc/shadow").read()


@probe
def read_shadow_through_proc():
    return open("/proc/1/root/etc/shadow").read()


@probe
def read_keys_of_root():
    return os.listdir("/root/.ssh")


@probe
def read_names_of_people():
    return sorted(line.split(":")[0] for line in open("/etc/passwd"))


@probe
def write_usr():
    return write("/usr/bin/escape")


@probe
def write_etc():
    return write("/etc/passwd")


@probe
def write_the_root():
    return write("/escape")


@probe
def write_a_read_only_mount():
    return write("/in/file")


@probe
def write_dev():
    return write("/dev/escape")


@probe
def write_core_pattern():
    return write("/proc/sys/kernel/core_pattern")


@probe
def write_sysrq():
    return write("/proc/sysrq-trigger")


@probe
def write_memory_of_the_first_process():
    return open("/proc/1/mem", "r+b", buffering=0).closed


@probe
def read_kernel_memory():
    return os.open("/proc/kcore", os.O_RDONLY)


@probe
def escape_the_killer():
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write(str(FACTS["oom_score"] - 1))


@probe
def find_control_files():
    return os.listdir("/sys")


@probe
def find_devices():
    return sorted(set(os.listdir("/dev")) - {"fd", "stdin", "stdout", "stderr", "core", "ptmx", "pts", "shm", "console"})


@probe
def make_a_device():
    os.mknod("/out/vda", 0o600 | 0o060000, os.makedev(254, 0))


@probe
def open_a_disk():
    return os.open("/dev/vda", os.O_RDONLY)


@probe
def find_inherited_descriptors():
    return [fd for fd in range(3, 256) if is_open(fd)]


def is_open(fd):
    try:
        fcntl.fcntl(fd, fcntl.F_GETFD)
    except OSError:
        return False
    return True


# Rights.
def status(name):
    return next(line.split()[1] for line in open("/proc/self/status") if line.startswith(name + ":"))


@probe
def have_capabilities():
    return [status(name) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")]


@probe
def gain_rights_by_programs():
    return status("NoNewPrivs")


@probe
def gain_rights_by_setuid_files():
    return bool(os.statvfs("/usr").f_flag & os.ST_NOSUID), bool(os.statvfs("/out").f_flag & os.ST_NOSUID)


@probe
def become_root():
    os.setuid(0)


@probe
def change_groups():
    os.setgroups([0])


@probe
def be_scheduled_first():
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


@probe
def be_less_nice():
    os.setpriority(os.PRIO_PROCESS, 0, -5)


@probe
def change_the_name_of_the_machine():
    libc_call("sethostname", b"evil", 4)


@probe
def set_the_clock():
    import time

    time.clock_settime(time.CLOCK_REALTIME, 0)


# Other processes.
@probe
def see_processes_of_the_machine():
    return len([name for name in os.listdir("/proc") if name.isdecimal()]) > 10


@probe
def read_environments_of_others():
    return b"".join(
        open(f"/proc/{name}/environ", "rb").read()
        for name in os.listdir("/proc")
        if name.isdecimal() and int(name) not in {1, os.getpid()}
    ).decode()


@probe
def kill_the_hub():
    os.kill(FACTS["hub_pid"], 0)


@probe
def limit_the_hub():
    resource.prlimit(FACTS["hub_pid"], resource.RLIMIT_NOFILE)


@probe
def type_into_a_terminal():
    _, terminal = pty.openpty()
    fcntl.ioctl(terminal, 0x5412, b"x")


@probe
def find_shared_memory_of_the_machine():
    ctypes.set_errno(0)
    if libc.shmget(FACTS["shm_key"], 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "")
    return "found"


# System calls.
@probe
def unshare_a_user_namespace():
    libc_call("unshare", 0x10000000)


@probe
def unshare_a_mount_namespace():
    libc_call("unshare", 0x00020000)


@probe
def clone_into_a_user_namespace():
    call(FACTS["numbers"]["clone"], 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0)


@probe
def clone_by_the_new_call():
    call(435, 0, 0)


@probe
def mount_something():
    libc_call("mount", b"none", b"/tmp", b"tmpfs", ctypes.c_ulong(0), None)


@probe
def unmount_something():
    libc_call("umount2", b"/usr", 2)


@probe
def move_the_root():
    libc_call("chroot", b"/tmp")


@probe
def trace_a_process():
    libc_call("ptrace", 16, 1, 0, 0)


@probe
def change_how_programs_run():
    libc_call("personality", ctypes.c_ulong(0x0040000))


@probe
def every_refused_call():
    answers = {}
    for number in FACTS["refused"]:
        try:
            call(number, -1, -1, -1, -1, -1, -1)
            answers[number] = "done"
        except OSError as problem:
            answers[number] = errno.errorcode[problem.errno]
    return sorted(set(answers.values()))


@probe
def a_call_of_the_future():
    call(470, 0)


@probe
def a_call_of_the_other_convention():
    call(0x40000000 | 39)


@probe
def a_call_of_another_architecture():
    # mov eax, 20 (getpid of i386); int 0x80; ret
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    return in_child(lambda: ctypes.CFUNCTYPE(ctypes.c_int)(address)() and 91)


# Sockets.
@probe
def make_a_raw_socket():
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)


@probe
def make_a_packet_socket():
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)


@probe
def make_a_socket_to_the_hypervisor():
    socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)


@probe
def make_a_socket_to_the_kernels_ciphers():
    socket.socket(38, socket.SOCK_SEQPACKET)


@probe
def make_a_socket_to_the_firewall():
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)


@probe
def use_an_allowed_netlink_socket_to_add_an_address():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as made:
        # RTM_NEWADDR, request and acknowledgement, 10.0.0.1/8 on the loopback.
        body = b"\x02\x08\x00\x00" + (1).to_bytes(4, "little") + b"\x08\x00\x02\x00\x0a\x00\x00\x01"
        made.send((16 + len(body)).to_bytes(4, "little") + b"\x14\x00\x05\x06" + bytes(8) + body)
        number = -int.from_bytes(made.recv(4096)[16:20], "little", signed=True)
        raise OSError(number, "")


@probe
def connect_to_the_hub():
    return connect(socket.AF_INET, ("127.0.0.1", FACTS["port"]))


@probe
def connect_to_the_hub_by_version_6():
    return connect(socket.AF_INET6, ("::1", FACTS["port"]))


@probe
def connect_to_another_run():
    return connect(socket.AF_INET, ("127.0.0.1", FACTS["victim_port"]))


@probe
def connect_to_the_metadata_service():
    return connect(socket.AF_INET, ("169.254.169.254", 80))


@probe
def connect_to_the_internet():
    return connect(socket.AF_INET, ("198.51.100.7", 443))


@probe
def ask_a_name_server():
    return connect(socket.AF_INET, ("8.8.8.8", 53), socket.SOCK_DGRAM)


@probe
def resolve_a_name():
    try:
        return socket.getaddrinfo("example.com", 80)
    except socket.gaierror:
        return "no name"


@probe
def connect_to_an_abstract_socket_of_the_machine():
    return connect(socket.AF_UNIX, "\0" + FACTS["abstract"])


@probe
def connect_to_an_abstract_socket_of_another_run():
    return connect(socket.AF_UNIX, "\0" + FACTS["victim_abstract"])


@probe
def connect_to_a_socket_in_the_data_folder():
    return connect(socket.AF_UNIX, FACTS["socket"])


@probe
def connect_to_the_control_socket_of_the_run():
    return connect(socket.AF_UNIX, f"{FACTS['data']}/runs/{FACTS['own']}/control")


@probe
def connect_to_docker():
    return connect(socket.AF_UNIX, "/var/run/docker.sock")


@probe
def ask_a_setuid_program():
    done = subprocess.run(["/bin/su", "-c", "id -u", "root"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.stdout.decode()


def main():
    for name, work in PROBES.items():
        try:
            outcome = work()
        except OSError as problem:
            outcome = errno.errorcode.get(problem.errno, str(problem))
        print(json.dumps([name, outcome]), flush=True)


main()
