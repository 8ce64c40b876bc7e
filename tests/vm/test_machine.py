"""The machine of these tests itself: 2 boots, 1 minute."""

from __future__ import annotations

from collections.abc import Callable

from tests.vm.machine import Machine


def test_a_guest_boots_again_with_its_disk_after_a_power_cut(guest: Callable[..., Machine]) -> None:
    machine = guest()
    first = machine.boot()
    assert machine.command("cat /proc/sys/kernel/random/boot_id").strip() == first
    machine.command("echo kept >/root/kept && sync")
    machine.power_cut()
    assert machine.boot() != first
    assert machine.command("cat /root/kept") == "kept\n"
