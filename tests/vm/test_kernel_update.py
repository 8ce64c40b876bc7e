"""A newer kernel comes by apt, and a reboot by Ansible: 2 boots, 5 minutes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import roots
from tests.vm import empty_module, images, machine
from tests.vm.console import LIMIT_S

pytestmark = pytest.mark.skipif(
    os.environ.get("GRINDSTONE_VM") != "all", reason="it takes 5 minutes: set GRINDSTONE_VM=all"
)


@pytest.fixture
def prepared(vm_base: images.Base, tmp_path: Path) -> Iterator[machine.Machine]:
    """A machine whose root has DKMS, a module by it and the headers' meta-package."""
    disk = tmp_path / "prepared.img"
    with roots.root_on([vm_base.root], tmp_path) as root:
        empty_module.install(root)
        images.write_disk_of(root, disk)
    roots.discard(tmp_path)
    with machine.machine(vm_base, disk, tmp_path) as made:
        yield made
    disk.unlink()


def test_a_module_is_there_for_a_newer_kernel_after_its_update_and_a_reboot(
    prepared: machine.Machine,
) -> None:
    before = prepared.boot()
    old = prepared.command("uname -r").strip()
    prepared.command("modprobe empty")
    prepared.command("DEBIAN_FRONTEND=noninteractive apt-get install --yes linux-image-amd64")
    done = prepared.ansible("ansible.builtin.reboot", f"reboot_timeout={LIMIT_S}")
    assert done.returncode == 0, f"{done.stdout}\n{prepared.console.tail}"
    assert prepared.wait_until_ready() != before
    new = prepared.command("uname -r").strip()
    assert new != old
    assert new in prepared.command("modinfo --field filename empty")
    prepared.command("modprobe empty")
