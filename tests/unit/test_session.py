"""A run's session with a worker that only pretends: what is recorded, whatever happens."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.datasets.prepared import Prepared, Store
from bench.errors import DataError, GrindstoneError, WorkerError
from bench.observe.devices import Device, Found, several
from bench.options import Settings
from bench.record.measured import Measured, known
from bench.record.timing import EpochTiming
from bench.runner import session as sessions
from bench.runner.attempt import Attempt, Place
from bench.runner.session import Session
from bench.runner.supervisor import Event, Limits, Listener
from bench.runner.time_to_target import ToTarget
from bench.workloads.registry import WORKLOADS
from bench.workloads.workload import Mode
from tests.record_schema import validate
from tests.unit.entries import CPU, GT1030, H100, prepared
from tests.unit.fake_nvml import FakeNvml
from tests.unit.test_floors import reached

_WORKER = f"""#!{sys.executable}
import json, sys
if sys.argv[1] == "-c":
    sys.exit()
def say(event, **fields):
    print(json.dumps({{"event": event, **fields}}), flush=True)
job = json.loads(sys.stdin.readline())
say("ready", python="3.11.2", interpreter=sys.executable, tensorflow="2.21.0", keras="3.15.1",
    numpy="2.4.0", device="CPU", pinned=dict(xla=False, tf32=True, precision="float32",
    deterministic_ops=False, threads=2, environment=dict(CUDA_VISIBLE_DEVICES="-1")))
say("model", parameters=623290, workload_sha256="5f" * 32)
if job["seed"] == 13:
    sys.exit("unlucky")
for seed in job["seeds"]:
    for number in (1, 2):
        say("epoch", seed=seed, number=number, begun=10.0 * seed + number,
            ended=10.0 * seed + number + 0.5, loss=0.5, quality=job["target"] - 2 + number)
for number in range(1, job["epochs"] + 1) if not job["seeds"] else ():
    say("epoch", number=number, begun=0.0, ended=1.0 / number, loss=0.5, quality=None)
    if number == 1 and job["wait"]:
        assert sys.stdin.readline() == "go on\\n"
say("phase", name="evaluation")
say("quality", value=0.9, untrained=0.1, memory_peak=None)
"""


def _ignored(_event: Event) -> None:
    return


def _drain(epochs: Iterator[EpochTiming], _count: int) -> None:
    for _ in epochs:
        pass


@pytest.fixture(autouse=True)
def _no_data_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "prepare", lambda *_: prepared("mlp"))
    evidence = [
        row
        for profile in ("smoke", "full")
        for row in reached(*[0.9] * 5, data="synthetic", profile=profile)
    ]
    monkeypatch.setattr(sessions, "read_evidence", lambda: evidence)


def _session(folder: Path, *, seed: int = 1, results: Path | None = None) -> Session:
    worker = folder / "worker"
    worker.write_text(_WORKER, encoding="utf-8")
    worker.chmod(0o755)
    chosen = Settings(
        profile="smoke",
        devices=(CPU,),
        devices_asked_for=None,
        data_dir=None,
        cache_dir=None,
        results_dir=results or folder / "results",
        synthetic=False,
        seed=seed,
        limits=Limits(),
        worker_python=worker,
        worker_chosen_by="--worker-python",
        plan=None,
    )
    return Session(chosen, Found((CPU,)), {"pytest": "9.2.0"})


def _train(
    session: Session, watch: Any = _drain, device: Device = CPU, listener: Listener = _ignored
) -> None:
    try:
        session.train(WORKLOADS["mlp"], device, listener, watch)
    finally:
        session.close()


def _results(session: Session) -> list[dict[str, Any]]:
    document = json.loads(session.record.path.read_text(encoding="utf-8"))
    validate(document)
    return list(document["results"])


def _blocked(folder: Path) -> Path:
    """A file where the folder for the results should be."""
    blocked = folder / "blocked"
    blocked.write_text("", encoding="utf-8")
    return blocked


def test_a_finished_training_is_recorded_with_its_times_and_its_quality(tmp_path: Path) -> None:
    session = _session(tmp_path)
    _train(session)
    (entry,) = _results(session)
    assert (entry["workload"], entry["device"], entry["status"]) == ("mlp", "cpu", "finished")
    assert (entry["epochs"]["first"], entry["epochs"]["steady"]) == (1.0, [0.5, 1.0 / 3])
    assert entry["quality"]["value"] == 0.9
    assert entry["quality"]["ok"] is True
    assert entry["dataset"]["kind"] == "synthetic"
    assert entry["conditions"]["cpus"]["value"] >= 1
    assert entry["telemetry"] is None
    assert entry["verdict"]["word"] in ("OK", "NOISY", "CONTENDED", "THROTTLED")
    assert session.record.head["versions"]["pytest"] == "9.2.0"


def test_a_tuned_training_is_asked_for_and_recorded_as_such(tmp_path: Path) -> None:
    session = _session(tmp_path, seed=13)
    said: list[Event] = []
    with pytest.raises(WorkerError, match="mlp on cpu, tuned: worker ended"):
        session.train(WORKLOADS["mlp"], CPU, said.append, _drain, "tuned")
    (entry,) = _results(session)
    session.close()
    assert entry["mode"] == "tuned"


def test_all_gpus_at_once_are_a_row_each_and_wait_for_each_other_after_epoch_1(
    tmp_path: Path,
) -> None:
    _, every = several([H100, GT1030])
    session = _session(tmp_path)
    said: list[Event] = []
    run = session.train(WORKLOADS["mlp"], every, said.append, _drain)
    session.close()
    rows = _results(session)
    assert [row["device"] for row in rows] == ["gpu:0 of all", "gpu:1 of all"]
    assert [row["at_once"]["beside"] for row in rows] == [["gpu:1 of all"], ["gpu:0 of all"]]
    assert [row["status"] for row in rows] == ["finished", "finished"]
    assert [other.device.id for other in run.beside] == ["gpu:1 of all"]
    assert [event["number"] for event in said if event["event"] == "epoch"] == [1, 2, 3]


def test_one_gpu_that_fails_beside_others_fails_them_all_with_its_reason(tmp_path: Path) -> None:
    _, every = several([H100, GT1030])
    session = _session(tmp_path, seed=13)
    with pytest.raises(WorkerError, match="mlp on gpu:0 of all: worker ended"):
        session.train(WORKLOADS["mlp"], every, _ignored, _drain)
    (row,) = _results(session)
    session.close()
    assert (row["device"], row["status"]) == ("all", "failed")


def test_a_failed_training_is_recorded_with_its_reason(tmp_path: Path) -> None:
    session = _session(tmp_path, seed=13)
    with pytest.raises(WorkerError, match="unlucky"):
        _train(session)
    (entry,) = _results(session)
    assert entry["status"] == "failed"
    assert entry["reason"].startswith("mlp on cpu: worker ended with exit status 1")
    assert entry["dataset"]["name"] == "mnist"
    assert entry["conditions"]["seconds"] is None
    assert (entry["telemetry"], entry["verdict"]) == (None, None)


def test_data_that_cannot_be_read_are_recorded_without_a_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Prepared:
        raise DataError("train-labels holds 3 labels for 60000 images")

    monkeypatch.setattr(Store, "prepare", broken)
    session = _session(tmp_path)
    with pytest.raises(DataError):
        _train(session)
    (entry,) = _results(session)
    assert entry["reason"] == "train-labels holds 3 labels for 60000 images"
    assert entry["dataset"] is None


def test_a_failure_that_cannot_be_recorded_either_keeps_its_reason(tmp_path: Path) -> None:
    session = _session(tmp_path, seed=13, results=_blocked(tmp_path))
    with pytest.raises(GrindstoneError) as failed:
        _train(session)
    assert "mlp on cpu: worker ended with exit status 1" in str(failed.value)
    assert "cannot be written" in str(failed.value).splitlines()[-1]


def _interrupted(epochs: Iterator[EpochTiming], _count: int) -> None:
    next(epochs)
    raise KeyboardInterrupt


def test_an_interrupted_training_is_recorded_and_the_interrupt_goes_on(tmp_path: Path) -> None:
    session = _session(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        _train(session, _interrupted)
    (entry,) = _results(session)
    assert (entry["status"], entry["reason"]) == ("failed", "mlp on cpu: interrupted")


def test_an_interrupt_gets_through_where_the_record_cannot_be_written(tmp_path: Path) -> None:
    session = _session(tmp_path, results=_blocked(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        _train(session, _interrupted)


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> FakeNvml:
    """An H100 that has just been found to draw 70 W at rest."""
    fake = FakeNvml("hopper")
    monkeypatch.setitem(sys.modules, "pynvml", fake.module)
    monkeypatch.setattr(sessions, "idle_power", lambda *_: known(70.0))
    return fake


def test_a_training_on_a_gpu_is_recorded_with_what_the_gpu_did(
    tmp_path: Path, nvml: FakeNvml
) -> None:
    session = _session(tmp_path)
    _train(session, device=nvml.device)
    (entry,) = _results(session)
    telemetry = entry["telemetry"]
    assert telemetry["power"]["idle"] == {"value": 70.0, "why": None}
    assert telemetry["memory"]["total"]["value"] == 81559 * 1024**2
    assert telemetry["energy"]["gross"]["value"] is None
    assert telemetry["lost"] is None
    assert nvml.open == 0


def test_idle_power_is_measured_once_and_before_the_first_worker(
    tmp_path: Path, nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def measured(*_: object) -> Measured[float]:
        told.append("idle")
        return known(70.0)

    monkeypatch.setattr(sessions, "idle_power", measured)
    session = _session(tmp_path)
    for _ in range(2):
        session.train(
            WORKLOADS["mlp"], nvml.device, lambda event: told.append(event["event"]), _drain
        )
    session.close()
    assert told.count("idle") == 1
    assert told.index("idle") < told.index("ready")


def test_a_gpu_that_was_lost_is_recorded_with_the_failure_of_its_worker(
    tmp_path: Path, nvml: FakeNvml
) -> None:
    def lose(event: Event) -> None:
        nvml.lost = nvml.lost or event["event"] == "model"

    session = _session(tmp_path, seed=13)
    with pytest.raises(WorkerError, match="unlucky"):
        _train(session, device=nvml.device, listener=lose)
    (entry,) = _results(session)
    assert entry["status"] == "failed"
    assert entry["telemetry"]["lost"] == {
        "epoch": 1,
        "seconds_into_it": None,
        "why": "GPU is lost",
    }


# ---- time to target


def _train_to_target(session: Session, device: Device = CPU, mode: Mode = "stock") -> ToTarget:
    try:
        return session.train_to_target(WORKLOADS["mlp"], device, _ignored, mode)
    finally:
        session.close()


def _to_target(session: Session) -> dict[str, Any]:
    document = json.loads(session.record.path.read_text(encoding="utf-8"))
    validate(document)
    assert document["results"] == []
    (entry,) = document["to_target"]
    return dict(entry)


def test_a_training_to_a_target_is_recorded_with_the_seconds_of_five_seeds(tmp_path: Path) -> None:
    session = _session(tmp_path, seed=7)
    done = _train_to_target(session, mode="tuned")
    assert done.miss is None
    entry = _to_target(session)
    assert (entry["workload"], entry["mode"], entry["status"]) == ("mlp", "tuned", "finished")
    assert [trial["seed"] for trial in entry["trials"]] == [7, 8, 9, 10, 11]
    (target,) = entry["targets"]
    assert target["epochs"] == [2] * 5
    assert target["seconds"] == [1.0] * 5
    assert target["median_seconds"] == 1.0
    assert target["joules"][0] == {"value": None, "why": "no GPU was watched"}
    assert entry["conditions"]["cpus"]["value"] >= 1


def test_the_seeds_after_the_largest_begin_at_nought(tmp_path: Path) -> None:
    session = _session(tmp_path, seed=2**32 - 2)
    _train_to_target(session)
    assert [trial["seed"] for trial in _to_target(session)["trials"]] == [
        2**32 - 2,
        2**32 - 1,
        0,
        1,
        2,
    ]


def test_on_a_gpu_a_target_has_its_energy_or_the_reason_why_not(
    tmp_path: Path, nvml: FakeNvml
) -> None:
    session = _session(tmp_path)
    _train_to_target(session, nvml.device)
    entry = _to_target(session)
    assert entry["telemetry"]["power"]["idle"]["value"] == 70.0
    (target,) = entry["targets"]
    assert {each["why"] for each in target["joules"]} == {
        "the epochs took 1.0 s together, and energy takes 2 s"
    }


def test_a_training_to_a_target_that_fails_is_recorded_as_such(tmp_path: Path) -> None:
    session = _session(tmp_path, seed=13)
    with pytest.raises(WorkerError, match="mlp on cpu, to target: worker ended"):
        _train_to_target(session)
    entry = _to_target(session)
    assert entry["status"] == "failed"
    assert entry["reason"].startswith("mlp on cpu, to target: worker ended with exit status 1")


# ---- several GPUs at once


def test_of_several_gpus_the_lost_one_is_recorded_with_the_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, every = several([H100, GT1030])
    attempt = Attempt(WORKLOADS["mlp"], every)
    did = {
        "gpu:0 of all": {"lost": None},
        "gpu:1 of all": {"lost": {"epoch": 1, "seconds_into_it": None, "why": "GPU is lost"}},
    }
    monkeypatch.setattr(Place, "seen", lambda place: ({}, did[place.device.id]))
    assert attempt.failed("killed")["telemetry"] == did["gpu:1 of all"]


def test_all_gpus_at_once_have_one_look_at_the_machine_and_are_no_load_to_each_other(
    tmp_path: Path,
) -> None:
    _, every = several([H100, GT1030])
    session = _session(tmp_path)
    session.train(WORKLOADS["mlp"], every, _ignored, _drain)
    session.close()
    first, second = _results(session)
    for row in (first, second):
        assert row["conditions"]["cpus"]["value"] >= 1
        assert row["telemetry"]["lost"] is None
    assert first["conditions"]["seconds"] == pytest.approx(second["conditions"]["seconds"], abs=0.1)


def test_the_temporary_folder_goes_with_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    _train(_session(tmp_path))
    assert list(scratch.iterdir()) == []
