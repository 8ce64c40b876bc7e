"""Machines behind real ssh: each a network namespace, with processes and a disk of its own.

They are told apart as machines are: by their addresses, on a bridge that reaches nothing else.
What a host runs is a process namespace, so that its end is a power cut; the disk outlives it.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.support import playbook
from tests.support.ansible_env import compiled_folder
from tests.support.cache import cache_folder, locked
from tests.support.environments import PYTHON
from tests.support.module_servers import for_host
from tests.support.playbook import PlayResult, Variables

SSHD = "/usr/sbin/sshd"
NEEDED = ("ip", "unshare", "ssh", SSHD)
# Reserved for measurements of networks (RFC 2544), and the local addresses of IPv6.
NETWORK, NETWORK_6 = "198.18.0", "fd5f:18::"
CONTROLLER = 1
_BOOT_S = 30.0
_NUMBERS = itertools.count(1)

# Its own temporary files of sshd, and its own home: what the machine's user has a shell run at its
# start may hold locks, which a power cut would leave behind for all.
_BOOT = """
mount -t tmpfs tmpfs /run && mkdir /run/sshd
mount -t overlay overlay -o lowerdir={base},upperdir={disk}/upper,workdir={disk}/work {base}
hostname {name}
{server} &
exec {sshd} -D -e -f {folder}/sshd_config
"""
_SSHD_CONFIG = """
HostKey {keys}/host
AuthorizedKeysFile {keys}/user.pub
ListenAddress {address}
PermitRootLogin yes
StrictModes no
UsePAM no
SetEnv HOME={home} PYTHONPATH={compiled} {environment}
PidFile none
Subsystem sftp internal-sftp
"""


def missing() -> str:
    """Why no such machines can be made here, "" where they can."""
    if os.getuid() != 0:
        return "it makes network namespaces, so it needs root"
    lacking = [name for name in NEEDED if not shutil.which(name)]
    if lacking:
        return f"it runs sshd in network namespaces, so it needs {', '.join(lacking)}"
    tried = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "no network namespace can be made here"


def run(*command: str) -> None:
    """Runs a command that has to succeed."""
    subprocess.run(command, check=True, capture_output=True)


@dataclass
class Host:
    """A machine.

    number: of its address.
    base: the folder that is the same on all at first, below the disk of each.
    folder: of what is its own.
    """

    name: str
    number: int
    network: str
    base: Path
    folder: Path
    keys: Path
    boots: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """That it is reached by."""
        return f"{NETWORK}.{self.number}"

    @property
    def disk(self) -> Path:
        """What it has written below `base`, there for us to read."""
        return self.folder / "disk/upper"

    @property
    def variables(self) -> Variables:
        """Its own of an inventory."""
        ssh = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=3"
        return {
            "ansible_host": self.address,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.keys / "user"),
            "ansible_ssh_common_args": f"{ssh} -o LogLevel=ERROR",
            "ansible_python_interpreter": for_host(PYTHON).interpreter,
        }

    def make(self, disk_mb: int) -> None:
        """Gives it an address and a disk."""
        inside, outside = f"{self.network}-{self.number}", f"h{self.number}"
        run("ip", "netns", "add", inside)
        pair = ["type", "veth", "peer", "name", "eth0", "netns", inside]
        run("ip", "-n", self.network, "link", "add", outside, *pair)
        run("ip", "-n", self.network, "link", "set", outside, "master", "br0")
        run("ip", "-n", inside, "address", "add", f"{self.address}/24", "dev", "eth0")
        six = f"{NETWORK_6}{self.number}/64"
        run("ip", "-n", inside, "address", "add", six, "dev", "eth0", "nodad")
        for device in ("lo", "eth0"):
            run("ip", "-n", inside, "link", "set", device, "up")
        (self.folder / "disk").mkdir(parents=True)
        options = ["-t", "tmpfs", "-o", f"size={disk_mb}m", "tmpfs"]
        run("mount", *options, str(self.folder / "disk"))
        for name in ("upper", "work"):
            (self.folder / "disk" / name).mkdir()
        (home := self.folder / "home").mkdir()
        text = _SSHD_CONFIG.format(
            keys=self.keys,
            address=self.address,
            home=home,
            compiled=compiled_folder(),
            environment=for_host(PYTHON).environment,
        )
        (self.folder / "sshd_config").write_text(text, encoding="utf-8")

    def boot(self) -> None:
        """Starts it, and waits until its sshd answers."""
        self.cable(plugged=True)
        script = _BOOT.format(
            base=self.base,
            disk=self.folder / "disk",
            name=self.name,
            server=for_host(PYTHON).server,
            folder=self.folder,
            sshd=SSHD,
        )
        own = ["--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc"]
        inside = ["ip", "netns", "exec", f"{self.network}-{self.number}", "unshare", *own]
        with (self.folder / "log").open("ab") as log:
            command = [*inside, "sh", "-ec", script]
            booted = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.boots.append(booted)
        ends = time.monotonic() + _BOOT_S
        while not self._answers():
            log_text = (self.folder / "log").read_text(encoding="utf-8")
            assert booted.poll() is None, log_text
            assert time.monotonic() < ends, log_text
            time.sleep(0.1)

    def _answers(self) -> bool:
        probe = f"exec 3<>/dev/tcp/{self.address}/22 && read -t 2 line <&3"
        command = ["ip", "netns", "exec", self.network, "bash", "-c", probe]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def cut_power(self) -> None:
        """Ends all that it runs at once; nobody hears of it."""
        self.cable(plugged=False)
        for boot in self.boots:
            boot.kill()
            boot.wait()
        self.boots.clear()

    def cable(self, *, plugged: bool) -> None:
        """Plugs its network cable, or pulls it."""
        state = "up" if plugged else "down"
        run("ip", "-n", self.network, "link", "set", f"h{self.number}", state)

    def drop_connections(self) -> int:
        """Ends the connections to its sshd, and tells how many there were."""
        ended = 0
        for boot in self.boots:
            for process in psutil.Process(boot.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    if process.cmdline()[:1] == ["sshd: root@notty"]:
                        process.kill()
                        ended += 1
        return ended

    def processes(self, word: str) -> list[psutil.Process]:
        """What it runs that has the word in its command line."""
        found = []
        for boot in self.boots:
            for process in psutil.Process(boot.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    if word in process.cmdline():
                        found.append(process)
        return found

    def remove(self) -> None:
        """Leaves nothing behind."""
        self.cut_power()
        run("umount", "--lazy", str(self.folder / "disk"))
        run("ip", "netns", "delete", f"{self.network}-{self.number}")


@dataclass
class Network:
    """Machines on one bridge; the controller is on it, too.

    base: what is the same on all.
    """

    name: str
    base: Path
    folder: Path
    hosts: dict[str, Host]

    def start(
        self, hosts: Mapping[str, Variables], book: str, *arguments: str
    ) -> subprocess.Popen[str]:
        """Starts a playbook against hosts."""
        sockets = self.folder / "s"
        sockets.mkdir(exist_ok=True)
        return playbook.start(
            hosts,
            self.folder / "inventory.json",
            book,
            *arguments,
            within=("ip", "netns", "exec", self.name),
            ANSIBLE_SSH_CONTROL_PATH_DIR=str(sockets),
        )

    def play(self, hosts: Mapping[str, Variables], book: str, *arguments: str) -> PlayResult:
        """Runs a playbook against hosts to its end."""
        return playbook.finish(self.start(hosts, book, *arguments))


@contextmanager
def network(names: Mapping[str, int], base: Path) -> Iterator[Network]:
    """Machines that have booted, by name, with so many MB of disk each.

    base: a folder that every one has as it is, and writes to for itself.
    """
    # Short: the path of a socket has 108 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="gs-", dir="/tmp"))
    own = f"gs{os.getpid()}-{next(_NUMBERS)}"
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        run("ip", "netns", "add", own)
        stack.callback(run, "ip", "netns", "delete", own)
        run("ip", "-n", own, "link", "add", "br0", "type", "bridge")
        run("ip", "-n", own, "address", "add", f"{NETWORK}.{CONTROLLER}/24", "dev", "br0")
        for device in ("lo", "br0"):
            run("ip", "-n", own, "link", "set", device, "up")
        for key in ("host", "user"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key))
        made = Network(own, base, folder, {})
        for number, (name, disk_mb) in enumerate(names.items(), CONTROLLER + 1):
            host = Host(name, number, own, base, folder / name, folder)
            host.make(disk_mb)
            stack.callback(host.remove)
            host.boot()
            made.hosts[name] = host
        yield made


def benchmark_base() -> Path:
    """A prefix with the benchmark's environment, made once and kept."""
    base = cache_folder() / "fleet"
    base.mkdir(parents=True, exist_ok=True)
    with locked(base.name):
        host = {"ansible_connection": "local", "ansible_python_interpreter": PYTHON}
        inventory = base / "inventory.json"
        uv = Path(sys.executable).with_name("uv")
        given = {"benchmark_prefix": str(base), "test_cache": str(cache_folder() / "uv")}
        given["test_uv"] = str(uv) if uv.exists() else ""
        book = "tests/roles/bench_environment.yml"
        more = ("--extra-vars", json.dumps(given))
        made = playbook.finish(playbook.start({"root": host}, inventory, book, *more))
    assert made.status == 0, made.output
    return base
