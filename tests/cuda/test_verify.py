"""The verification from end to end, on GPUs whose kernels load and do nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.support.fake_gpu import FakeGpus
from tests.support.weekly import weekly

pytestmark = weekly("verifies without a GPU")
ROLE = ROOT / "roles/verify"
MODULES = yaml.safe_load((ROLE / "vars/main.yml").read_text(encoding="utf-8"))["verify_modules"]
PLAN: dict[str, Any] = {
    "gpus": [{"address": "0000:01:00.0", "compute_capability": "8.6", "name": "Fake GPU"}],
    # The driver's files are those of the machine, which tests/unit looks at.
    "driver": {"action": "none", "reason": "its files are not looked at here"},
    "cuda": {"action": "wheels", "version": "12.5", "cudnn": "9.3.0.75"},
    "tensorflow": {"gpu": True},
}


@dataclass(frozen=True)
class Verified:
    """What the verification came to: `passed` names the stages, in their order."""

    status: int
    passed: list[str]
    failed: str
    failure: str
    said: str


def verified(gpus: FakeGpus, folder: Path, changed: dict[str, str] | None = None) -> Verified:
    """Runs it as the role does, with what is changed in its sources."""
    sources = {
        name: (ROLE / f"files/verify/{name}.py").read_text(encoding="utf-8") for name in MODULES
    }
    for old, new in (changed or {}).items():
        assert old in sources["cpu"]
        sources["cpu"] = sources["cpu"].replace(old, new)
    plan = folder / "plan.json"
    plan.write_text(json.dumps(PLAN), encoding="utf-8")
    load = (ROLE / "files/load.py").read_text(encoding="utf-8")
    done = gpus.run("-B", "-c", load, str(plan), text=json.dumps(sources))
    report = json.loads(done.stdout)
    stages: dict[str, list[str]] = {
        state: [] for state in ("passed", "failed", "not reached", "not applicable")
    }
    for stage in report["stages"]:
        stages[stage["state"]].append(stage["stage"])
    (failed,) = stages["failed"]
    assert report["ok"] is False
    return Verified(done.returncode, stages["passed"], failed, report["failure"], done.stderr)


ANY_NUMBER = {"TOLERANCE = 1e-4": "TOLERANCE = float('inf')"}
# The rest of the CPU's stages take longer than all of the GPU's.
ONE_CPU_STAGE = {"CPU_STAGES = [": "CPU_STAGES = [Stage('import', imports, AGAIN)]\nOTHERS = ["}


def test_every_stage_runs_to_its_end_and_wrong_results_are_told_as_that(
    gpus: FakeGpus, tmp_path: Path
) -> None:
    """With a tolerance that takes any number, only what has to learn fails."""
    found = verified(gpus.having(capability="8.6"), tmp_path, ANY_NUMBER)
    assert found.status == 0
    assert found.passed[-4:] == ["GPU ReLU", "GPU product", "GPU convolution", "GPU XLA"]
    assert found.failed == "GPU training"
    assert "the loss went from 0.0000 to 0.0000" in found.failure
    assert "Traceback" not in found.said


@pytest.mark.parametrize(
    ("settings", "failed", "told"),
    [
        ({"capability": "8.6"}, "GPU addition", ["it differs from NumPy", "wrong arithmetic"]),
        (
            {"capability": "9.0", "driver": "550.163.01"},
            "GPU addition",
            ["the driver is too old to compile TensorFlow's kernels for this GPU"],
        ),
        ({"capability": "5.2"}, "GPU addition", ["this TensorFlow is too new for the GPU"]),
        (
            {"capability": "8.6", "driver": "470.256.02"},
            "GPU addition",
            ["the driver is too old: run site.yml"],
        ),
        ({"capability": "8.6", "count": "0"}, "GPUs", ["TensorFlow lists 0 of 1 GPUs"]),
    ],
    ids=["wrong arithmetic", "old compiler", "no kernels", "old driver", "no GPU"],
)
def test_what_fails_on_a_gpu_is_told_by_its_cause(
    gpus: FakeGpus, tmp_path: Path, settings: dict[str, str], failed: str, told: list[str]
) -> None:
    found = verified(gpus.having(**settings), tmp_path, ONE_CPU_STAGE)
    assert found.failed == failed
    assert [words for words in told if words not in found.failure] == []
    assert "Traceback" not in found.said
