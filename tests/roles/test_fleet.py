"""`playbooks/bench.yml` over machines with real ssh, to which happens what happens to machines."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.support import fleet, playbook, ssh_hosts
from tests.support.fleet import (
    BENCH,
    UNUSED,
    folder_of,
    halted,
    inventory,
    reasons,
    records,
    runs,
)
from tests.support.roots import unshare_mounts
from tests.support.ssh_hosts import Host, Network

ROOM_MB, LITTLE_MB = 200, 1


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    if reason := ssh_hosts.missing():
        pytest.skip(reason)
    unshare_mounts()
    base = ssh_hosts.benchmark_base()
    disks = {"gpu1": ROOM_MB, "gpu2": ROOM_MB, "gpu3": ROOM_MB, "gpu4": LITTLE_MB}
    with ssh_hosts.network(disks, base) as made:
        yield made


@pytest.fixture
def options(network: Network) -> Callable[..., Sequence[str]]:
    return lambda **more: fleet.options(network, "{{ trains_with }}", **more)


@pytest.fixture
def let(tmp_path: Path) -> Path:
    """The file that workers wait for which only pretend."""
    return tmp_path / "let"


def hosts_of(network: Network, let: Path, *names: str) -> dict[str, dict[str, object]]:
    """Those whose workers pretend."""
    python = str(fleet.pretender(let))
    found = inventory(network, *names)
    return {name: {**each, "trains_with": python} for name, each in found.items()}


def drop_connections(host: Host, running: subprocess.Popen[str]) -> None:
    """Waits for connections to its sshd, and ends them."""
    while not host.drop_connections():
        assert running.poll() is None, playbook.finish(running).output
        time.sleep(0.1)


def wait_for(running: subprocess.Popen[str], words: str) -> None:
    """Reads what a playbook prints until it has said so."""
    assert running.stdout is not None
    said = []
    for line in running.stdout:
        said.append(line)
        if words in line:
            return
    raise AssertionError(f"no {words!r} in {''.join(said)}")


def test_each_host_costs_its_own_row_and_the_next_run_picks_up(
    network: Network, options: Callable[..., Sequence[str]], worker_python: Path, let: Path
) -> None:
    dropped, killed = network.hosts["gpu1"], network.hosts["gpu2"]
    hosts = hosts_of(network, let, *network.hosts)
    hosts["gpu5"] = {**hosts["gpu1"], "ansible_host": UNUSED}
    hosts["gpu1"]["trains_with"] = str(worker_python)  # one trains for real
    running = network.start(hosts, BENCH, *options(benchmark_patience=30))
    try:
        with halted(running, dropped, killed):
            killed.cut_power()
            for _ in range(2):
                drop_connections(dropped, running)
            dropped.cable(plugged=False)
            time.sleep(2)
            dropped.cable(plugged=True)
        let.touch()
        first = playbook.finish(running)
    finally:
        if running.poll() is None:
            playbook.kill(running)
    folder, told = folder_of(network), first.output
    assert first.status != 0, told
    assert records(folder) == {"gpu1": "finished", "gpu3": "finished"}, told
    assert len(runs(dropped)) == 1
    why = reasons(folder)
    assert why.keys() == {"gpu2", "gpu4", "gpu5"}
    assert why["gpu2"].startswith("has not answered for 30 s; run this again when it does: ")
    assert "No space left on device" in why["gpu4"]
    assert why["gpu5"].startswith("could not be reached: ")
    assert "Fleet: 5 hosts, 3 without a record" in told
    for name, reason in why.items():
        assert f"{name}: no record: {reason[:20]}" in " ".join(told.split())
    assert (folder / "fleet.html").is_file()

    # It is switched on again, and the controller is killed in the middle of the next run.
    killed.boot()
    let.unlink()
    hosts = hosts_of(network, let, "gpu1", "gpu2")
    running = network.start(hosts, BENCH, *options())
    with halted(running, dropped, killed):
        begun = runs(killed)
        playbook.kill(running)
    running = network.start(hosts, BENCH, *options())
    wait_for(running, "it has been running since")
    let.touch()
    again = playbook.finish(running)
    assert again.status == 0, again.output
    assert set(records(folder_of(network))) == {"gpu1", "gpu2"}
    assert runs(killed) == begun, "what the killed controller had started was waited for"


def test_one_host_after_the_other_or_one_alone(
    network: Network, options: Callable[..., Sequence[str]], let: Path
) -> None:
    let.touch()
    hosts = hosts_of(network, let, "gpu1", "gpu2", "gpu3")
    hosts["gpu2"]["ansible_host"] = UNUSED
    played = network.play(hosts, BENCH, *options(benchmark_serial=1))
    first, last = (runs(network.hosts[name])[-1] for name in ("gpu1", "gpu3"))
    ended, began = (first / "ended.json").stat().st_mtime, (last / "job.json").stat().st_mtime
    assert ended < began, "the last began before the first had ended"
    assert set(records(folder_of(network))) == {"gpu1", "gpu3"}, played.output
    assert set(reasons(folder_of(network))) == {"gpu2"}

    only = network.play(hosts, BENCH, "--limit", "gpu3", *options())
    assert only.status == 0, only.output
    assert set(records(folder_of(network))) == {"gpu3"}
    assert not reasons(folder_of(network))
