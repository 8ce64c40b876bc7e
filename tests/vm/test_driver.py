"""The driver's role over ssh: a power cut, its own reboot: 3 boots.

DKMS takes half an hour to build NVIDIA's module without KVM, so it is brought before, in a chroot,
built by an earlier test or there; the rest of the driver is installed in the machine.  nouveau is
loaded, as it is on a host with a GPU, and asks for the reboot.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import dkms_cache, roots
from tests.vm import gpu, images, machine

PLAYBOOK = "tests/roles/driver.yml"
BLACKLIST = "/etc/modprobe.d/grindstone-nouveau.conf"
UNPACKING = "/usr/lib/x86_64-linux-gnu/nvidia/current/*.dpkg-new"


@pytest.fixture
def half_way(vm_base: images.Base, tmp_path: Path) -> Iterator[machine.Machine]:
    """A machine with the newest kernel, and NVIDIA's module built for it."""
    disk = tmp_path / "half-way.img"
    with roots.root_on([vm_base.root], tmp_path) as root:
        bring_the_module(root)
        gpu.mock_gpu(root)
        images.write_disk_of(root, disk)
    roots.discard(tmp_path)
    with machine.machine(vm_base, disk, tmp_path) as made:
        yield made
    disk.unlink()


def bring_the_module(root: roots.Root) -> None:
    source = root.path / "etc/apt/sources.list.d/half-way.list"
    components = "contrib non-free non-free-firmware"
    for mirror in roots.mirror():
        source.write_text(f"deb {mirror} {images.SUITE} {components}\n", encoding="utf-8")
    install = ["apt-get", "install", "--yes", "--no-install-recommends"]
    old = images.kernels(root)
    root.command("apt-get", "update")
    root.command(*install, "linux-image-amd64", "linux-headers-amd64")
    if images.kernels(root) != old:  # a newer one than when the base was made
        root.command(
            "apt-get", "purge", "--yes", f"linux-image-{old[0]}", f"linux-headers-{old[0]}"
        )
    (new,) = images.kernels(root)
    by_hand = root.path / "etc/dkms/no-autoinstall"
    by_hand.parent.mkdir()
    by_hand.touch()
    root.command(*install, "nvidia-kernel-dkms")
    by_hand.unlink()
    package = root.command("dpkg-query", "-W", "-f", "${Version}", "nvidia-kernel-dkms")
    dkms_cache.install(root, package.split("-")[0], new)
    root.command(*install, "--download-only", "libcuda1", "nvidia-persistenced", "nvidia-smi")
    source.unlink()


def test_the_same_command_finishes_a_driver_after_a_power_cut_and_reboots_the_machine(
    half_way: machine.Machine,
) -> None:
    half_way.boot()
    half_way.tell_when_there(UNPACKING)
    with half_way.start_playbook(PLAYBOOK) as running:
        half_way.console.wait_for("vm: there")
        half_way.power_cut()
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()

    before = half_way.boot()
    assert half_way.command("dpkg", "--audit")
    half_way.command("modprobe", "nouveau")
    again = half_way.play(PLAYBOOK)
    assert again.status == 0, again.output
    assert half_way.wait_until_ready() != before
    half_way.command(f"test /initrd.img -nt {BLACKLIST}")
    assert not half_way.command("dpkg", "--audit")
    assert not half_way.run("lsmod | grep nouveau")[1]
    status, output = half_way.run("modprobe nvidia")
    assert status != 0
    assert "No such device" in output  # the module is the booted kernel's, and nothing is there
