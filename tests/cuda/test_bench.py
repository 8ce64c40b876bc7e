"""The benchmark's own paths on GPUs whose kernels do nothing: every floor fails, as it should."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.record.model import Failed, Finished, Record
from tests.support.fake_gpu import FakeGpus
from tests.support.weekly import weekly
from tests.training.command import Command, Ended

pytestmark = weekly("trains without a GPU")
FLOOR = "is below its floor of"


@dataclass(frozen=True)
class Run:
    """A run that has ended, and its record."""

    ended: Ended
    record: Record

    def finished(self) -> list[str]:
        """The devices and modes of what came to its end."""
        done = [each for each in self.record.results if isinstance(each, Finished)]
        return [f"{each.device.id} {each.mode}" for each in done]

    def failure(self) -> str:
        """Why the one training failed."""
        (result,) = self.record.results
        assert isinstance(result, Failed)
        return result.reason


def run(gpus: FakeGpus, folder: Path, *options: str) -> Run:
    """Trains the perceptron; no run leaves a traceback, a warning or a process behind."""
    (folder / "scratch").mkdir()
    visible = ",".join(map(str, range(int(gpus.settings.get("FAKE_GPU_COUNT", "1")))))
    command = Command(
        gpus.python,
        folder / "cache",
        folder / "results",
        folder / "scratch",
        folder / "output.txt",
        {**gpus.variables, "CUDA_VISIBLE_DEVICES": visible},
    )
    ended = command.run("-k", "mlp", *options)
    assert ended.status == 1, ended.output
    assert not re.search("Traceback|Warning|warnings summary", ended.output), ended.output
    assert command.left_behind() == []
    return Run(ended, command.record())


@pytest.mark.parametrize("mode", ["stock", "tuned"])
def test_a_gpu_trains_to_the_end_and_its_telemetry_is_recorded(
    gpus: FakeGpus, tmp_path: Path, mode: str
) -> None:
    trained = run(gpus.having(capability="8.6"), tmp_path, "--device=gpu:0", f"--mode={mode}")
    assert trained.finished() == [f"gpu:0 {mode}"]
    assert FLOOR in trained.ended.output
    (result,) = trained.record.results
    assert isinstance(result, Finished)
    assert result.telemetry is not None
    assert result.telemetry.by_epoch is not None
    assert set(result.telemetry.by_epoch.power) == {100}
    mean = result.telemetry.power.mean
    assert mean.value == 100 or "a reading of power covers 1 s" in str(mean.why)
    assert result.telemetry.temperature.value == 50
    assert result.telemetry.lost is None
    assert result.verdict is not None
    assert result.verdict.word == "BELOW-FLOOR"
    assert result.worker.device == "Fake GPU 8.6"
    assert result.memory_peak


def test_two_gpus_train_at_the_same_time(gpus: FakeGpus, tmp_path: Path) -> None:
    """One network over both is left out, as it ends with Keras' UnboundLocalError: batch_outputs.

    TensorFlow asks each step whether a GPU still has data, by a sum that is placed on a GPU
    (distribute/input_lib.py, _calculate_replicas_with_values).  That GPU computes nothing, so the
    sum is 0, `predict` sees no batch and returns what it has not set.  A GPU that computes has one.
    """
    trained = run(gpus.having(capability="8.6", count="2"), tmp_path, "--device=all")
    assert trained.finished() == ["gpu:0 of all stock", "gpu:1 of all stock"]


def test_a_slice_of_a_gpu_trains_as_a_device_of_its_own(gpus: FakeGpus, tmp_path: Path) -> None:
    rig = gpus.having(capability="9.0", slices="2")
    trained = run(rig, tmp_path, "--device=gpu:0:0")
    assert trained.finished() == ["gpu:0:0 stock"]


def test_a_gpu_that_is_lost_in_mid_training_is_told_so(gpus: FakeGpus, tmp_path: Path) -> None:
    rig = gpus.having(capability="8.6", lost=str(tmp_path / "lost"), launches="2500")
    failed = run(rig, tmp_path, "--device=gpu:0")
    assert (tmp_path / "lost").exists()
    assert re.match(
        r"mlp on gpu:0: worker InternalError: .*CUDA_ERROR_UNKNOWN.*, during epoch \d",
        failed.failure(),
    )
    assert re.search(r"GPU lost: gpu:0 \(Fake GPU 8.6\), in epoch \d of mlp", failed.ended.output)


def test_a_gpu_with_too_little_memory_is_told_by_what_did_not_fit(
    gpus: FakeGpus, tmp_path: Path
) -> None:
    failed = run(gpus.having(capability="8.6", memory="40"), tmp_path, "--device=gpu:0")
    assert "worker ran out of memory: OOM when allocating" in failed.failure()


@pytest.mark.parametrize(
    ("capability", "driver", "told"),
    [
        ("8.6", "470.256.02", "the driver is too old for what trains on this GPU"),
        ("9.0", "550.163.01", "the driver is too old for what trains on this GPU"),
        ("5.2", "580.178.04", "what trains has no kernels for this GPU"),
    ],
)
def test_a_gpu_that_tensorflow_does_not_run_on_is_told_with_what_to_do(
    gpus: FakeGpus, tmp_path: Path, capability: str, driver: str, told: str
) -> None:
    failed = run(gpus.having(capability=capability, driver=driver), tmp_path, "--device=gpu:0")
    (line, *_) = failed.failure().splitlines()
    assert told in line
    assert "`./run site`" in line
