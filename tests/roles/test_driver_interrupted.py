"""The role nvidia_driver killed at every point where a package manager is at work, and run again.

The hosts are played together; each waits at its own point until all of them are killed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import interruption, mock_arch
from tests.support.driver_hosts import NOBLE, Case, Outcome, hosts, install, outcome
from tests.support.driver_play import (
    assert_done,
    assert_same,
    files,
    play_all,
    remove_all,
    start_all,
    state,
)
from tests.support.playbook import PlayResult
from tests.support.roots import Entry, Root, Tree, changed

KERNEL, KVM = "6.8.0-88-generic", "6.8.0-1039-kvm"
STOCK, ZEN = (mock_arch.ARCH_KERNELS[name][1] for name in ("linux", "linux-zen"))
# The system, where it is killed, and the kernels that have the module in the end.
KILLED: dict[str, tuple[Case, str, set[str]]] = {
    "unpacking": (Case(), "unpacking", {KERNEL}),
    "configuring": (Case(), "configuring", {KERNEL}),
    "joining the module": (Case(), "module", {KERNEL}),
    "initramfs": (Case(), "initramfs", {KERNEL}),
    "dkms": (Case(prepare=install("linux-kvm")), "dkms", {KERNEL, KVM}),
    "arch before": (Case("arch"), "before", {STOCK}),
    "arch after": (Case("arch"), "after", {STOCK}),
    "arch initramfs": (Case("arch"), "initramfs", {STOCK}),
    "arch dkms": (Case("arch", install("linux-zen")), "dkms", {STOCK, ZEN}),
    "arch half recorded": (Case("arch"), "after", {STOCK}),
}
REMOVED: dict[str, tuple[Case, str, set[str]]] = {
    "removed": (Case(), "configuring", set()),
    "arch removed": (Case("arch"), "after", set()),
}
AGAIN = ("configuring", "dkms", "arch dkms", "arch half recorded")  # run a third time
LOCK = "var/lib/pacman/db.lck"


@dataclass(frozen=True)
class Runs:
    """What the runs after the kill came to, by host.

    noted, locked: whether it left a ledger, and pacman's lock.
    """

    hosts: dict[str, Root]
    before: dict[str, tuple[list[str], Tree]]
    noted: dict[str, bool]
    locked: dict[str, bool]
    second: dict[str, PlayResult]
    outcomes: dict[str, Outcome]
    third: dict[str, PlayResult]
    repeated: dict[str, dict[str, tuple[Entry | None, Entry | None]]]


@pytest.fixture(scope="module")
def runs(
    base: Callable[[str], Path],  # noqa: ARG001, it skips
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Runs]:
    every = {**KILLED, **REMOVED}
    points = {name: point for name, (_, point, _) in every.items()}
    cases = {name: case for name, (case, _, _) in every.items()}
    with hosts(cases, tmp_path_factory.mktemp("hosts")) as roots:
        before = {name: state(roots[name]) for name in REMOVED}
        for name, root in roots.items():
            interruption.hold_at(points[name], root)
        # Each host goes on by itself, with a worker of its own to wait in.
        free = {"ANSIBLE_STRATEGY": "free", "ANSIBLE_FORKS": str(len(roots))}
        with start_all(roots, env=free) as running:
            interruption.kill_at([(points[name], root) for name, root in roots.items()], running)
        ledger = "var/lib/grindstone/ledger/nvidia_driver.json"
        noted = {name: (root.path / ledger).exists() for name, root in roots.items()}
        locked = {name: (root.path / LOCK).exists() for name, root in roots.items()}
        local = roots["arch half recorded"].path / "var/lib/pacman/local"
        record = next(local.glob("nvidia-utils-*"))
        for file in ("desc", "files"):  # as where the power was cut before they were written
            (record / file).unlink()
        for each in (roots["unpacking"].path / "var/lib/apt/lists").glob("*_Packages"):
            each.write_bytes(each.read_bytes()[:1000])  # as where only a part was written

        killed = {name: roots[name] for name in KILLED}
        second = play_all(killed)
        outcomes = {name: outcome(root) for name, root in killed.items()}
        again = {name: roots[name] for name in AGAIN}
        now = {name: files(root) for name, root in again.items()}
        third = play_all(again)
        repeated = {name: changed(now[name], files(root)) for name, root in again.items()}
        remove_all({name: roots[name] for name in REMOVED})
        yield Runs(roots, before, noted, locked, second, outcomes, third, repeated)


@pytest.mark.parametrize("name", KILLED)
def test_a_run_that_is_killed_is_finished_by_the_next(runs: Runs, name: str) -> None:
    assert runs.noted[name]
    assert_done(runs.second[name])
    done = runs.outcomes[name]
    assert set(done.modules) == KILLED[name][2]
    if KILLED[name][0].system == NOBLE:
        assert not runs.hosts[name].command("dpkg", "--audit")
        assert "nvidia-utils-580-server" in done.held
        assert "blacklist nouveau" in done.images[f"boot/initrd.img-{KERNEL}"]
    else:
        assert runs.locked[name] == (KILLED[name][1] != "initramfs")
        assert "nvidia-utils" in done.held
        hooks = done.images["boot/initramfs-linux.img"].splitlines()[0].split()
        assert "kms" not in hooks


@pytest.mark.parametrize("name", AGAIN)
def test_the_run_after_that_has_nothing_to_do(runs: Runs, name: str) -> None:
    assert_done(runs.third[name])
    assert runs.third[name].recap["changed"] == 0, runs.third[name].output
    assert runs.repeated[name] == {}


def test_a_package_that_a_killed_run_has_half_recorded_is_installed_anew(runs: Runs) -> None:
    root = runs.hosts["arch half recorded"]
    assert "/usr/bin/nvidia-smi" in root.command("pacman", "-Ql", "nvidia-utils")


@pytest.mark.parametrize("name", REMOVED)
def test_what_a_killed_run_has_begun_can_be_taken_back(runs: Runs, name: str) -> None:
    assert runs.noted[name]
    assert_same(runs.hosts[name], runs.before[name])
    assert not (runs.hosts[name].path / LOCK).exists()
