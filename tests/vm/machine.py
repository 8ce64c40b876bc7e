"""A virtual machine: qemu without KVM, OVMF, one disk, ssh on a port of the loopback.

A reset of the guest goes through the firmware, shim and grub again, so the kernel that its own
grub.cfg names is the one that boots, after Ansible's reboot as after a power cut.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from tests.roles.roots import HERE, Played
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
BOOT_S = 300  # the longest that a boot may take; 25 s on two idle cores
READY = r"vm: ready ([0-9a-f-]{36})"


def missing() -> str:
    """Why no machine can be started here, "" where one can."""
    packages = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if not (FIRMWARE / "OVMF_CODE_4M.secboot.fd").exists():
        packages.append("ovmf")
    return f"it boots a virtual machine, so it needs {', '.join(packages)}" if packages else ""


class Console:
    """The serial console of a guest: what it has printed, and its keyboard."""

    def __init__(self, qemu: subprocess.Popen[bytes], log: Path) -> None:
        self._qemu = qemu
        self._log = log
        self._text = ""
        self._seen = 0
        self._ended = False
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._qemu.stdout
        with self._log.open("ab") as log:
            while piece := self._qemu.stdout.read1(65536):  # type: ignore[attr-defined]
                log.write(piece)
                log.flush()
                with self._more:
                    self._text += piece.decode("utf-8", "replace")
                    self._more.notify_all()
        with self._more:
            self._ended = True
            self._more.notify_all()

    def wait_for(self, pattern: str, limit_s: float) -> re.Match[str]:
        """Waits for `pattern` after what earlier calls have found, and returns the match."""
        until = monotonic() + limit_s
        with self._more:
            while not (found := re.compile(pattern).search(self._text, self._seen)):
                left = until - monotonic()
                tail = self._text[-2000:]
                if self._ended:
                    raise AssertionError(f"qemu ended before «{pattern}» was printed:\n{tail}")
                if left <= 0 or not self._more.wait(left):
                    raise AssertionError(f"no «{pattern}» within {limit_s} s:\n{tail}")
            self._seen = found.end()
        return found

    def send(self, keys: str) -> None:
        """Types `keys` on the console."""
        assert self._qemu.stdin
        self._qemu.stdin.write(keys.encode())
        self._qemu.stdin.flush()

    def close(self) -> None:
        """Reads what is left, once qemu has ended."""
        self._reader.join()


def ansible_environment() -> dict[str, str]:
    return {**os.environ, "ANSIBLE_CONFIG": str(HERE / "ansible.cfg"), "LC_ALL": "C.UTF-8"}


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
    _qemu: subprocess.Popen[bytes] | None = None
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
        assert self._qemu is None
        # Secure Boot's firmware works in SMM, where two processors can hang in a reset.
        code, smm, processors = "OVMF_CODE_4M.fd", "off", "2"
        if self.secure_boot:
            code, smm, processors = "OVMF_CODE_4M.secboot.fd", "on", "1"
        command = [
            *("setpriv", "--pdeathsig", "KILL"),  # no machine outlives a killed test
            *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max"),
            *("-machine", f"q35,smm={smm}", "-smp", processors, "-m", "2048"),
            *("-global", f"driver=cfi.pflash01,property=secure,value={smm}"),
            *("-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={FIRMWARE / code}"),
            *("-drive", f"if=pflash,unit=1,format=raw,file={self.variables}"),
            *("-drive", f"if=virtio,format=qcow2,file={self.disk}"),
            *("-nic", f"user,model=virtio,hostfwd=tcp:127.0.0.1:{self.port}-:22"),
            *("-device", "virtio-rng", "-display", "none", "-monitor", "none", "-serial", "stdio"),
        ]
        self._qemu = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        atexit.register(self.power_cut)
        self._console = Console(self._qemu, self.disk.with_suffix(".console"))

    def wait_until_ready(self, limit_s: float = BOOT_S) -> str:
        """Waits until ssh answers and returns the boot's id."""
        return self.console.wait_for(READY, limit_s)[1]

    def boot(self) -> str:
        """Starts the machine, waits until ssh answers and returns the boot's id."""
        self.power_on()
        return self.wait_until_ready()

    def power_cut(self) -> None:
        """Ends qemu at once: what the guest had not written to its disk is lost."""
        if self._qemu is None:
            return
        self._qemu.kill()
        self._qemu.wait()
        self.console.close()
        for pipe in (self._qemu.stdin, self._qemu.stdout):
            assert pipe
            pipe.close()
        self._qemu = self._console = None
        atexit.unregister(self.power_cut)

    def shut_down(self) -> None:
        """Has the guest write everything and end."""
        assert self._qemu
        self.command("systemctl", "poweroff")
        self._qemu.wait(BOOT_S)
        self.power_cut()

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
        tell = "echo vm: there >/dev/ttyS0"
        watch = f"--path-property='PathExistsGlob={pattern}'"
        self.command(f"systemd-run --quiet {watch} sh -c '{tell}'")

    def run(self, command: str, limit_s: float = 600) -> tuple[int, str]:
        """Runs a shell's command in the guest and returns its status and what it printed."""
        with self.start(command) as running:
            try:
                output, _ = running.communicate(timeout=limit_s)
            except subprocess.TimeoutExpired:
                running.kill()
                raise
        return running.returncode, output

    def inventory(self, **variables: object) -> Path:
        """Writes an inventory in which this is the one host, «guest»."""
        host = {
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_user": "root",
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_common_args": " ".join(self.ssh),
            **variables,
        }
        path = self.disk.with_suffix(".json")
        path.write_text(json.dumps({"all": {"hosts": {"guest": host}}}), encoding="utf-8")
        return path

    def ansible(self, module: str, arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs one module of Ansible on the guest."""
        command = ["adhoc", "guest", "-i", str(self.inventory()), "-m", module, "-a", arguments]
        return subprocess.run(
            [sys.executable, "-m", "ansible", *command],
            cwd=HERE,
            env=ansible_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def play(self, playbook: str, *arguments: str, **variables: object) -> Played:
        """Runs a playbook on the guest to its end."""
        with self.start_playbook(playbook, *arguments, **variables) as running:
            output, _ = running.communicate()
        counts = re.search(r"^guest +: (.*)$", output, re.MULTILINE)
        recap = re.findall(r"(\w+)=(\d+)", counts.group(1)) if counts else []
        return Played(running.returncode, output, {name: int(count) for name, count in recap})

    def start_playbook(
        self, playbook: str, *arguments: str, **variables: object
    ) -> subprocess.Popen[str]:
        """Starts a playbook on the guest."""
        inventory = str(self.inventory(**variables))
        return subprocess.Popen(
            [sys.executable, "-m", "ansible", "playbook", playbook, "-i", inventory, *arguments],
            cwd=HERE,
            env=ansible_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # so that a test can kill all of it
        )

    def unpack(self, archive: Path) -> None:
        """Unpacks a tar archive over the guest's root."""
        with archive.open("rb") as file:
            to = ["ssh", *self.ssh, "-p", str(self.port), "root@127.0.0.1", "tar -xC /"]
            subprocess.run(to, stdin=file, check=True)

    def command(self, *words: str, limit_s: float = 600) -> str:
        """Runs a command in the guest that has to succeed and returns what it prints."""
        status, output = self.run(" ".join(words), limit_s)
        assert status == 0, f"{words} ended with {status}:\n{output}"
        return output


@contextmanager
def machine(
    base: Base, below: Path, folder: Path, *, secure_boot: bool = False
) -> Iterator[Machine]:
    """A machine in `folder` on what it changes of the disk `below`; it ends with the block."""
    disk = folder / "disk.qcow2"
    kind = "raw" if below.suffix == ".img" else "qcow2"
    create = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", kind, "-b", str(below), str(disk)]
    subprocess.run(create, check=True)
    made = Machine(base, disk, secure_boot)
    keys = "OVMF_VARS_4M.ms.fd" if secure_boot else "OVMF_VARS_4M.fd"
    shutil.copyfile(FIRMWARE / keys, made.variables)
    try:
        yield made
    finally:
        made.power_cut()
        disk.unlink()
