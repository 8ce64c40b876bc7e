"""The parent's side, against small programs that speak the worker's protocol, or fail to."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.errors import WorkerError
from bench.observe.devices import Device
from bench.runner import supervisor
from bench.runner.supervisor import Event, Job, Limits, Outcome, Training
from bench.workloads.registry import WORKLOADS
from tests.conftest import ROOT

CPU = Device("cpu", "a processor")
_LONG_ENOUGH = Limits.all_alike(60.0)  # whatever hangs by mistake fails after that
GPU = Device("gpu:1", "a GPU", "GPU-8f6d0c9e-2f33-4e0b-9d8f-1c2b3a4d5e6f")

_WORKER = f"""#!{sys.executable}
import json, os, signal, subprocess, sys

def say(event, **fields):
    print(json.dumps({{"event": event, **fields}}), flush=True)

def epoch(number):
    say("epoch", number=number, begun=100.0 * number, ended=100.0 * number + 1.5, loss=0.25,
        quality=None)

def wait_for_ever():
    while True:
        signal.pause()

"""
_READS = "job = json.loads(sys.stdin.readline())\n"
_BEGINS = """
say("phase", name="TensorFlow's import")
say("ready", tensorflow="2.21.0", device="CPU")
say("model", parameters=623290)
say("phase", name="epoch 1")
"""
_ENDS = """
say("phase", name="evaluation")
say("quality", value=0.98, untrained=0.1, memory_peak=None)
wait_for_ever()
"""
_HEALTHY = f"{_BEGINS}\nfor number in range(1, job['epochs'] + 1): epoch(number)\n{_ENDS}"


class Bench:
    """Makes a program into a worker and trains with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[Event] = []
        self.seconds: list[float] = []

    def train(
        self,
        program: str,
        *,
        limits: Limits | None = None,
        device: Device = CPU,
        reads: str = _READS,
        listener: Callable[[Event], None] | None = None,
    ) -> Outcome:
        worker = self.write(reads + textwrap.dedent(program))
        return self.train_with(worker, limits=limits, device=device, listener=listener)

    def write(self, program: str) -> Path:
        """The program as a worker."""
        worker = self.folder / "worker"
        worker.write_text(_WORKER + program, encoding="utf-8")
        worker.chmod(0o755)
        return worker

    def train_with(
        self,
        interpreter: Path,
        *,
        limits: Limits | None = None,
        device: Device = CPU,
        listener: Callable[[Event], None] | None = None,
    ) -> Outcome:
        files = {"train": {"x": "a.npy", "y": "b.npy"}, "test": {"x": "c.npy", "y": "d.npy"}}
        job = Job(WORKLOADS["mlp"], device, 3, 5, 60_000, files, (1, 3))

        def listen(event: Event) -> None:
            self.events.append(event)
            if listener is not None:
                listener(event)

        with Training(job, interpreter, limits or _LONG_ENOUGH, self.folder, listen) as training:
            for epoch in training.epochs():
                assert epoch.images == 60_000
                self.seconds.append(epoch.seconds)
            return training.finish()

    def failure(
        self, program: str, *, limits: Limits | None = None, reads: str = _READS
    ) -> list[str]:
        """The lines of the failure that training with the program ends in."""
        with pytest.raises(WorkerError) as failed:
            self.train(program, limits=limits, reads=reads)
        return str(failed.value).splitlines()

    def said(self, name: str) -> Event:
        return next(event for event in self.events if event["event"] == name)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


# ---- all goes well


def test_a_training_gives_every_epoch_and_then_what_the_worker_reported(bench: Bench) -> None:
    outcome = bench.train(_HEALTHY)
    assert bench.seconds == [1.5, 1.5, 1.5]
    assert (outcome.quality, outcome.untrained, outcome.memory_peak) == (0.98, 0.1, None)
    assert outcome.worker == {"tensorflow": "2.21.0", "device": "CPU"}
    assert outcome.model == {"parameters": 623290}


_TO_TARGET = """
for seed in job["seeds"]:
    for number in (1, 2):
        say("epoch", seed=seed, number=number, begun=0.0, ended=1.0 * number, loss=0.5,
            quality=job["target"] * number / 2)
"""


def test_a_training_to_a_target_gives_every_epoch_with_its_seed_and_its_quality(
    bench: Bench, tmp_path: Path
) -> None:
    bench.write(_READS + _BEGINS + _TO_TARGET + _ENDS)
    job = Job(WORKLOADS["mlp"], CPU, 3, 5, 60_000, {}, target=0.9, seeds=(5, 6))
    with Training(
        job, tmp_path / "worker", _LONG_ENOUGH, tmp_path, bench.events.append
    ) as training:
        told = [(seed, epoch.number, quality) for seed, epoch, quality in training.trials()]
        outcome = training.finish()
    assert told == [(5, 1, 0.45), (5, 2, 0.9), (6, 1, 0.45), (6, 2, 0.9)]
    assert outcome.untrained == 0.1


def test_a_worker_that_dies_on_its_way_to_a_target_is_called_by_it(
    bench: Bench, tmp_path: Path
) -> None:
    bench.write(_READS + _BEGINS + "sys.exit(3)")
    job = Job(WORKLOADS["mlp"], CPU, 3, 5, 60_000, {}, target=0.9, seeds=(5,))
    told = "^mlp on cpu, to target: worker ended with exit status 3"
    with (
        Training(job, tmp_path / "worker", _LONG_ENOUGH, tmp_path, bench.events.append) as training,
        pytest.raises(WorkerError, match=told),
    ):
        list(training.trials())


def test_a_worker_is_ended_once_it_has_reported(bench: Bench, ended: Callable[[int], bool]) -> None:
    bench.train('say("phase", name="mine", pid=os.getpid())\n' + _HEALTHY)
    assert ended(bench.said("phase")["pid"])


def test_a_training_knows_its_worker_by_its_process_id_and_its_session(
    bench: Bench, tmp_path: Path
) -> None:
    program = 'say("phase", name="mine", pid=os.getpid(), session=os.getsid(0))\n' + _HEALTHY
    bench.train(program)
    job = Job(WORKLOADS["mlp"], CPU, 3, 5, 60_000, {})
    with Training(
        job, tmp_path / "worker", _LONG_ENOUGH, tmp_path, bench.events.append
    ) as training:
        pid = training.pid
        list(training.epochs())
    phases = [event for event in bench.events if event.get("name") == "mine"]
    assert phases[-1]["pid"] == phases[-1]["session"] == pid


def test_the_worker_reads_the_whole_job_in_one_line(bench: Bench) -> None:
    bench.train('say("phase", name="read", job=job)\n' + _HEALTHY)
    assert bench.said("phase")["job"] == {
        "workload": "mlp",
        "device": "cpu",
        "epochs": 3,
        "seed": 5,
        "data": {"train": {"x": "a.npy", "y": "b.npy"}, "test": {"x": "c.npy", "y": "d.npy"}},
        "evaluate_after": [1, 3],
        "mode": "stock",
        "replicas": 1,
        "wait": False,
        "target": None,
        "seeds": [],
    }


@pytest.mark.parametrize(("device", "visible"), [(CPU, "-1"), (GPU, GPU.uuid)])
def test_a_worker_sees_its_own_device_and_nothing_that_would_bend_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, device: Device, visible: str
) -> None:
    for name, value in {
        "PYTHONPATH": "/somewhere",
        "PYTHONHOME": "/nowhere",
        "PYTHONWARNINGS": "error",
        "CUDA_VISIBLE_DEVICES": "0,1,2",
        "KERAS_BACKEND": "jax",
        "KERAS_HOME": "/home/somebody/.keras",
        "HTTPS_PROXY": "http://proxy:3128",
    }.items():
        monkeypatch.setenv(name, value)
    bench.train(
        'say("phase", name="", environment=dict(os.environ), folder=os.getcwd())\n' + _HEALTHY,
        device=device,
    )
    seen = bench.said("phase")["environment"]
    assert seen["CUDA_VISIBLE_DEVICES"] == visible
    assert seen["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert seen["PYTHONPATH"] == str(ROOT)
    assert seen["KERAS_BACKEND"] == "tensorflow"
    assert Path(seen["KERAS_HOME"]).is_relative_to(bench.folder)
    assert seen["HTTPS_PROXY"] == "http://proxy:3128"
    assert not {"PYTHONHOME", "PYTHONWARNINGS"} & set(seen)


def test_lines_that_are_no_events_are_passed_over(bench: Bench) -> None:
    outcome = bench.train(
        r"""
        print("a start-up hook says hello")
        print('["a", "list"]')
        print('{"without": "a name"}')
        print("NaN")
        sys.stdout.flush()
        os.write(1, b"\xff\xfe no text either\n")
        """
        + textwrap.indent(_HEALTHY, " " * 8)
    )
    assert outcome.quality == 0.98
    assert len(bench.seconds) == 3


# ---- the worker dies


def test_a_killed_worker_is_told_by_its_signal_and_what_it_was_doing(bench: Bench) -> None:
    lines = bench.failure(_BEGINS + "epoch(1)\nos.kill(os.getpid(), signal.SIGKILL)")
    assert lines == ["mlp on cpu: worker killed by SIGKILL, during epoch 2"]
    assert bench.seconds == [1.5]


def test_a_worker_killed_for_want_of_memory_is_told_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = iter([4, 5])
    monkeypatch.setattr(supervisor, "_oom_kills", lambda: next(counted))
    lines = bench.failure(_BEGINS + "os.kill(os.getpid(), signal.SIGKILL)")
    told = "killed by SIGKILL: the kernel ran out of memory; see `dmesg | tail`"
    assert lines == [f"mlp on cpu: worker {told}, during epoch 1"]


def test_the_kernels_count_of_such_kills_is_read_from_vmstat(tmp_path: Path) -> None:
    vmstat = tmp_path / "vmstat"
    vmstat.write_text("nr_free_pages 4211\noom_kill 17\nnuma_hit 3\n", encoding="ascii")
    assert supervisor._oom_kills(vmstat) == 17
    vmstat.write_text("nr_free_pages 4211\n", encoding="ascii")
    assert supervisor._oom_kills(vmstat) == 0


def test_a_worker_that_exits_is_told_by_its_status_and_the_last_lines_it_wrote(
    bench: Bench,
) -> None:
    lines = bench.failure(
        _BEGINS
        + """
for number in range(20):
    print(f"line {number}", file=sys.stderr)
print("WARNING: All log messages before absl::InitializeLog() is called are", file=sys.stderr)
print("I0000 00:00:1763.1 port.cc:153] oneDNN custom operations are on", file=sys.stderr)
print("the last one", file=sys.stderr)
sys.exit(3)
"""
    )
    assert lines[:2] == [
        "mlp on cpu: worker ended with exit status 3, during epoch 1",
        "its last lines:",
    ]
    assert [line.strip() for line in lines[2:]] == [
        *(f"line {number}" for number in range(9, 20)),
        "the last one",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "W0000 bfc_allocator.cc:502] Allocator (mklcpu) ran out of memory trying to allocate",
        "W0000 op_kernel.cc:1858] OP_REQUIRES failed: RESOURCE_EXHAUSTED: OOM when allocating",
        "terminate called after throwing an instance of 'std::bad_alloc'",
        "OSError: [Errno 12] Cannot allocate memory",
    ],
)
def test_a_worker_that_dies_with_memory_on_its_lips_is_said_to_have_run_out_of_it(
    bench: Bench, line: str
) -> None:
    program = f"print({line!r}, file=sys.stderr)\nos.kill(os.getpid(), signal.SIGABRT)"
    lines = bench.failure(_BEGINS + program)
    assert lines[0] == (
        "mlp on cpu: worker killed by SIGABRT: it ran out of memory, during epoch 1"
    )
    assert lines[-1].strip() == line


def test_a_fatal_line_is_not_hidden_by_the_addresses_below_it(bench: Bench) -> None:
    lines = bench.failure(
        _BEGINS
        + """
print("E0000 00:00:1.2 cuda_platform.cc:52] failed call to cuInit: INTERNAL", file=sys.stderr)
print("F0000 00:00:1.3 env.cc:84] Check failed: ret == 0 (11 vs. 0)", file=sys.stderr)
print("*** Check failure stack trace: ***", file=sys.stderr)
for address in range(40):
    print(f"    @     0x7f278116{address:04x}  tensorflow::Execute()", file=sys.stderr)
os.kill(os.getpid(), signal.SIGABRT)
"""
    )
    assert [line.strip() for line in lines[2:]] == [
        "F0000 00:00:1.3 env.cc:84] Check failed: ret == 0 (11 vs. 0)"
    ]


def test_that_cuda_did_not_start_is_shown_where_a_gpu_was_asked_for(bench: Bench) -> None:
    told = "E0000 00:00:1.2 cuda_platform.cc:52] failed call to cuInit: UNKNOWN ERROR (303)"
    with pytest.raises(WorkerError, match="failed call to cuInit"):
        bench.train(f"print({told!r}, file=sys.stderr)\nsys.exit(1)", device=GPU)


def test_a_worker_that_leaves_early_without_an_error_has_failed_all_the_same(
    bench: Bench,
) -> None:
    lines = bench.failure(_BEGINS + "epoch(1)\nepoch(2)\nepoch(3)")
    assert lines == ["mlp on cpu: worker ended with exit status 0, during epoch 4"]


def test_a_worker_that_dies_before_it_reads_its_job_is_told_by_its_last_lines(
    bench: Bench,
) -> None:
    lines = bench.failure('sys.exit("no module named bench")', reads="")
    assert lines == [
        "mlp on cpu: worker ended with exit status 1, during start-up",
        "its last lines:",
        "    no module named bench",
    ]


def test_what_a_dead_worker_printed_in_place_of_events_is_among_its_last_lines(
    bench: Bench,
) -> None:
    lines = bench.failure('print("libcudart.so.12: cannot open"); sys.exit(127)', reads="")
    assert lines[0] == "mlp on cpu: worker ended with exit status 127, during start-up"
    assert lines[-1] == "    libcudart.so.12: cannot open"


def test_an_event_that_a_kill_cut_short_is_not_shown(bench: Bench) -> None:
    lines = bench.failure(
        _BEGINS + """os.write(1, b'{"event": "epo'); os.kill(os.getpid(), signal.SIGKILL)"""
    )
    assert lines == ["mlp on cpu: worker killed by SIGKILL, during epoch 1"]


def test_an_error_that_the_worker_reports_is_the_reason(bench: Bench) -> None:
    lines = bench.failure(_BEGINS + 'say("error", message="ran out of memory: 3 GiB"); sys.exit(1)')
    assert lines == ["mlp on cpu: worker ran out of memory: 3 GiB, during epoch 1"]


def test_a_grandchild_that_holds_the_pipe_dies_with_the_worker_and_nobody_waits_for_it(
    bench: Bench, ended: Callable[[int], bool]
) -> None:
    with pytest.raises(WorkerError, match="worker ended with exit status 3"):
        bench.train(
            _BEGINS
            + f"""
left_behind = subprocess.Popen([{sys.executable!r}, "-c", "import signal; signal.pause()"])
say("phase", name="leaving", pid=left_behind.pid)
sys.exit(3)
"""
        )
    pids = [event["pid"] for event in bench.events if "pid" in event]
    assert len(pids) == 1
    assert ended(pids[0])


# ---- the worker goes on for ever


def test_a_worker_that_says_nothing_is_ended_at_its_limit(
    bench: Bench, ended: Callable[[int], bool]
) -> None:
    lines = bench.failure(
        'say("phase", name="thinking", pid=os.getpid())\nwait_for_ever()',
        limits=Limits.all_alike(0.5),
    )
    told = "hung: nothing heard for 0.5 s (--limit allows more)"
    assert lines == [f"mlp on cpu: worker {told}, during thinking"]
    assert ended(bench.said("phase")["pid"])


def test_a_worker_that_ignores_polite_signals_is_ended_too(
    bench: Bench, ended: Callable[[int], bool]
) -> None:
    bench.failure(
        """
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        say("phase", name="stopped", pid=os.getpid())
        os.kill(os.getpid(), signal.SIGSTOP)
        """,
        limits=Limits.all_alike(0.5),
    )
    assert ended(bench.said("phase")["pid"])


def test_a_worker_that_closes_its_output_and_goes_on_is_ended_at_its_limit(
    bench: Bench, ended: Callable[[int], bool]
) -> None:
    lines = bench.failure(
        """
        say("phase", name="closing", pid=os.getpid())
        os.close(1)
        wait_for_ever()
        """,
        limits=Limits.all_alike(0.5),
    )
    assert "hung: it closed its output" in lines[0]
    assert ended(bench.said("phase")["pid"])


def test_the_first_epoch_may_take_longer_than_a_later_one_and_a_slow_machine_more_still() -> None:
    limits = Limits(start=300, first_epoch=1800, epoch=120, patience=20)
    assert limits.during("TensorFlow's import", 0.0) == 300
    assert limits.during("epoch 1", 0.0) == 1800
    assert limits.during("epoch 2", 2.0) == 120
    assert limits.during("epoch 2", 60.0) == 1200
    assert limits.during("evaluation", 60.0) == 1200


def test_a_limit_of_ones_own_holds_in_every_phase() -> None:
    limits = Limits.all_alike(7.0)
    phases = ("start-up", "data loading", "epoch 1", "epoch 2", "evaluation")
    assert {limits.during(phase, 1000.0) for phase in phases} == {7.0}


# ---- the parent leaves


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, ZeroDivisionError])
def test_however_the_block_is_left_no_child_stays(
    bench: Bench, ended: Callable[[int], bool], interruption: type[BaseException]
) -> None:
    def interrupt(event: Event) -> None:
        if event["event"] == "epoch":
            raise interruption

    program = f'say("phase", name="", pid=os.getpid())\n{_BEGINS}\nepoch(1)\nwait_for_ever()'
    with pytest.raises(interruption):
        bench.train(program, listener=interrupt)
    assert ended(bench.said("phase")["pid"])


def test_the_worker_is_out_of_reach_of_the_terminals_interrupt(bench: Bench) -> None:
    bench.train('say("phase", name="", group=os.getpgrp(), pid=os.getpid())\n' + _HEALTHY)
    assert bench.said("phase")["group"] == bench.said("phase")["pid"]


# ---- the worker cannot be started


def test_an_interpreter_that_is_not_there_is_named(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(WorkerError) as failed:
        bench.train_with(tmp_path / "python")
    assert str(failed.value) == (
        f"the worker's interpreter {tmp_path / 'python'} cannot be started: "
        "No such file or directory; name another with --worker-python"
    )


def test_an_interpreter_that_is_no_program_is_named(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "python").write_text("no program", encoding="utf-8")
    (tmp_path / "python").chmod(0o755)
    with pytest.raises(WorkerError, match="cannot be started: Exec format error"):
        bench.train_with(tmp_path / "python")


def test_a_place_where_no_log_can_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkerError) as failed:
        Bench(tmp_path / "gone").train_with(Path(sys.executable))
    message = str(failed.value)
    assert "gone/mlp-on-cpu.log cannot be made: No such file or directory" in message
    assert "TMPDIR" in message
    assert "\n" not in message


def test_a_job_is_one_line_whatever_is_in_it() -> None:
    job = Job(WORKLOADS["post"], GPU, 3, 1, 10, {"train": {"x": "new\nline ü.npy"}})
    assert "\n" not in job.line()
    assert json.loads(job.line())["data"] == {"train": {"x": "new\nline ü.npy"}}
