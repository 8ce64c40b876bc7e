"""The stages of the verification: the driver by folders of files, the GPUs by a mock TensorFlow."""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from roles.verify.files.verify import cpu, cuda, gpu, main
from roles.verify.files.verify.stage import AGAIN, GPU_HARDWARE, Stage, StageError
from tests.support.program import script
from tests.support.verification import PLAN, failure

FILES = Path(main.__file__).parents[1]


class Tensor(np.ndarray):
    """An array with the one method of TensorFlow's that the stages call."""

    def numpy(self) -> Any:
        return np.asarray(self)


class TensorFlow(types.ModuleType):
    """A TensorFlow on NumPy that lists GPUs; `wrong` is added to what they compute."""

    float32 = np.float32

    def __init__(self, gpus: int, wrong: float = 0, error: str = "") -> None:
        super().__init__("tensorflow")
        self.wrong, self.error, self.on, self.used = wrong, error, "", set[str]()
        names = [types.SimpleNamespace(name=f"/device:GPU:{i}") for i in range(gpus)]
        details = {"device_name": "Tesla P100", "compute_capability": (6, 0)}
        experimental = types.SimpleNamespace(
            get_device_details=lambda _: details, enable_tensor_float_32_execution=lambda _: None
        )
        self.config = types.SimpleNamespace(
            list_physical_devices=lambda _: names,
            list_logical_devices=lambda _: names,
            set_soft_device_placement=lambda _: None,
            experimental=experimental,
        )

    def device(self, name: str) -> TensorFlow:
        self.on = name
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self.on = ""

    def constant(self, value: Any, _: Any) -> Any:
        return np.asarray(value, np.float32)

    def matmul(self, left: Any, right: Any) -> Tensor:
        if self.error:
            raise RuntimeError(self.error)
        self.used.add(self.on)
        product: Tensor = (left @ right + self.wrong).view(Tensor)
        return product


@pytest.fixture
def tensorflow(monkeypatch: pytest.MonkeyPatch) -> Callable[..., TensorFlow]:
    def make(*arguments: Any, **names: Any) -> TensorFlow:
        module = TensorFlow(*arguments, **names)
        monkeypatch.setitem(sys.modules, "tensorflow", module)
        return module

    return make


def test_every_gpu_is_listed_by_name_and_capability_or_missed(
    tensorflow: Callable[..., TensorFlow],
) -> None:
    tensorflow(2)
    assert gpu.listed(PLAN) == "Tesla P100 (6.0), Tesla P100 (6.0)"
    tensorflow(1)
    with pytest.raises(AssertionError, match="TensorFlow lists 1 of 2 GPUs"):
        gpu.listed(PLAN)
    unused = {"gpus": [{"address": "0000:01:00.0"}, {"address": "0000:02:00.0", "used": False}]}
    assert gpu.listed(unused) == "Tesla P100 (6.0)"


def test_each_gpu_computes_in_its_turn(tensorflow: Callable[..., TensorFlow]) -> None:
    module = tensorflow(2)
    assert gpu.on_each_gpu(cpu.product)(PLAN) == "agrees with NumPy on 2 GPUs"
    assert module.used == {"/device:GPU:0", "/device:GPU:1"}


def test_a_gpu_that_computes_something_else_is_named(tensorflow: Callable[..., TensorFlow]) -> None:
    tensorflow(1, wrong=0.001)
    with pytest.raises(RuntimeError, match=r"on GPU:0: it differs from NumPy by 0\.001, not with"):
        gpu.on_each_gpu(cpu.product)(PLAN)


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("CUDA_ERROR_INVALID_PTX: a PTX JIT compilation failed", "run site.yml, which knows"),
        ("PTX version 8.5 does not support target 'sm_120'", "run site.yml, which knows"),
        ("CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "the driver is too old to compile"),
        ("CUDA_ERROR_JIT_COMPILER_NOT_FOUND", "libnvidia-ptxjitcompiler.so.1 is missing"),
        ("Autotuner could not find any supported configs for HLO", "cuDNN does not run"),
        ("no kernel image is available for execution on the device", "too new for the GPU"),
        ("'cuModuleLoadData' failed with 'CUDA_ERROR_NO_BINARY_FOR_GPU'", "too new for the GPU"),
        ("CUDA_ERROR_UNKNOWN: unknown error", "nvidia-modprobe"),
        ("Loaded runtime CuDNN library: 9.1.0 but source was compiled with: 9.3.0", "wrong cuDNN"),
        (
            "Can't find libdevice directory ${CUDA_DIR}/nvvm/libdevice",
            "XLA does not find its tools",
        ),
        ("Failed to initialize NVML: Driver/library version mismatch", "reboot"),
        ("CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED", "cuDNN's parts"),
        ("OOM when allocating tensor", "nvidia-smi"),
    ],
)
def test_what_cuda_says_becomes_what_to_do(
    tensorflow: Callable[..., TensorFlow], said: str, advice: str
) -> None:
    tensorflow(1, error=said)
    stage = Stage("GPU product", gpu.on_each_gpu(cpu.product), GPU_HARDWARE)
    known = main.in_child([stage], PLAN)
    assert known[0].state == "failed"
    assert said in known[0].found
    assert advice in known[0].advice


def test_what_only_the_log_says_counts_as_well() -> None:
    def stage(_: Any) -> str:
        os.write(2, b"W gpu_device.cc: Cannot dlopen some GPU libraries. Skipping registering\n")
        raise AssertionError("TensorFlow lists 0 of 1 GPUs")

    (known,) = main.in_child([Stage("GPUs", stage, "look into dmesg")], PLAN)
    assert known.advice == AGAIN


@pytest.mark.parametrize(
    ("number", "found", "advice"),
    [
        (signal.SIGILL, "AVX", "another machine"),
        (signal.SIGKILL, "memory runs out", "free some"),
        (signal.SIGALRM, "did not end within 15 minutes", "reboot"),
        (signal.SIGTERM, "it ended by SIGTERM", "run site.yml again"),
    ],
)
def test_a_stage_that_ends_its_process_fails_and_says_what_it_means(
    number: signal.Signals, found: str, advice: str
) -> None:
    fine = Stage("fine", lambda _: "well", "")

    def end(_: Any) -> str:
        faulthandler.disable()  # pytest's, which would print all calls of this child
        os.kill(os.getpid(), number)
        return "not ended"

    fatal = Stage("fatal", end, "")
    known = main.in_child([fine, fatal, fine], PLAN)
    assert [result.state for result in known] == ["passed", "failed"]
    assert found in known[1].found
    assert advice in known[1].advice


def mock_stages(monkeypatch: pytest.MonkeyPatch, failing: str = "") -> None:
    """Makes every stage pass but the one of that name."""

    def check(name: str) -> Callable[[Any], str]:
        def checked(_: Any) -> str:
            if name == failing:
                raise StageError("it is wrong", "fix it")
            return "well"

        return checked

    for group in ("CPU_STAGES", "DRIVER_STAGES", "LIBRARY_STAGES", "GPU_STAGES"):
        stages = [stage._replace(check=check(stage.name)) for stage in getattr(main, group)]
        monkeypatch.setattr(main, group, stages)


def test_the_package_runs_from_standard_input_with_its_modules_in_order() -> None:
    variables = yaml.safe_load((FILES.parent / "vars/main.yml").read_text(encoding="utf-8"))
    names = variables["verify_modules"]
    sources = {name: (FILES / f"verify/{name}.py").read_text(encoding="utf-8") for name in names}
    sources["main"] += "\n\ndef main(package: str) -> None:\n"
    sources["main"] += "    print(len(CPU_STAGES), result.__module__, len(package))\n"
    load = (FILES / "load.py").read_text(encoding="utf-8")
    command = [sys.executable, "-c", load]
    said = subprocess.check_output(command, input=json.dumps(sources), text=True)
    assert said == "6 verify.main 64\n"
    assert {path.stem for path in (FILES / "verify").glob("*.py")} == set(names)


def states(report: dict[str, Any]) -> dict[str, str]:
    return {stage["stage"]: stage["state"] for stage in report["stages"]}


@pytest.mark.parametrize("failing", ["import", "driver", "device nodes", "cuDNN", "GPU XLA"])
def test_the_stages_stop_at_the_first_that_fails(
    monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    mock_stages(monkeypatch, failing)
    report = main.run(PLAN)
    assert report["failure"] == f"{failing} failed: it is wrong; fix it"
    assert not report["ok"]
    names = list(states(report))
    before, after = names[: names.index(failing)], names[names.index(failing) + 1 :]
    assert {states(report)[name] for name in before} == {"passed"}
    assert {states(report)[name] for name in after} <= {"not reached"}


NOT = "not applicable"
NO_CUDA = {"action": "none", "reason": "as plan_cuda asks: TensorFlow is for the CPU"}
FOR_THE_CPU = {**PLAN, "cuda": NO_CUDA, "tensorflow": {"gpu": False}}
WINDOWS = {"action": "none", "reason": "WSL2 has the driver of Windows"}


@pytest.mark.parametrize(
    ("plan", "driver_state", "gpu_state", "reason"),
    [
        (PLAN, "passed", "passed", ""),
        ({}, NOT, NOT, "there is no plan on this host"),
        ({"driver": {"action": "none", "reason": "no NVIDIA GPU found"}}, NOT, NOT, "no NVIDIA"),
        ({**PLAN, "driver": {"action": "skip", "reason": "as asked"}}, NOT, NOT, "as asked"),
        ({**PLAN, "driver": WINDOWS}, NOT, "passed", "WSL2 has the driver"),
        (FOR_THE_CPU, "passed", NOT, "as plan_cuda asks"),
    ],
)
def test_what_applies_passes_and_the_rest_says_why_it_does_not(
    monkeypatch: pytest.MonkeyPatch,
    plan: dict[str, Any],
    driver_state: str,
    gpu_state: str,
    reason: str,
) -> None:
    mock_stages(monkeypatch)
    report = main.run(plan)
    assert (report["ok"], report["failure"], report["schema"]) == (True, "", 1)
    expected = ["passed"] * 6 + [driver_state] * 2 + [gpu_state] * 11
    assert list(states(report).values()) == expected
    left = [stage["found"] for stage in report["stages"] if stage["state"] == NOT]
    assert all(found.startswith(reason) for found in left)


def test_what_an_image_brings_is_told_by_its_results_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    mock_stages(monkeypatch)
    inside = {"image": "docker.io/tensorflow/tensorflow@sha256:5f", "engine": "podman"}
    image = {"action": "image", "reason": "the image's own"}
    plan = {**PLAN, "cuda": image, "container": inside, "tensorflow": {"gpu": True, "version": ""}}
    report = main.run(plan)
    assert report["ok"]
    assert list(states(report).values()) == ["passed"] * 8 + [NOT] * 4 + ["passed"] * 7
    assert main.longest(plan) == 3600  # which may have no kernels for the GPU


BLACKWELL = {"tensorflow": {"compiled": "GB202 (Blackwell)", "ptxas": "12.9"}}


def test_the_driver_s_compiler_has_to_be_there_where_it_is_needed_and_only_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr("ctypes.CDLL", missing)
    assert cuda.compiler(PLAN).startswith("not needed")
    found, advice = failure(cuda.compiler, BLACKWELL)
    assert "libnvidia-ptxjitcompiler.so.1: cannot open" in found
    assert "GB202 (Blackwell) needs it" in found
    assert advice.endswith("run site.yml, which installs it")
    monkeypatch.setattr("ctypes.CDLL", lambda _: None)
    assert cuda.compiler(BLACKWELL) == "opens, and compiles for GB202 (Blackwell)"


def ptxas(folder: Path, version: str) -> str:
    """A ptxas that says what it is, and the flag that shows it to XLA."""
    (folder / "bin").mkdir(exist_ok=True)
    said = f"Cuda compilation tools, release, V{version}"
    script(folder / "bin/ptxas", f"#!/bin/sh\necho '{said}'\n")
    return f"--xla_dump_to=/tmp/x --xla_gpu_cuda_data_dir={folder}"


def test_xla_s_ptxas_has_to_know_the_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XLA_FLAGS", ptxas(tmp_path, "12.9.86"))
    assert cuda.ptxas(BLACKWELL) == "12.9.86"
    monkeypatch.setenv("XLA_FLAGS", ptxas(tmp_path, "12.5.82"))
    assert cuda.ptxas(PLAN).startswith("not needed")
    found, advice = failure(cuda.ptxas, BLACKWELL)
    assert found.endswith("bin/ptxas is 12.5.82; GB202 (Blackwell) takes 12.9 or newer")
    assert advice.startswith("unset XLA_FLAGS")
    monkeypatch.setenv("XLA_FLAGS", f"--xla_gpu_cuda_data_dir={tmp_path}/none")
    assert "none/bin/ptxas cannot be run" in failure(cuda.ptxas, BLACKWELL)[0]


def test_a_first_start_that_compiles_may_take_longer() -> None:
    assert main.longest(PLAN) == 900
    assert main.longest(BLACKWELL) == 3600
    assert "within 60 minutes" in main.ended(signal.SIGALRM, "", main.longest(BLACKWELL)).found


def test_what_a_gpu_is_asked_to_do_passes_on_the_cpu() -> None:
    checks = (cpu.addition, cpu.relu, cpu.fit, cpu.xla)
    stages = [Stage(check.__name__, check, "") for check in checks]
    known = main.in_child(stages, PLAN, CUDA_VISIBLE_DEVICES="-1")
    assert [result.state for result in known] == ["passed"] * len(checks), known


def test_a_training_that_has_gone_elsewhere_fails() -> None:
    """The network is on one of two devices, and the other is the one that was asked for."""

    def elsewhere(plan: Any) -> str:
        import keras
        import tensorflow as tf

        (processor,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(
            processor, [tf.config.LogicalDeviceConfiguration()] * 2
        )
        build = keras.Sequential

        def built(layers: Any) -> Any:
            with tf.device("CPU:0"):
                return build(layers)

        keras.Sequential = built
        with tf.device("CPU:1"):
            return cpu.fit(plan)

    (known,) = main.in_child([Stage("check", elsewhere, "")], PLAN, CUDA_VISIBLE_DEVICES="-1")
    assert known.state == "failed"
    assert known.found == "AssertionError: it was trained on CPU:0, not on CPU:1"
