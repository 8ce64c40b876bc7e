"""Secure Boot as firmware, shim and kernel do it: 2 boots and MokManager, 3 minutes.

The module is empty, which DKMS signs as it would NVIDIA's: the kernel asks of both the same
question.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import roots
from tests.vm import empty_module
from tests.vm.images import Base
from tests.vm.machine import Machine

KEY = "var/lib/dkms/mok.pub"
PASSWORD = "grindstone"
DOWN, ENTER = "\x1b[B", "\r"
REJECTED = "Key was rejected by service"


@pytest.fixture
def signed(vm_base: Base, tmp_path: Path) -> Iterator[Path]:
    """An archive of the module that DKMS has built and signed, its key, and one unsigned."""
    with roots.root_on([vm_base.root], tmp_path) as root:
        module = empty_module.install(root)
        root.command("objcopy", "--strip-debug", f"/{module}", "/root/unsigned.ko")
        archive = tmp_path / "signed.tar"
        subprocess.run(
            ["tar", "-cf", str(archive), "-C", str(root.path), module, KEY, "root/unsigned.ko"],
            check=True,
        )
        yield archive


def test_a_module_loads_only_signed_and_once_its_key_is_enrolled_on_the_console(
    guest: Callable[..., Machine], signed: Path
) -> None:
    machine = guest(secure_boot=True)
    machine.boot()
    assert machine.command("mokutil --sb-state").strip() == "SecureBoot enabled"
    machine.unpack(signed)
    machine.command("depmod")
    for module in ("modprobe empty", "insmod /root/unsigned.ko"):
        status, output = machine.run(module)
        assert status != 0
        assert REJECTED in output

    words = f"{PASSWORD}\\n{PASSWORD}\\n"
    machine.command(f"printf '{words}' | mokutil --import /{KEY}")
    machine.run("systemctl reboot")
    enrol(machine)
    machine.wait_until_ready()
    assert "is already enrolled" in machine.run(f"mokutil --test-key /{KEY}")[1]
    machine.command("modprobe empty")
    status, output = machine.run("rmmod empty && insmod /root/unsigned.ko")
    assert status != 0
    assert REJECTED in output


def enrol(machine: Machine) -> None:
    """What a person does in MokManager, the blue screen of the next start."""
    for seen, keys in (
        ("Press any key to perform MOK management", ENTER),
        ("Enroll MOK", DOWN + ENTER),
        ("View key 0", DOWN + ENTER),
        (r"Enroll the key\(s\)\?", DOWN + ENTER),
        ("Password:", PASSWORD + ENTER),
        ("Reboot", ENTER),
    ):
        machine.console.wait_for(seen)
        machine.console.send(keys)
