"""How long does a run of `site.yml` take that has nothing to do, and how does it grow with hosts?

    python -m pytest tests/bench/measure_site.py -s

Not part of `./run test`: it holds times.  Provisions one Debian 12 root, lays 1, 5 and 20 hosts as
overlays on it, connects by chroot, and runs `site.yml` RUNS times on each inventory, in turn with
all stages of the verification (`verify_force=true`) and as it is.  Prints the seconds, their ratio,
and for one host the slowest tasks.  The target for one host is 8 s on 2 cores.

Those have no GPU.  What a GPU adds is the driver: its second run, with the plan, is measured on a
Debian 12 where DKMS has built it for a mock Tesla T4, as if that kernel had loaded it;
NVIDIA's own role, which does no more than the driver, needs 4.4 s there.  The rest of the site
cannot go on without the hardware.

Needs root and mmdebstrap.  Run nothing else beside it.
"""

from __future__ import annotations

import re
import statistics
import time
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from tests.support import mock_gpu, playbook, roots
from tests.support.driver_play import DEBIAN_KERNEL, assert_done, debian_with_gpu, play

HOSTS = (1, 5, 20)
RUNS = 3
PROFILE = {"ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks"}


def test_the_second_run_of_the_site_on_one_and_more_hosts(tmp_path: Path) -> None:
    if reason := roots.missing():
        pytest.skip(reason)
    roots.unshare_mounts()
    provisioned = tmp_path / "provisioned"
    provisioned.mkdir()
    with ExitStack() as undo:
        undo.callback(roots.discard, provisioned)
        with roots.root_on([roots.base("bookworm")], provisioned) as first:
            first.share_downloads()
            began = time.perf_counter()
            played = first.play()
            assert played.status == 0, played.output
            print(f"\nfirst run on 1 host: {time.perf_counter() - began:.1f} s")
        layers = [first.changes, *first.layers]
        hosts = [undo.enter_context(_host(layers, tmp_path, i)) for i in range(max(HOSTS))]
        medians = {}
        for count in HOSTS:
            seconds: dict[bool, list[float]] = {True: [], False: []}
            for forced in RUNS * [True, False]:
                seconds[forced].append(_seconds(hosts[:count], forced=forced))
            of = {forced: statistics.median(each) for forced, each in seconds.items()}
            medians[count] = of[False]
            every = ", ".join(f"{second:.1f}" for second in seconds[False])
            print(
                f"{count} hosts: {of[False]:.1f} s ({every}), "
                f"{of[False] / of[True]:.2f} of the {of[True]:.1f} s with all stages"
            )
        growth = (medians[HOSTS[-1]] - medians[1]) / (HOSTS[-1] - 1)
        print(f"each further host: {growth:.2f} s")
        _show_the_slowest_tasks(hosts[:1])


def test_the_second_run_of_plan_and_driver_on_a_host_with_a_gpu(tmp_path: Path) -> None:
    if reason := roots.missing():
        pytest.skip(reason)
    roots.unshare_mounts()
    with debian_with_gpu([roots.base("bookworm", DEBIAN_KERNEL)], tmp_path) as root:
        assert_done(play(root))
        seconds = []
        with mock_gpu.loaded(root):
            for _ in range(RUNS):
                began = time.perf_counter()
                again = play(root)
                seconds.append(time.perf_counter() - began)
                assert again.status == 0, again.output
                assert again.recap["changed"] == 0, again.output
    roots.discard(tmp_path)
    every = ", ".join(f"{second:.1f}" for second in seconds)
    print(f"\nplan and driver: {statistics.median(seconds):.1f} s ({every})")


def _host(layers: list[Path], folder: Path, number: int) -> AbstractContextManager[roots.Root]:
    own = folder / f"host-{number}"
    own.mkdir()
    return roots.root_on(layers, own)


def _run(hosts: list[roots.Root], *arguments: str, **environment: str) -> str:
    named = {host.path.parent.name: playbook.in_root(host.path, {}) for host in hosts}
    inventory = hosts[0].path.with_name("inventory.json")
    done = playbook.finish(playbook.start(named, inventory, "site.yml", *arguments, **environment))
    assert done.status == 0, done.output
    return done.output


def _seconds(hosts: list[roots.Root], *, forced: bool) -> float:
    began = time.perf_counter()
    output = _run(hosts, "-e", f"verify_force={str(forced).lower()}")
    took = time.perf_counter() - began
    assert len(re.findall(r"changed=0 .*failed=0", output)) == len(hosts), output
    return took


def _show_the_slowest_tasks(hosts: list[roots.Root]) -> None:
    tasks = re.findall(r"^(.*?) -{3,} ([0-9.]+)s$", _run(hosts, **PROFILE), re.MULTILINE)
    assert tasks
    for name, seconds in tasks[:8]:
        print(f"  {float(seconds):5.2f} s  {name}")
