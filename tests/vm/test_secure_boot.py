"""Secure Boot as firmware, shim and kernel do it, and an update of the kernel: 3 boots, MokManager.

The module is an empty one, which DKMS signs as it would NVIDIA's: the kernel asks of both the same
question.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import roots
from tests.support.weekly import weekly
from tests.vm import empty_module, images
from tests.vm.machine import Machine, machine

KEY = "/var/lib/dkms/mok.pub"
PASSWORD = "grindstone"
DOWN, ENTER = "\x1b[B", "\r"
# The oldest kernel that the mirror has, so that a newer one is there to be had as an update.
OLD_KERNEL = r"""
new=$(dpkg-query --show --showformat '${Package} ' 'linux-image-*')
old=$(apt-cache search --names-only '^linux-image-[0-9.]+-[0-9]+-amd64$' |
    cut -d' ' -f1 | sort -V | head -n 1)
apt-get install --yes --no-install-recommends "$old" "$(echo "$old" | sed s/image/headers/)"
apt-get purge --yes $new
apt-get clean
"""
REJECTED = "Key was rejected by service"


@pytest.fixture
def guest(vm_base: images.Base, tmp_path: Path) -> Iterator[Machine]:
    """A machine with DKMS, a module that it has signed, one unsigned, and a kernel to come."""
    disk = tmp_path / "prepared.img"
    with roots.root_on([vm_base.root], tmp_path) as root:
        root.command("apt-get", "update")
        root.command("sh", "-euc", OLD_KERNEL)
        module = empty_module.install(root)
        root.command("objcopy", "--strip-debug", f"/{module}", "/root/unsigned.ko")
        download = ["apt-get", "install", "--yes", "--no-install-recommends", "--download-only"]
        root.command(*download, "linux-image-amd64")
        images.write_disk_of(root, disk)
    roots.discard(tmp_path)
    with machine(vm_base, disk, tmp_path, secure_boot=True) as made:
        yield made
    disk.unlink()


def assert_rejected(guest: Machine, command: str) -> None:
    status, output = guest.run(command)
    assert status != 0
    assert REJECTED in output


@weekly("boots under Secure Boot: what is proven is Debian's part of it")
def test_a_module_loads_once_its_key_is_enrolled_and_for_the_next_kernel_too(
    guest: Machine,
) -> None:
    first = guest.boot()
    assert guest.command("cat /proc/sys/kernel/random/boot_id").strip() == first
    assert guest.command("mokutil --sb-state").strip() == "SecureBoot enabled"
    assert_rejected(guest, "modprobe empty")
    assert_rejected(guest, "insmod /root/unsigned.ko")

    words = f"{PASSWORD}\\n{PASSWORD}\\n"
    guest.command(f"printf '{words}' | mokutil --import {KEY}")
    guest.run("systemctl reboot")
    enrol(guest)
    second = guest.wait_until_ready()
    assert second != first
    assert "is already enrolled" in guest.run(f"mokutil --test-key {KEY}")[1]
    guest.command("modprobe empty")
    assert_rejected(guest, "rmmod empty && insmod /root/unsigned.ko")

    old = guest.command("uname -r").strip()
    guest.command("DEBIAN_FRONTEND=noninteractive apt-get install --yes linux-image-amd64")
    guest.run("systemctl reboot")
    assert guest.wait_until_ready() != second
    new = guest.command("uname -r").strip()
    assert new != old
    assert new in guest.command("modinfo --field filename empty")
    guest.command("modprobe empty")
    assert_rejected(guest, "rmmod empty && insmod /root/unsigned.ko")


def enrol(guest: Machine) -> None:
    """What a person does in MokManager, the blue screen of the next start."""
    for seen, keys in (
        ("Press any key to perform MOK management", ENTER),
        ("Enroll MOK", DOWN + ENTER),
        ("View key 0", DOWN + ENTER),
        (r"Enroll the key\(s\)\?", DOWN + ENTER),
        ("Password:", PASSWORD + ENTER),
        ("Reboot", ENTER),
    ):
        guest.console.wait_for(seen)
        guest.console.send(keys)
