"""A run's session with a worker that only pretends: what is recorded, whatever happens."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.datasets.prepared import Prepared, Store
from bench.errors import DataError, GrindstoneError
from bench.observe.devices import Found, device_groups
from bench.observe.host import HostMonitor
from bench.record import codec
from bench.record.head import Device
from bench.record.measured import Measured, known
from bench.record.model import Failed, Finished, Record, Result, TimeToTarget
from bench.record.repeats import ALONE, Repeat
from bench.runner import events
from bench.runner import session as sessions
from bench.runner.events import EpochEnded, Event, Listener, Phase, RowEnded, RowStarted
from bench.runner.row import Row
from bench.runner.session import Session
from bench.workloads import WORKLOADS
from tests.support import fake_worker
from tests.support.records import CPU, GT1030, H100
from tests.support.run_settings import smoke
from tests.unit.fake_nvml import FakeNvml
from tests.unit.test_floors import reached

_WORKER = """
begin()
if job["seed"] == 13:
    sys.exit("unlucky")
for seed in job["seeds"]:
    for number in (1, 2):
        epoch(number, 10.0 * seed + number, 0.5, seed=seed, quality=job["target"] - 2 + number)
for number in range(1, job["epochs"] + 1) if not job["seeds"] else ():
    epoch(number, 0.0, 1.0 / number)
    if number == 1 and job["wait"]:
        assert sys.stdin.readline() == "go on\\n"
end(0.9)
"""
MLP = WORKLOADS["mlp"]
ALL = device_groups([H100, GT1030])[1]
SEED = 7


pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(autouse=True)
def _evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = [
        row
        for profile in ("smoke", "full")
        for row in reached(*[0.9] * 5, data="synthetic", profile=profile)
    ]
    monkeypatch.setattr("bench.runner.result.read_evidence", lambda: evidence)


def _session(
    folder: Path,
    *,
    seed: int = SEED,
    results: Path | None = None,
    listener: Listener = events.ignore,
    **chosen: Any,
) -> Session:
    worker = fake_worker.write(folder, _WORKER)
    settings = smoke(results or folder / "results", worker, seed=seed, **chosen)
    return Session(settings, Found((CPU, H100, GT1030)), ["pytest"], listener)


def _trained(folder: Path, row: Row, repeat: Repeat = ALONE, **how: Any) -> Record:
    """The record of one training, as it was read from the disk."""
    with _session(folder, **how) as session:
        results = session.train(row, repeat)
    record = codec.read(session.record.path)
    assert len(record.results) == len(results)
    return record


def _one(results: Sequence[Result]) -> Any:
    (result,) = results
    return result


def _blocked(folder: Path) -> Path:
    """A file where the folder for the results should be."""
    blocked = folder / "blocked"
    blocked.write_text("", encoding="utf-8")
    return blocked


# ---- what is recorded


def test_a_finished_training_is_recorded_with_its_times_its_quality_and_its_verdict(
    tmp_path: Path,
) -> None:
    record = _trained(tmp_path, Row(MLP, CPU, "tuned"), Repeat(3))
    result = _one(record.results)
    assert isinstance(result, Finished)
    assert (result.workload, result.device, result.mode) == ("mlp", CPU, "tuned")
    assert (result.repeat, result.side) == (3, None)
    assert (result.epochs.first, result.epochs.steady) == (1.0, (0.5, 1.0 / 3))
    assert (result.quality.value, result.quality.ok) == (0.9, True)
    assert result.dataset.kind == "synthetic"
    assert (result.conditions.cpus.value or 0) >= 1
    assert (result.telemetry, result.concurrent, result.input) == (None, None, None)
    assert result.verdict is not None
    assert result.bottleneck is not None
    assert result.worker.pinned.threads == 2
    assert record.versions.keys() == {"python", "pytest"}
    assert record.machine.devices == (CPU, H100, GT1030)


def test_whoever_shows_a_run_is_told_of_each_training_and_its_epochs(tmp_path: Path) -> None:
    told: list[Event] = []
    result = _one(_trained(tmp_path, Row(MLP, CPU), Repeat(2), listener=told.append).results)
    started, *between, ended = told
    assert started == RowStarted("mlp on cpu, 2", 3, is_error=False)
    assert isinstance(ended, RowEnded)
    assert (ended.title, ended.results[0].repeat) == ("mlp on cpu, 2", result.repeat)
    assert [e.number for e in between if isinstance(e, EpochEnded)] == [1, 2, 3]
    phases = [event.name for event in between if isinstance(event, Phase)]
    assert phases == ["mnist data", "TensorFlow's import", "epoch 1", "evaluation"]


@pytest.mark.parametrize(("side", "interpreter"), [("A", "worker"), ("B", "second/worker")])
def test_each_side_is_trained_by_its_interpreter(
    tmp_path: Path, side: Any, interpreter: str
) -> None:
    (tmp_path / "second").mkdir()
    second = fake_worker.write(tmp_path / "second", _WORKER)
    record = _trained(tmp_path, Row(MLP, CPU), Repeat(1, side), second_worker=second)
    result = _one(record.results)
    assert (result.side, result.worker.interpreter) == (side, str(tmp_path / interpreter))
    assert record.settings.second_worker == str(second)


def test_all_gpus_at_once_are_a_result_each_and_wait_for_each_other_after_epoch_1(
    tmp_path: Path,
) -> None:
    told: list[Event] = []
    first, second = _trained(tmp_path, Row(MLP, ALL), listener=told.append).results
    assert isinstance(first, Finished)
    assert isinstance(second, Finished)
    assert [first.device.id, second.device.id] == ["gpu:0 of all", "gpu:1 of all"]
    assert first.concurrent is not None
    assert first.concurrent.devices == (second.device,)
    # One look at the machine serves both, and one of them tells how far they are.
    assert first.conditions.seconds == pytest.approx(second.conditions.seconds, abs=0.1)
    assert [event.number for event in told if isinstance(event, EpochEnded)] == [1, 2, 3]


def test_the_machine_is_looked_at_from_the_end_of_epoch_1_to_that_of_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    did: list[object] = []
    monkeypatch.setattr(HostMonitor, "begin", lambda _, *pids: did.append(("begin", len(pids))))
    monkeypatch.setattr(HostMonitor, "end", lambda _: did.append("end"))

    def listen(event: Event) -> None:
        if isinstance(event, EpochEnded):
            did.append(event.number)

    _trained(tmp_path, Row(MLP, CPU), listener=listen)
    assert did == [1, ("begin", 1), 2, 3, "end"]


# ---- what fails


def _no_data(*_: object) -> Prepared:
    raise DataError("train-labels holds 3 labels for 60000 images")


@pytest.mark.parametrize(
    ("device", "told"), [(CPU, "mlp on cpu: worker ended"), (ALL, "mlp on gpu:0 of all: worker")]
)
def test_a_failed_training_is_one_result_with_its_reason(
    tmp_path: Path, device: Device, told: str
) -> None:
    result = _one(_trained(tmp_path, Row(MLP, device), seed=13).results)
    assert isinstance(result, Failed)
    assert result.device == device
    assert result.reason.startswith(told)
    assert "unlucky" in result.reason
    assert result.dataset is not None
    assert result.conditions.seconds is None


def test_data_that_cannot_be_read_are_recorded_without_a_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "prepare", _no_data)
    result = _one(_trained(tmp_path, Row(MLP, CPU)).results)
    assert result.reason == "train-labels holds 3 labels for 60000 images"
    assert (result.dataset, result.telemetry) == (None, None)


def test_a_failure_that_cannot_be_recorded_either_keeps_its_reason(tmp_path: Path) -> None:
    session = _session(tmp_path, seed=13, results=_blocked(tmp_path))
    with pytest.raises(GrindstoneError) as failed:
        session.train(Row(MLP, CPU))
    session.clean()
    assert "mlp on cpu: worker ended with exit status 1" in str(failed.value)
    assert "cannot be written" in str(failed.value).splitlines()[-1]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            RuntimeError("can't start new thread"),
            r"RuntimeError: can't start new thread \(at unit/test_session.py:\d+\)",
        ),
        (MemoryError(), "this machine has no memory left for it: close other programs, .*"),
        (RecursionError("maximum depth"), r"RecursionError: maximum depth \(at .*\)"),
    ],
    ids=["thread", "memory", "recursion"],
)
def test_an_error_that_nobody_has_foreseen_is_recorded_in_a_line_and_the_next_row_trains(
    tmp_path: Path, error: Exception, told: str
) -> None:
    def stumble(event: Event) -> None:
        if isinstance(event, EpochEnded):
            raise error

    with _session(tmp_path, listener=stumble) as session:
        session.train(Row(MLP, CPU))
        session.train(Row(MLP, CPU), Repeat(2))
    for result in codec.read(session.record.path).results:
        assert isinstance(result, Failed)
        assert re.fullmatch(f"mlp on cpu: {told}", result.reason)


def test_a_run_that_cannot_be_recorded_does_not_begin(tmp_path: Path) -> None:
    with (
        pytest.raises(GrindstoneError, match=r"cannot be written: (File exists|Not a directory)"),
        _session(tmp_path, results=_blocked(tmp_path)),
    ):
        pytest.fail("it has begun")


def _interrupt(event: Event) -> None:
    if isinstance(event, EpochEnded):
        raise KeyboardInterrupt


def test_an_interrupted_training_is_recorded_and_the_interrupt_goes_on(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), _session(tmp_path, listener=_interrupt) as session:
        session.train(Row(MLP, CPU))
    assert _one(codec.read(session.record.path).results).reason == "mlp on cpu: interrupted"


def test_an_interrupt_gets_through_where_the_record_cannot_be_written(tmp_path: Path) -> None:
    session = _session(tmp_path, results=_blocked(tmp_path), listener=_interrupt)
    with pytest.raises(KeyboardInterrupt):
        session.train(Row(MLP, CPU))
    session.clean()


def test_the_temporary_folder_goes_with_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    _trained(tmp_path, Row(MLP, CPU))
    assert list(scratch.iterdir()) == []


# ---- a GPU is watched


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeNvml]:
    """An H100 that has just been found to draw 70 W at rest."""
    fake = FakeNvml("hopper")
    monkeypatch.setitem(sys.modules, "pynvml", fake.module)
    monkeypatch.setattr(sessions, "idle_power", lambda *_: known(70.0))
    yield fake
    assert fake.open == 0


def test_a_training_on_a_gpu_is_recorded_with_what_the_gpu_did(
    tmp_path: Path, nvml: FakeNvml
) -> None:
    telemetry = _one(_trained(tmp_path, Row(MLP, nvml.device)).results).telemetry
    assert telemetry.power.idle == known(70.0)
    assert telemetry.memory.total.value == 81559 * 1024**2
    assert telemetry.energy.gross.value is None
    assert telemetry.lost is None


def test_idle_power_is_measured_once_and_before_the_first_worker(
    tmp_path: Path, nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def measured(*_: object) -> Measured[float]:
        told.append("idle")
        return known(70.0)

    def listen(event: Event) -> None:
        told.append(event.name if isinstance(event, Phase) else "")

    monkeypatch.setattr(sessions, "idle_power", measured)
    with _session(tmp_path, listener=listen) as session:
        for _ in range(2):
            session.train(Row(MLP, nvml.device))
    assert told.count("idle") == 1
    assert told.index("idle") < told.index("TensorFlow's import")


def test_a_gpu_that_was_lost_is_recorded_with_the_failure_of_its_worker(
    tmp_path: Path, nvml: FakeNvml
) -> None:
    def lose(event: Event) -> None:
        nvml.lost = nvml.lost or event == Phase("epoch 1")

    result = _one(_trained(tmp_path, Row(MLP, nvml.device), seed=13, listener=lose).results)
    assert isinstance(result, Failed)
    assert result.telemetry is not None
    assert result.telemetry.lost is not None
    assert (result.telemetry.lost.epoch, result.telemetry.lost.why) == (1, "GPU is lost")


# ---- time to target


def _to_target(folder: Path, device: Device = CPU, **how: Any) -> TimeToTarget | Failed:
    """What a training to targets left on the disk."""
    with _session(folder, **how) as session:
        session.train_to_target(Row(MLP, device, "tuned"))
    record = codec.read(session.record.path)
    assert record.results == ()
    (result,) = record.time_to_target
    return result


def test_a_training_to_a_target_is_recorded_with_the_seconds_of_five_seeds(tmp_path: Path) -> None:
    result = _to_target(tmp_path)
    assert isinstance(result, TimeToTarget)
    assert (result.workload, result.mode, result.quality.ok) == ("mlp", "tuned", True)
    assert [trial.seed for trial in result.trials] == [7, 8, 9, 10, 11]
    (target,) = result.targets
    assert (target.epochs, target.seconds, target.median_seconds) == ((2,) * 5, (1.0,) * 5, 1.0)
    joules = target.joules[0]
    assert joules is not None
    assert joules.why == "no GPU was watched"
    assert (result.conditions.cpus.value or 0) >= 1
    assert result.verdict is not None


def test_on_a_gpu_a_target_has_its_energy_or_the_reason_why_not(
    tmp_path: Path, nvml: FakeNvml
) -> None:
    result = _to_target(tmp_path, nvml.device)
    assert isinstance(result, TimeToTarget)
    assert result.telemetry is not None
    assert result.telemetry.power.idle == known(70.0)
    (target,) = result.targets
    assert {each and each.why for each in target.joules} == {
        "the epochs took 1.0 s together, and energy takes 2 s"
    }


def test_a_training_to_a_target_that_fails_is_recorded_as_such(tmp_path: Path) -> None:
    result = _to_target(tmp_path, seed=13)
    assert isinstance(result, Failed)
    assert result.reason.startswith("mlp on cpu, tuned, to target: worker ended with exit status 1")
