"""One training over several machines: what is asked for, how work is divided, what is told."""

from __future__ import annotations

import argparse
import socket
import zlib
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from bench import invocation
from bench.errors import GrindstoneError
from bench.judge import rerun, verdict
from bench.page import facts
from bench.record.model import Machines, Record
from bench.record.shared import shared
from bench.record.variant import AS_PUBLISHED, Variant
from bench.report import rows, summary
from bench.report.format import Names
from bench.runner import cluster
from bench.runner.row import Row
from bench.worker import network
from bench.worker.cluster.loop import Parts, Trainer, check_alike
from bench.worker.cluster.rendezvous import ClusterError, naming_who_is_gone
from bench.worker.messages import Cluster, Job
from bench.workloads import WORKLOADS
from plugins.modules import benchmark_port
from tests.support.records import CPU, H100, WORKER, quality, record, result, settings

TWO = "gpu1=10.0.0.1:29500,gpu2=[fd00::2]:29500"
OVER = Machines(("gpu1", "gpu2"), "RING", 128, (0.3, 0.4))
TOGETHER = Variant(machines=2)


def asked(**more: Any) -> argparse.Namespace:
    usual = {"cluster": TWO, "cluster_index": 0, "cluster_batch": "kept", "precision": None}
    return argparse.Namespace(**{**usual, **more})


def test_machines_are_read_with_their_addresses_of_either_kind() -> None:
    choice = cluster.read(asked())
    assert choice is not None
    assert choice.names == ("gpu1", "gpu2")
    assert choice.addresses == ("10.0.0.1:29500", "[fd00::2]:29500")
    assert cluster.read(asked(cluster=None)) is None


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"cluster": "gpu1=10.0.0.1:29500"}, "no list of two machines"),
        ({"cluster": TWO + ",gpu2=10.0.0.3:1"}, "no list of two machines"),
        ({"cluster": "gpu1=fd00::1:29500,gpu2=10.0.0.2:1"}, r"'gpu1=fd00::1:29500' is no machine"),
        ({"cluster": "a=h:0,b=h:1"}, "'a=h:0' is no machine"),
        ({"cluster_index": 2}, "none of the 2 machines"),
        ({"mode": ["tuned"]}, "--mode is not there"),
        ({"time_to_target": True}, "--time-to-target is not there"),
        ({"precision": ["mixed_float16"]}, "take mixed_bfloat16"),
    ],
)
def test_what_makes_no_sense_is_refused(more: dict[str, Any], told: str) -> None:
    with pytest.raises(GrindstoneError, match=told):
        cluster.read(asked(**more))


def test_the_first_machine_trains_alone_too_after_all_that_others_take_part_in() -> None:
    first = cluster.Choice(("a", "b"), ("a:1", "b:1"), 0, scaled=False)
    other = cluster.Choice(("a", "b"), ("a:1", "b:1"), 1, scaled=True)
    assert first.variants([AS_PUBLISHED]) == (TOGETHER, AS_PUBLISHED)
    assert other.variants([AS_PUBLISHED]) == (replace(TOGETHER, scaled=True),)
    assert list(other.variants([AS_PUBLISHED])[0].words()) == ["2 machines, scaled batch"]


def test_a_job_has_its_machines_through_the_line() -> None:
    job = Job("mlp", is_gpu=False, epochs=3, seed=1, data={}, cluster=Cluster(("a",), ("a:1",), 0))
    assert Job.read(job.line()).cluster == job.cluster


@pytest.mark.parametrize(("images", "batch"), [(1000, 128), (7, 4), (129, 128)])
@pytest.mark.parametrize(("machines", "local"), [(2, 1), (3, 2)])
def test_every_image_is_one_machine_s_once(
    images: int, batch: int, machines: int, local: int
) -> None:
    replicas = machines * local
    every = [Parts(images, batch, 7, n * local, local, replicas) for n in range(machines)]
    told = [parts.of_epoch(2) for parts in every]
    orders, bounds, sizes = zip(*told, strict=True)
    assert all((order == orders[0]).all() for order in orders)
    assert (np.sort(orders[0]) == np.arange(images)).all()
    assert (orders[0] != every[0].of_epoch(3)[0]).any()
    pieces = sorted(tuple(pair) for each in bounds for pair in each)
    covered = [image for begin, end in pieces for image in range(begin, end)]
    assert sorted(covered) == list(range(images))
    for step in range(every[0].steps):
        of_step = [pair for each in bounds for pair in each[step * local : (step + 1) * local]]
        counts = [end - begin for begin, end in of_step]
        assert sum(counts) == every[0].sizes[step] == sizes[0][step * local]
        assert max(counts) - min(counts) <= 1


class _UnavailableError(Exception):
    pass


class _InternalError(Exception):
    pass


ERRORS = SimpleNamespace(
    UnavailableError=_UnavailableError,
    AbortedError=type("AbortedError", (Exception,), {}),
    CancelledError=type("CancelledError", (Exception,), {}),
    InternalError=_InternalError,
    DeadlineExceededError=type("DeadlineExceededError", (Exception,), {}),
)
MACHINES = Cluster(("gpu1", "gpu2"), ("10.0.0.1:1", "10.0.0.2:1"), 0)


@pytest.mark.parametrize(
    ("said", "who"),
    [
        ("unhealthy tasks: /job:worker/task:1: stopped", r"gpu2 \(10\.0\.0\.2:1\) is gone"),
        ("from /job:worker/replica:0/task:1 received", r"gpu2 \(10\.0\.0\.2:1\) is gone"),
        ("Connection reset by peer, said /job:worker/task:0", "another machine is gone"),
    ],
)
def test_a_lost_machine_is_named(said: str, who: str) -> None:
    with (
        pytest.raises(ClusterError, match=who),
        naming_who_is_gone(SimpleNamespace(errors=ERRORS), MACHINES),
    ):
        raise _UnavailableError(said)


def test_what_is_this_machine_s_own_fault_stays_what_it_is() -> None:
    with (
        pytest.raises(_InternalError),
        naming_who_is_gone(SimpleNamespace(errors=ERRORS), MACHINES),
    ):
        raise _InternalError("a kernel failed on /job:worker/replica:0/task:0/device:GPU:0")


def run_over_two(**more: Any) -> Record:
    together = result(
        "mlp",
        CPU,
        seconds=(2.0, 0.5, 0.5),
        variant=TOGETHER,
        machines=OVER,
        worker=replace(WORKER, replicas=2),
    )
    return record([together, result("mlp", CPU, seconds=(2.0, 0.8, 0.8), **more)])


def test_the_gain_is_told_with_what_communication_took_and_who_was_slowest() -> None:
    made = run_over_two()
    together, alone = rows.finished(made.results)
    assert rows.machines_gain(together, made.results) == pytest.approx(1.6)
    assert rows.machines_gain(alone, made.results) is None
    (line, *_) = summary.findings(made.results, Names(made.results, ()))
    assert line == (
        "mlp over 2 machines (RING, 128 images a step, split): 1.60 times gpu1 alone (scaling "
        "efficiency 80 %); 20 % of an epoch in communication; slowest: gpu2, 1.33 times the fastest"
    )


@pytest.mark.parametrize("scaled", [None, True])
def test_what_is_to_be_trained_again_is_trained_over_the_machines_again(
    scaled: bool | None,
) -> None:
    together, alone = run_over_two().results
    together = replace(together, variant=replace(TOGETHER, scaled=scaled))
    options = '{"benchmark_options": ["-k", "mlp", "--device", "cpu", "--seed=2"]}'
    batch = " -e benchmark_distributed_batch=scaled" if scaled else ""
    command = f"ansible-playbook playbooks/bench.yml -e benchmark_distributed=true{batch}"
    more = ["--results-dir=/opt/grindstone/bench/run", "--seed=2"]
    assert rerun.rerun_command(together, more) == f"{command} -e '{options}'"
    assert rerun.rerun_command(alone, ["--seed=2"]).startswith("pytest bench/ -k mlp --device cpu")
    made = record([together, alone], settings=settings(profile="smoke"))
    (told,) = summary.last(made, made.results, Names(made.results, ()))
    assert f"Next: {command} -e '" in told


def test_a_host_of_a_fleet_is_trained_again_by_the_playbook(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its own Python is of no use to who reads the advice at the controller."""
    limited = "ansible-playbook playbooks/bench.yml --limit 'gpu 1' -e '"
    words = '{"benchmark_options": ["-k", "mlp", "--device", "cpu", "--seed=2"]}'
    alone = run_over_two().results[1]
    made = record([alone], settings=settings(profile="smoke", host="gpu 1"))
    (told,) = summary.last(made, made.results, Names(made.results, ()))
    assert f"Next: {limited}" in told
    again = dict(dict(facts.of(made, None))["Settings"])
    assert again["The same again"].startswith(limited)
    # What the host itself writes into its record.
    monkeypatch.setattr(invocation, "FLEET_HOST", "gpu 1")
    more = ["--results-dir=/opt/grindstone/bench/run", "--seed=2"]
    assert rerun.rerun_command(alone, more) == f"{limited}{words}'"
    low = result("mlp", H100, quality=quality("mlp", 0.1))
    fix = verdict.judge(low).fix
    assert fix is not None
    assert fix.startswith(limited)
    assert fix.endswith("; ansible-playbook playbooks/verify.yml --limit 'gpu 1'")


class Heard(Trainer):
    """What two machines have together, where the other one has this."""

    def __init__(self, other: Mapping[str, bytes]) -> None:
        self.others = iter([float(zlib.crc32(content)) for content in other.values()])

    def together(self, value: float = 0.0) -> float:
        return value + next(self.others)


def test_machines_that_have_something_else_are_refused() -> None:
    same = {"versions of TensorFlow": b"2.21.0", "networks": b"5f"}
    other = {**same, "versions of TensorFlow": b"2.20.0"}
    for mine, theirs in ((same, other), (other, same)):
        with pytest.raises(ClusterError, match="different versions of TensorFlow:"):
            check_alike(Heard(theirs), MACHINES, mine)
    heard = Heard(same)
    check_alike(heard, MACHINES, same)
    assert not list(heard.others), "all was compared"


def test_a_scaled_batch_has_every_image_once_in_fewer_steps() -> None:
    published = WORKLOADS["mlp"]
    alone, kept, scaled = (
        Row(published, CPU, variant=variant)
        for variant in (AS_PUBLISHED, TOGETHER, replace(TOGETHER, scaled=True))
    )
    assert (alone.batch, kept.batch, scaled.batch) == (None, None, 2 * published.batch)
    job = Job("mlp", is_gpu=False, epochs=3, seed=1, data={}, batch=scaled.batch)
    batch = network.workload_of(job).batch
    parts = [Parts(6_000, batch, 1, machine, 1, 2) for machine in range(2)]
    assert parts[0].steps == 6_000 // (2 * published.batch)
    for begin, end in parts[1].of_epoch(1)[1]:
        assert end - begin == published.batch
    of_one = replace(TOGETHER, scaled=True)
    (row,) = rows.finished([result("mlp", CPU, variant=of_one, machines=OVER)])
    line = next(iter(summary.findings([row], Names([row], ()))))
    assert "128 images a step, scaled" in line


def test_without_one_machine_s_training_no_efficiency_is_told() -> None:
    made = run_over_two(value=0.1)
    line = next(iter(summary.findings(made.results, Names(made.results, ()))))
    assert "no training on one machine to hold it to" in line


def test_the_names_of_machines_are_not_shared() -> None:
    made, told = shared(run_over_two())
    together, _ = rows.finished(made.results)
    assert together.machines is not None
    assert together.machines.names == ("withheld", "withheld")
    assert any("machines.names" in line for line in told)


def test_a_port_is_taken_answers_and_is_let_go() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(benchmark_port.PortError, match="another program has it"):
            benchmark_port.bound("127.0.0.1", port)
    machine = f"gpu1=127.0.0.1:{port}"
    assert benchmark_port.call(machine).startswith(f"gpu1 at 127.0.0.1:{port} (")
    benchmark_port.hold(benchmark_port.bound("127.0.0.1", port), "a word", 60)
    assert benchmark_port.call(machine) == ""
    benchmark_port.let_go("127.0.0.1", port, "another word")
    assert benchmark_port.call(machine) == ""
    benchmark_port.let_go("127.0.0.1", port, "a word")
    assert benchmark_port.call(machine) != ""


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(benchmark_port.PortError, match="is no address of this host"):
        benchmark_port.bound("192.0.2.1", 29500)
