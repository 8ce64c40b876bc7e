"""The parent's side, against small programs that speak the worker's protocol, or fail to."""

from __future__ import annotations

import json
import math
import queue
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.errors import WorkerError
from bench.record.head import Device, Limits
from bench.record.timing import EpochTiming
from bench.runner import events, supervisor
from bench.runner.events import Event, Listener
from bench.runner.limits import limit_during, same_limits
from bench.runner.supervisor import Launch, Outcome, WorkerProcess
from bench.worker import messages
from bench.worker.messages import Job
from tests.conftest import ROOT
from tests.support import fake_worker
from tests.support.fake_worker import HEALTHY
from tests.support.records import CPU, GT1030

_LONG_ENOUGH = same_limits(60.0)  # whatever hangs by mistake fails after that
_FILES = {"train": {"x": "a.npy", "y": "b.npy"}, "test": {"x": "c.npy", "y": "new\nline ü.npy"}}
_JOB = Job("mlp", is_gpu=False, epochs=3, seed=5, data=_FILES, evaluate_after=(1, 3))


class Bench:
    """Makes a program into a worker and trains with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[Event] = []
        self.epochs: list[EpochTiming] = []

    def train(
        self,
        program: str,
        *,
        limits: Limits = _LONG_ENOUGH,
        device: Device = CPU,
        reads: str = fake_worker.READS,
        listener: Listener = events.ignore,
    ) -> Outcome:
        worker = fake_worker.write(self.folder, program, reads=reads)
        return self.train_with(worker, limits, device, listener)

    def train_with(
        self,
        interpreter: Path,
        limits: Limits = _LONG_ENOUGH,
        device: Device = CPU,
        listener: Listener = events.ignore,
    ) -> Outcome:
        def listen(event: Event) -> None:
            self.events.append(event)
            listener(event)

        launch = Launch(f"mlp on {device.id}", device, interpreter, limits, self.folder)
        with WorkerProcess(_JOB, launch, listen) as worker:
            self.pid = worker.pid
            for epoch in worker.epochs():
                self.epochs.append(epoch)
            return worker.outcome()

    def failure(self, program: str, **how: Any) -> list[str]:
        """The lines of the failure that training with the program ends in."""
        with pytest.raises(WorkerError) as failed:
            self.train(program, **how)
        return [line.strip() for line in str(failed.value).splitlines()]

    @property
    def told(self) -> dict[str, Any]:
        """What the worker told its test."""
        text = self.folder.joinpath("worker.json").read_text(encoding="utf-8")
        return dict(json.loads(text))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


# ---- all goes well


def test_a_training_gives_every_epoch_and_then_what_the_worker_reported(bench: Bench) -> None:
    outcome = bench.train(HEALTHY)
    assert bench.epochs == [EpochTiming(n, 100.0, 101.5, 60_000, 0.25) for n in (1, 2, 3)]
    assert outcome.quality == messages.Quality(0.98, 0.1, None)
    assert outcome.ready.pinned.environment == {"CUDA_VISIBLE_DEVICES": "-1"}
    assert outcome.model == messages.Model(623_290, "5f" * 32)
    assert outcome.rate is None
    assert bench.events == [
        events.Phase("TensorFlow's import"),
        events.Phase("epoch 1"),
        *(events.EpochEnded(n, 1.5, None, 0.25) for n in (1, 2, 3)),
        events.Phase("evaluation"),
    ]


def test_an_epoch_from_the_page_cache_is_reported_beside_those_that_count(bench: Bench) -> None:
    outcome = bench.train(HEALTHY.replace("end()", 'say("warm", seconds=0.5, waited=0.1)\nend()'))
    assert outcome.warm == messages.Warm(0.5, 0.1)
    assert [epoch.number for epoch in bench.epochs] == [1, 2, 3]


def test_an_epoch_has_its_seed_and_its_quality_and_its_loss_may_be_none(bench: Bench) -> None:
    bench.train(
        """
        begin()
        for seed in (5, 6):
            epoch(1, seed=seed, quality=seed / 10)
        say("epoch", number=2, begun=0, ended=1, images=3, loss=float("nan"))
        end()
        """
    )
    *judged, diverged = bench.epochs
    assert [(epoch.seed, epoch.quality) for epoch in judged] == [(5, 0.5), (6, 0.6)]
    assert math.isnan(diverged.loss)


def test_the_worker_reads_the_whole_job_and_is_ended_once_it_has_reported(
    bench: Bench, ended: Callable[[int], bool]
) -> None:
    bench.train(
        "tell(job=job, pid=os.getpid(), session=os.getsid(0), group=os.getpgrp())\n" + HEALTHY
    )
    assert "\n" not in _JOB.line()
    assert Job(**bench.told["job"]).data == _FILES
    assert bench.told["job"]["evaluate_after"] == [1, 3]
    # A group of its own is out of reach of the terminal's interrupt.
    assert bench.told["pid"] == bench.told["session"] == bench.told["group"] == bench.pid
    assert ended(bench.pid)


@pytest.mark.parametrize(("device", "visible"), [(CPU, "-1"), (GT1030, GT1030.uuids[0])])
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
    monkeypatch.setenv("COV_CORE_SOURCE", "bench")
    monkeypatch.chdir(bench.folder)  # whose modules are no module of a worker's
    bench.train("tell(cwd=os.getcwd(), **os.environ)\n" + HEALTHY, device=device)
    seen = bench.told
    assert seen["CUDA_VISIBLE_DEVICES"] == visible
    assert seen["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert seen["cwd"] == str(ROOT)
    assert seen["KERAS_BACKEND"] == "tensorflow"
    assert Path(seen["KERAS_HOME"]).is_relative_to(bench.folder)
    assert seen["HTTPS_PROXY"] == "http://proxy:3128"
    assert not {"PYTHONHOME", "PYTHONPATH", "PYTHONWARNINGS", "COV_CORE_SOURCE"} & set(seen)


def test_lines_that_are_no_messages_are_skipped(bench: Bench) -> None:
    noise = (
        "a start-up hook says hello",
        '["a", "list"]',
        '{"without": "a name"}',
        '{"event": ["epoch"]}',
        '{"event": "epoch", "number": "one"}',
        "NaN",
        "[" * 100_000,
    )
    outcome = bench.train(
        f"for line in {noise}: print(line)\n"
        r'sys.stdout.flush(); os.write(1, b"\xff\xfe no text either\n")' + HEALTHY
    )
    assert outcome.quality.value == 0.98
    assert len(bench.epochs) == 3


# ---- the worker dies

_OOM = "mlp on cpu: worker killed by SIGABRT: it ran out of memory, during epoch 1"
_TF_MEMORY = "W0000 bfc_allocator.cc:502] Allocator (mklcpu) ran out of memory trying to allocate"
_TF_EXHAUSTED = "W0000 op_kernel.cc:1858] OP_REQUIRES failed: RESOURCE_EXHAUSTED: OOM when"
_BAD_ALLOC = "terminate called after throwing an instance of 'std::bad_alloc'"
_NO_MEMORY = "OSError: [Errno 12] Cannot allocate memory"
_ABORT = "begin(); print({!r}, file=sys.stderr); os.kill(os.getpid(), signal.SIGABRT)"


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (
            "begin(); epoch(1); os.kill(os.getpid(), signal.SIGKILL)",
            ["mlp on cpu: worker killed by SIGKILL, during epoch 2"],
        ),
        (
            "begin(); epoch(1); epoch(2); epoch(3)",
            ["mlp on cpu: worker ended with exit status 0, during epoch 4"],
        ),
        (
            """begin(); os.write(1, b'{"event": "epo'); os.kill(os.getpid(), signal.SIGKILL)""",
            ["mlp on cpu: worker killed by SIGKILL, during epoch 1"],
        ),
        (
            'begin(); say("error", message="ran out of memory: 3 GiB"); sys.exit(1)',
            ["mlp on cpu: worker ran out of memory: 3 GiB, during epoch 1"],
        ),
        (
            'say("phase", name="evaluation"); say("quality", value=1, untrained=0, memory_peak=0)',
            ["mlp on cpu: worker did not report its ready, during evaluation"],
        ),
        *(
            (_ABORT.format(line), [_OOM, "its last lines:", line])
            for line in (_TF_MEMORY, _TF_EXHAUSTED, _BAD_ALLOC, _NO_MEMORY)
        ),
    ],
)
def test_a_worker_that_fails_is_told_by_how_it_ended_and_what_it_was_doing(
    bench: Bench, program: str, told: list[str]
) -> None:
    assert bench.failure(program) == told


_NOT_LOADED = "W0000 tf_gpu_runtime_wrappers.cc:40] 'cuModuleLoadData(&module, data)' failed with "
_UNLOADED = 'say("error", message="InternalError: CUDA_ERROR_INVALID_HANDLE"); sys.exit(1)'


@pytest.mark.parametrize(
    ("logged", "meaning"),
    [
        ("'CUDA_ERROR_UNSUPPORTED_PTX_VERSION'", "the driver is too old for what trains"),
        ("'CUDA_ERROR_NO_BINARY_FOR_GPU'", "what trains has no kernels for this GPU"),
    ],
)
def test_what_is_logged_of_a_kernel_that_does_not_load_is_told_as_what_it_means(
    bench: Bench, logged: str, meaning: str
) -> None:
    program = f"begin(); print({_NOT_LOADED + logged!r}, file=sys.stderr); {_UNLOADED}"
    (told, *_) = bench.failure(program, device=GT1030)
    assert "worker InternalError: CUDA_ERROR_INVALID_HANDLE, during epoch 1; " + meaning in told
    assert meaning not in bench.failure(program)[0]  # the CPU loads no such kernel


@pytest.mark.parametrize(
    ("program", "line"),
    [
        ('sys.exit("no module named bench")', "no module named bench"),
        ('print("libcudart.so.12: cannot open"); sys.exit(1)', "libcudart.so.12: cannot open"),
    ],
)
def test_a_worker_that_dies_before_it_reads_its_job_is_told_by_its_last_lines(
    bench: Bench, program: str, line: str
) -> None:
    told = "mlp on cpu: worker ended with exit status 1, during start-up"
    assert bench.failure(program, reads="") == [told, "its last lines:", line]


def test_a_worker_killed_for_want_of_memory_is_told_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = iter([4, 5])
    monkeypatch.setattr(supervisor, "oom_kills", lambda: next(counted))
    lines = bench.failure("begin(); os.kill(os.getpid(), signal.SIGKILL)")
    told = "killed by SIGKILL: the kernel ran out of memory; see `dmesg | tail`"
    assert lines == [f"mlp on cpu: worker {told}, during epoch 1"]


@pytest.mark.parametrize(
    ("text", "count"),
    [("nr_free_pages 4211\noom_kill 17\nnuma_hit 3\n", 17), ("nr_free_pages 4211\n", 0)],
)
def test_the_kernels_count_of_such_kills_is_read_from_vmstat(
    tmp_path: Path, text: str, count: int
) -> None:
    vmstat = tmp_path / "vmstat"
    vmstat.write_text(text, encoding="ascii")
    assert supervisor.oom_kills(vmstat) == count


def test_of_what_a_worker_wrote_the_last_lines_are_shown_without_what_is_routine(
    bench: Bench,
) -> None:
    written = [
        *(f"line {number}" for number in range(20)),
        "WARNING: All log messages before absl::InitializeLog() is called are",
        "I0000 00:00:1763.1 port.cc:153] oneDNN custom operations are on",
        "E0000 00:00:1.2 cuda_platform.cc:52] failed call to cuInit: INTERNAL",
        "F0000 00:00:1.3 env.cc:84] Check failed: ret == 0 (11 vs. 0)",
        "*** Check failure stack trace: ***",
        *(f"    @     0x7f278116{address:04x}  tensorflow::Execute()" for address in range(40)),
    ]
    program = f"begin()\nfor line in {written}: print(line, file=sys.stderr)\nsys.exit(3)"
    shown = [*(f"line {number}" for number in range(9, 20)), written[23]]
    told = "worker ended with exit status 3, during epoch 1"
    assert bench.failure(program) == [f"mlp on cpu: {told}", "its last lines:", *shown]
    # Where a GPU was asked for, that CUDA did not start is no routine.
    assert written[22] in bench.failure(program, device=GT1030)


def test_a_log_that_somebody_has_removed_takes_no_reason_away(bench: Bench) -> None:
    program = "os.unlink(os.readlink('/proc/self/fd/2')); sys.exit('gone')"
    (line,) = bench.failure(program)
    assert line == "mlp on cpu: worker ended with exit status 1, during start-up"


def test_a_grandchild_that_holds_the_pipe_dies_with_the_worker_and_nobody_waits_for_it(
    bench: Bench, ended: Callable[[int], bool]
) -> None:
    lines = bench.failure(
        f"""
        begin()
        left_behind = subprocess.Popen([{sys.executable!r}, "-c", "import signal; signal.pause()"])
        tell(pid=left_behind.pid)
        sys.exit(3)
        """
    )
    assert lines[0].startswith("mlp on cpu: worker ended with exit status 3")
    assert ended(bench.told["pid"])


# ---- the worker goes on for ever


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("wait_for_ever()", "hung: nothing heard for 0.5 s (--limit allows more), during epoch 2"),
        (
            """
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
os.kill(os.getpid(), signal.SIGSTOP)
""",
            "hung: nothing heard for 0.5 s (--limit allows more), during epoch 2",
        ),
        (
            "os.close(1); wait_for_ever()",
            "hung: it closed its output and had not ended 0.5 s later, during epoch 2",
        ),
    ],
)
def test_a_worker_that_says_nothing_is_ended_at_its_limit(
    bench: Bench, ended: Callable[[int], bool], program: str, told: str
) -> None:
    program = f'say("phase", name="epoch 2")\n{program}'
    # Python itself may take long to start beside other tests.
    chosen = Limits(start=60, first_epoch=60, epoch=0.5, patience=0)
    lines = bench.failure(program, limits=chosen)
    assert lines == [f"mlp on cpu: worker {told}"]
    assert ended(bench.pid)


class _StoppedMeanwhile:
    """A queue of a process that was stopped for longer than any limit, again and again."""

    def __init__(self, waits: list[float]) -> None:
        self._waits = waits

    def get(self, timeout: float) -> messages.Message:
        self._waits.append(timeout)
        raise queue.Empty

    def get_nowait(self) -> messages.Message:
        return messages.Phase("epoch 2")


def test_a_process_that_was_stopped_itself_takes_no_healthy_worker_for_hung(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = Launch("mlp on cpu", CPU, Path(sys.executable), _LONG_ENOUGH, bench.folder)
    worker, waits = WorkerProcess(_JOB, launch, events.ignore), list[float]()
    monkeypatch.setattr(worker, "_messages", _StoppedMeanwhile(waits))
    assert worker._heard(2.5) == messages.Phase("epoch 2")
    assert waits == [1.0, 1.0, 0.5]


def test_the_first_epoch_may_take_longer_than_a_later_one_and_a_slow_machine_more_still() -> None:
    chosen = Limits(start=300, first_epoch=1800, epoch=120, patience=20)
    phases = ("TensorFlow's import", "epoch 1", "epoch 2", "evaluation", messages.WARM_UP)
    quick, slow = (
        [limit_during(chosen, phase, longest) for phase in phases] for longest in (2.0, 60.0)
    )
    assert quick == [300, 1800, 120, 120, 1800]
    assert slow == [300, 1800, 1200, 1200, 1800]
    same = same_limits(7.0)
    assert {limit_during(same, phase, 1000.0) for phase in phases} == {7.0}


# ---- the parent leaves


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, ZeroDivisionError])
def test_however_the_block_is_left_no_child_stays(
    bench: Bench, ended: Callable[[int], bool], interruption: type[BaseException]
) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, events.EpochEnded):
            raise interruption

    with pytest.raises(interruption):
        bench.train("begin()\nepoch(1)\nwait_for_ever()", listener=interrupt)
    assert ended(bench.pid)


# ---- the worker cannot be started


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file or directory"), ("no program", "Exec format error")]
)
def test_an_interpreter_that_cannot_be_started_is_named(
    bench: Bench, tmp_path: Path, content: str | None, why: str
) -> None:
    python = tmp_path / "python"
    if content is not None:
        python.write_text(content, encoding="utf-8")
        python.chmod(0o755)
    with pytest.raises(WorkerError) as failed:
        bench.train_with(python)
    assert str(failed.value) == (
        f"the worker's interpreter {python} cannot be started: {why}; "
        "name another with --worker-python"
    )


def test_a_place_where_no_log_can_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkerError) as failed:
        Bench(tmp_path / "gone").train_with(Path(sys.executable))
    message = str(failed.value)
    assert "gone/mlp-on-cpu.log cannot be made: No such file or directory" in message
    assert "TMPDIR" in message
    assert "\n" not in message
