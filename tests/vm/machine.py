"""A virtual machine: qemu without KVM, OVMF, one disk, ssh on a port of the loopback.

A reboot of the guest goes through the firmware, shim and grub again, so the kernel that its own
grub.cfg names is the one that boots, after Ansible's reboot as after a power cut.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import module_servers
from tests.support import playbook as playbooks
from tests.support.playbook import PlayResult
from tests.vm.console import LIMIT_S, Console
from tests.vm.images import Base

FIRMWARE = Path("/usr/share/OVMF")
TOOLS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "mke2fs": "e2fsprogs",
    "sfdisk": "fdisk",
    "mkfs.fat": "dosfstools",
    "mcopy": "mtools",
    "setpriv": "util-linux",
    "ssh": "openssh-client",
}
READY = r"vm: ready ([0-9a-f-]{36})"


def missing() -> str:
    """Why no machine can be started here, "" where one can."""
    packages = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if not (FIRMWARE / "OVMF_CODE_4M.secboot.fd").exists():
        packages.append("ovmf")
    return f"it boots a virtual machine, so it needs {', '.join(packages)}" if packages else ""


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


@dataclass
class Machine:
    """A guest on `disk`; the firmware's variables lie beside it."""

    base: Base
    disk: Path
    secure_boot: bool
    port: int = field(default_factory=free_port)
    _console: Console | None = None

    @property
    def console(self) -> Console:
        assert self._console
        return self._console

    @property
    def variables(self) -> Path:
        """The firmware's variables: Secure Boot's keys and the requests to MokManager."""
        return self.disk.with_suffix(".vars")

    def power_on(self) -> None:
        """Starts qemu; the guest has not booted yet."""
        assert self._console is None
        code, smm = "OVMF_CODE_4M.fd", "off"
        if self.secure_boot:
            code, smm = "OVMF_CODE_4M.secboot.fd", "on"
        # One processor: two that wait for each other take longer where the host is busy.
        command = [
            *("setpriv", "--pdeathsig", "KILL"),  # no machine outlives a killed test
            *("nice", "-n", "-5"),  # one thread, and the longest of all tests: others wait for it
            # What a guest sees it loads drivers for: no CD, no screen, and no KVM of its own.
            *("qemu-system-x86_64", "-nodefaults", "-accel", "tcg", "-cpu", "qemu64,-svm"),
            *("-machine", f"q35,smm={smm}", "-smp", "1", "-m", "2048"),
            *("-global", f"driver=cfi.pflash01,property=secure,value={smm}"),
            *("-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={FIRMWARE / code}"),
            *("-drive", f"if=pflash,unit=1,format=raw,file={self.variables}"),
            # The cut ends qemu, not this host: what the guest has flushed need not reach the disk.
            *("-drive", f"if=virtio,format=qcow2,cache=unsafe,file={self.disk}"),
            *("-nic", f"user,model=virtio,hostfwd=tcp:127.0.0.1:{self.port}-:22"),
            *("-device", "virtio-rng", "-display", "none"),
        ]
        self._console = Console(command, self.disk.with_suffix(".console"))

    def wait_until_ready(self) -> str:
        """Waits until ssh answers and returns the boot's id."""
        return self.console.wait_for(READY)[1]

    def boot(self) -> str:
        """Starts the machine, waits until ssh answers and returns the boot's id."""
        self.power_on()
        return self.wait_until_ready()

    def power_cut(self) -> None:
        """Ends qemu at once: what the guest had not written to its disk is lost."""
        if self._console is not None:
            self._console.power_cut()
            self._console = None

    @property
    def ssh(self) -> list[str]:
        """The options that open the guest to ssh, and to Ansible's ssh."""
        return [
            *("-i", str(self.base.key), "-o", "HostKeyAlias=guest", "-o", "BatchMode=yes"),
            *("-o", f"UserKnownHostsFile={self.base.known_hosts}", "-o", "IdentitiesOnly=yes"),
            *("-o", "StrictHostKeyChecking=yes", "-F", "none"),
        ]

    def start(self, command: str) -> subprocess.Popen[str]:
        """Starts a shell's command in the guest."""
        return subprocess.Popen(
            ["ssh", *self.ssh, "-p", str(self.port), "root@127.0.0.1", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def tell_when_there(self, pattern: str) -> None:
        """Has the console say `vm: there` once a file of that pattern exists in the guest."""
        # Not as it is printed: while the machine boots, systemd shows the command there, too.
        tell = 'echo vm: ""there >/dev/ttyS0'
        watch = f"--path-property='PathExistsGlob={pattern}'"
        self.command(f"systemd-run --quiet {watch} sh -c '{tell}'")

    def run(self, command: str) -> tuple[int, str]:
        """Runs a shell's command in the guest and returns its status and what it printed."""
        with self.start(command) as running:
            try:
                output, _ = running.communicate(timeout=LIMIT_S)
            except subprocess.TimeoutExpired:
                running.kill()
                raise
        return running.returncode, output

    def play(self, playbook: str, *arguments: str, **variables: object) -> PlayResult:
        """Runs a playbook on the guest to its end."""
        return playbooks.finish(self.start_playbook(playbook, *arguments, **variables), "guest")

    def start_playbook(
        self, playbook: str, *arguments: str, **variables: object
    ) -> subprocess.Popen[str]:
        """Starts a playbook on the guest."""
        host = {
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_user": "root",
            "ansible_python_interpreter": module_servers.interpreter(),
            "ansible_ssh_common_args": " ".join(self.ssh),
            **variables,
        }
        inventory = self.disk.with_suffix(".json")
        return playbooks.start({"guest": host}, inventory, playbook, *arguments)

    def command(self, *words: str) -> str:
        """Runs a command in the guest that has to succeed and returns what it prints."""
        status, output = self.run(" ".join(words))
        assert status == 0, f"{words} ended with {status}:\n{output}"
        return output


@contextmanager
def machine(
    base: Base, below: Path, folder: Path, *, secure_boot: bool = False
) -> Iterator[Machine]:
    """A machine in `folder` on what it changes of the disk `below`; it ends with the block."""
    disk = folder / "disk.qcow2"
    create = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(below), str(disk)]
    subprocess.run(create, check=True)
    made = Machine(base, disk, secure_boot)
    keys = "OVMF_VARS_4M.ms.fd" if secure_boot else "OVMF_VARS_4M.fd"
    shutil.copyfile(FIRMWARE / keys, made.variables)
    try:
        yield made
    finally:
        made.power_cut()
        disk.unlink()
