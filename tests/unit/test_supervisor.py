"""The parent's side, against small programs that speak the worker's protocol, or fail to."""

from __future__ import annotations

import math
import queue
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.errors import WorkerError
from bench.record.head import Device, Limits
from bench.record.timing import EpochTiming
from bench.runner import events, supervisor
from bench.runner.events import Event
from bench.runner.limits import limit_during, same_limits
from bench.runner.result import network_and_worker
from bench.runner.supervisor import Launch, WorkerProcess
from bench.worker import messages
from bench.worker.__main__ import _with_libraries
from bench.worker.messages import Job
from tests.conftest import ROOT
from tests.support.fake_worker import HEALTHY
from tests.support.program import script
from tests.support.records import CPU, GT1030
from tests.support.supervised import FILES, JOB, LONG_ENOUGH, Child


@pytest.fixture
def child(tmp_path: Path) -> Child:
    return Child(tmp_path)


# ---- all goes well


def test_a_training_gives_every_epoch_and_then_what_the_worker_reported(child: Child) -> None:
    outcome = child.train(HEALTHY)
    assert child.epochs == [EpochTiming(n, 100.0, 101.5, 60_000, 0.25) for n in (1, 2, 3)]
    assert outcome.quality == messages.Quality(0.98, 0.1, None)
    assert outcome.ready.pinned.environment == {"CUDA_VISIBLE_DEVICES": "-1"}
    assert outcome.model == messages.Model(623_290, "5f" * 32)
    assert outcome.rate is None
    assert child.events == [
        events.Phase("TensorFlow's import"),
        events.Phase("epoch 1"),
        *(events.EpochEnded(n, 1.5, None, 0.25) for n in (1, 2, 3)),
        events.Phase("evaluation"),
    ]


def test_an_epoch_from_the_page_cache_is_reported_beside_those_that_count(child: Child) -> None:
    outcome = child.train(HEALTHY.replace("end()", 'say("warm", seconds=0.5, waited=0.1)\nend()'))
    assert outcome.warm == messages.Warm(0.5, 0.1)
    assert [epoch.number for epoch in child.epochs] == [1, 2, 3]


def test_libraries_from_elsewhere_are_the_worker_s_in_the_record(child: Child) -> None:
    foreign = {"libcudnn.so.9": "9.1.0 in /opt/cuda"}
    told = f'say("libraries", foreign={foreign})\nend()'
    members = network_and_worker(child.train(HEALTHY.replace("end()", told)))
    assert members["worker"].libraries == foreign
    assert members["worker"].foreign == "libcudnn.so.9 9.1.0 in /opt/cuda"


def test_a_worker_tells_of_its_libraries_before_the_quality_which_is_the_end() -> None:
    said: list[messages.Message] = []
    say = _with_libraries(said.append)
    say(messages.Phase("evaluation"))
    say(messages.Quality(0.9, 0.1, None))
    assert [type(each).__name__ for each in said] == ["Phase", "Libraries", "Quality"]


def test_a_file_of_one_s_own_finds_what_keras_downloaded_before_and_no_settings_of_keras(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (".keras/datasets", "other/models"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / ".keras/keras.json").write_text("{}", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_HOME", raising=False)
    for _ in range(2):  # every training of a run
        supervisor._share_downloads(tmp_path / "run")
    (link,) = (tmp_path / "run").iterdir()
    assert link.readlink() == tmp_path / ".keras/datasets"
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "other"))
    supervisor._share_downloads(tmp_path / "second")
    (link,) = (tmp_path / "second").iterdir()
    assert link.readlink() == tmp_path / "other/models"


def test_an_epoch_has_its_seed_and_its_quality_and_its_loss_may_be_none(child: Child) -> None:
    child.train(
        """
        begin()
        for seed in (5, 6):
            epoch(1, seed=seed, quality=seed / 10)
        say("epoch", number=2, begun=0, ended=1, images=3, loss=float("nan"))
        end()
        """
    )
    *judged, diverged = child.epochs
    assert [(epoch.seed, epoch.quality) for epoch in judged] == [(5, 0.5), (6, 0.6)]
    assert math.isnan(diverged.loss)


def test_the_worker_reads_the_whole_job_and_is_ended_once_it_has_reported(
    child: Child, ended: Callable[[int], bool]
) -> None:
    child.train(
        "tell(job=job, pid=os.getpid(), session=os.getsid(0), group=os.getpgrp())\n" + HEALTHY
    )
    assert "\n" not in JOB.line()
    assert Job(**child.told["job"]).data == FILES
    assert child.told["job"]["evaluate_after"] == [1, 3]
    # A group of its own is out of reach of the terminal's interrupt.
    assert child.told["pid"] == child.told["session"] == child.told["group"] == child.pid
    assert ended(child.pid)


@pytest.mark.parametrize(("device", "visible"), [(CPU, "-1"), (GT1030, GT1030.uuids[0])])
def test_a_worker_sees_its_own_device_and_nothing_that_would_bend_it(
    child: Child, monkeypatch: pytest.MonkeyPatch, device: Device, visible: str
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
    monkeypatch.setenv("COV_CORE_SOURCE", "child")
    monkeypatch.chdir(child.folder)  # whose modules are no module of a worker's
    child.train("tell(cwd=os.getcwd(), **os.environ)\n" + HEALTHY, device=device)
    seen = child.told
    assert seen["CUDA_VISIBLE_DEVICES"] == visible
    assert seen["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert seen["cwd"] == str(ROOT)
    assert seen["KERAS_BACKEND"] == "tensorflow"
    assert Path(seen["KERAS_HOME"]).is_relative_to(child.folder)
    assert seen["HTTPS_PROXY"] == "http://proxy:3128"
    assert not {"PYTHONHOME", "PYTHONPATH", "PYTHONWARNINGS", "COV_CORE_SOURCE"} & set(seen)


def test_lines_that_are_no_messages_are_skipped(child: Child) -> None:
    noise = (
        "a start-up hook says hello",
        '["a", "list"]',
        '{"without": "a name"}',
        '{"event": ["epoch"]}',
        '{"event": "epoch", "number": "one"}',
        "NaN",
        "[" * 100_000,
    )
    outcome = child.train(
        f"for line in {noise}: print(line)\n"
        r'sys.stdout.flush(); os.write(1, b"\xff\xfe no text either\n")' + HEALTHY
    )
    assert outcome.quality.value == 0.98
    assert len(child.epochs) == 3


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
    child: Child, ended: Callable[[int], bool], program: str, told: str
) -> None:
    program = f'say("phase", name="epoch 2")\n{program}'
    # Python itself may take long to start beside other tests.
    chosen = Limits(start=60, first_epoch=60, epoch=0.5, patience=0)
    lines = child.failure(program, limits=chosen)
    assert lines == [f"mlp on cpu: worker {told}"]
    assert ended(child.pid)


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
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = Launch("mlp on cpu", CPU, Path(sys.executable), LONG_ENOUGH, child.folder)
    worker, waits = WorkerProcess(JOB, launch, events.ignore), list[float]()
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
    child: Child, ended: Callable[[int], bool], interruption: type[BaseException]
) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, events.EpochEnded):
            raise interruption

    with pytest.raises(interruption):
        child.train("begin()\nepoch(1)\nwait_for_ever()", listener=interrupt)
    assert ended(child.pid)


# ---- the worker cannot be started


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file or directory"), ("no program", "Exec format error")]
)
def test_an_interpreter_that_cannot_be_started_is_named(
    child: Child, tmp_path: Path, content: str | None, why: str
) -> None:
    python = tmp_path / "python"
    if content is not None:
        script(python, content)
    with pytest.raises(WorkerError) as failed:
        child.train_with(python)
    assert str(failed.value) == (
        f"the worker's interpreter {python} cannot be started: {why}; "
        "name another with --worker-python"
    )


def test_a_place_where_no_log_can_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkerError) as failed:
        Child(tmp_path / "gone").train_with(Path(sys.executable))
    message = str(failed.value)
    assert "gone/mlp-on-cpu.log cannot be made: No such file or directory" in message
    assert "TMPDIR" in message
    assert "\n" not in message
