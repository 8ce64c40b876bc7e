"""One training over two machines: really trained, and refused or ended where it cannot be.

Both share this machine's processors, so nothing here says how fast two are.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support import fleet, playbook, ssh_hosts
from tests.support.fleet import BENCH, folder_of, inventory
from tests.support.playbook import PlayResult
from tests.support.program import script
from tests.support.roots import unshare_mounts
from tests.support.ssh_hosts import Host, Network
from tests.support.weekly import weekly

# Mean training loss of epoch 1, 2 and 3 of mlp at `smoke` size on generated digits on one machine:
# from seeds 1, 2 and 3 (TensorFlow 2.21.0, Keras 3.15.1, 2026-11-26).
LOSSES = ((1.0089, 0.4181, 0.2981), (1.0620, 0.4289, 0.2995), (1.0502, 0.4443, 0.3162))


ENOUGH = 10_000_000  # bytes: mlp's gradients are 2.5 MB


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    if reason := ssh_hosts.missing():
        pytest.skip(reason)
    unshare_mounts()
    base = ssh_hosts.benchmark_base()
    with ssh_hosts.network({"gpu1": 200, "gpu2": 200}, base) as made:
        yield made


@pytest.fixture
def options(network: Network, worker_python: Path) -> Callable[..., Sequence[str]]:
    return lambda **more: fleet.options(network, worker_python, benchmark_distributed=True, **more)


def hosts_of(network: Network, *, six: bool = False) -> dict[str, dict[str, object]]:
    """The two, reached by IPv4 or by IPv6."""
    made = {}
    for name, variables in inventory(network, "gpu1", "gpu2").items():
        number = network.hosts[name].number
        address = f"{ssh_hosts.NETWORK_6}{number}" if six else ""
        made[name] = {**variables, "benchmark_distributed_address": address}
    return made


def results(network: Network, played: PlayResult) -> list[dict[str, Any]]:
    path = folder_of(network) / "gpu1.json"
    assert path.exists(), played.output
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["results"]
    return found


def trains_with_others(network: Network, host: Host) -> bool:
    """Whether it has heard more of the others than a few gradients hold."""
    inside = ["ip", "netns", "exec", f"{network.name}-{host.number}"]
    others = ["ss", "-Htni", "sport = :29500 or dport = :29500"]  # what ssh brings does not count
    told = subprocess.run([*inside, *others], capture_output=True, text=True, check=True)
    return sum(map(int, re.findall(r"bytes_received:(\d+)", told.stdout))) > ENOUGH


def test_two_machines_train_one_network_as_one_machine_does(
    network: Network, options: Callable[..., Sequence[str]]
) -> None:
    played = network.play(hosts_of(network, six=True), BENCH, *options())
    assert played.status == 0, played.output
    together, alone = results(network, played)
    assert {name: told for name, told in together["variant"].items() if told} == {"machines": 2}
    assert alone["variant"] is None
    over = together["machines"]
    assert over["names"] == ["gpu1", "gpu2"]
    assert (over["communication"], over["batch"]) == ("RING", 200)
    assert len(over["compute"]) == 2
    assert together["worker"]["replicas"] == 2
    assert together["quality"]["reason"] is None
    for number, of_seeds in enumerate(zip(*LOSSES, alone["epochs"]["loss"][:3], strict=False)):
        scatter = max(of_seeds) - min(of_seeds)
        loss = together["epochs"]["loss"][number]
        assert min(of_seeds) - scatter <= loss <= max(of_seeds) + scatter
    told = " ".join(played.output.split())
    assert "mlp over 2 machines (RING, 200 images a step, split): " in told
    assert not list(folder_of(network).glob("gpu2*"))


@weekly("trains over two machines with the batch of two")
def test_a_scaled_batch_is_another_training_and_has_no_floor(
    network: Network, options: Callable[..., Sequence[str]]
) -> None:
    played = network.play(hosts_of(network), BENCH, *options(benchmark_distributed_batch="scaled"))
    assert played.status == 0, played.output
    together, alone = results(network, played)
    told = {name: value for name, value in together["variant"].items() if value}
    assert told == {"machines": 2, "scaled": True}
    assert together["machines"]["batch"] == 400
    assert together["quality"]["floor"] is None
    assert alone["quality"]["floor"] is not None
    assert "mlp over 2 machines (RING, 400 images a step, scaled): " in " ".join(
        played.output.split()
    )


@weekly("refuses two machines with unlike TensorFlow")
def test_machines_with_unlike_tensorflow_are_refused_before_anything_is_trained(
    network: Network,
    worker_python: Path,
    options: Callable[..., Sequence[str]],
    tmp_path: Path,
) -> None:
    other = script(tmp_path / "other-python", "#!/bin/sh\necho 2.20.0\n")
    hosts = hosts_of(network)
    for name, python in (("gpu1", worker_python), ("gpu2", other)):
        hosts[name]["trains_with"] = str(python)
    before = len(fleet.runs(network.hosts["gpu1"]))
    flag, text = options()
    given = json.loads(text)
    words = [
        "{{ trains_with }}" if word == str(worker_python) else word
        for word in given["benchmark_options"]
    ]
    played = network.play(hosts, BENCH, flag, json.dumps({**given, "benchmark_options": words}))
    assert played.status != 0
    for reason in fleet.reasons(folder_of(network)).values():
        assert reason.startswith("found different versions of TensorFlow: gpu1 2.21.")
        assert "gpu2 2.20.0; expected the same on all: ./run site" in reason
    assert len(fleet.runs(network.hosts["gpu1"])) == before


def names_its_version(folder: Path, otherwise: str = "exit 1") -> Path:
    """A Python that need not import TensorFlow for that."""
    asked = f"case $* in *__version__*) echo 2.21.0 ;; *) {otherwise} ;; esac"
    return script(folder / "python", f"#!/bin/sh\n{asked}\n")


def test_a_machine_that_dies_ends_the_training_in_a_line(
    network: Network, worker_python: Path, tmp_path: Path
) -> None:
    hosts = hosts_of(network)
    python = names_its_version(tmp_path, f'exec {worker_python} "$@"')
    given = fleet.options(network, python, benchmark_distributed=True, benchmark_patience=20)
    running = network.start(hosts, BENCH, *given)
    lost = network.hosts["gpu2"]
    try:
        with fleet.halted(running, lost, once=lambda: trains_with_others(network, lost)):
            lost.cut_power()
        played = playbook.finish(running)
    finally:
        if running.poll() is None:
            playbook.kill(running)
        lost.boot()
    assert played.status != 0
    together, alone = results(network, played)
    assert together["status"] == "failed"
    (line,) = together["reason"].splitlines()
    assert f"gpu2 ({lost.address}:29500) is gone: it, or the network between, has died" in line
    assert alone["status"] == "finished"


def test_what_cannot_be_is_refused_before_anything_is_trained(
    network: Network, tmp_path: Path
) -> None:
    given = fleet.options(network, names_its_version(tmp_path), benchmark_distributed=True)
    inside = ["ip", "netns", "exec", f"{network.name}-{network.hosts['gpu2'].number}"]
    serve = "import socket, time; s = socket.create_server(('', 29500)); print(flush=True); "
    serve += "time.sleep(600)"
    before = len(fleet.runs(network.hosts["gpu1"]))
    with subprocess.Popen(
        [*inside, "python3", "-c", serve], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        played = network.play(hosts_of(network), BENCH, *given)
        other.kill()
    assert played.status != 0
    why = fleet.reasons(folder_of(network))
    assert why["gpu2"].startswith("port 29500 cannot be taken: another program has it")
    assert "gpu2" in why["gpu1"]
    assert len(fleet.runs(network.hosts["gpu1"])) == before
