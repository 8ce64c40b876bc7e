"""TensorFlow, JAX and PyTorch below Keras: chosen, refused, told apart."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from bench.errors import GrindstoneError
from bench.observe import devices as observed
from bench.observe.devices import Found
from bench.options import Settings
from bench.record import comparable, head
from bench.record.variant import AS_PUBLISHED, Variant, Way
from bench.report import notes
from bench.runner import interpreter
from bench.worker import devices, environment, faults
from bench.worker.backends import Jax, TensorFlow, Torch, tensorflow
from bench.worker.messages import Job
from bench.workloads.backend import BACKENDS, Backend
from tests.support.program import script
from tests.support.records import CPU, H100, WORKER, record, result
from tests.support.run_settings import chosen

_JAX = Variant(backend="jax")


def settings(*words: str) -> Settings:
    return chosen(*words, found=Found((CPU, H100), driver="580.95.05"))


# ---- what is asked for


def test_each_backend_is_a_row_and_tensorflow_is_as_published() -> None:
    made = settings("--backend", "jax,tensorflow", "--batch=8,9")
    assert made.variants == (
        Variant(batch=8),
        Variant(batch=9),
        Variant(backend="jax", batch=8),
        Variant(backend="jax", batch=9),
    )
    assert made.backends == ("tensorflow", "jax")
    assert made.published_ways_on(CPU) == [Way(), Way("stock", _JAX)]
    assert settings("--backend=tensorflow").variants == (AS_PUBLISHED,)
    assert settings("--backend=torch", "--profile=full").modes_on(H100) == ("stock",)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--backend=mxnet"], "no backend 'mxnet'; there is tensorflow, jax, torch"),
        (["--backend=jax", "--mode=tuned"], "--mode tuned is not for JAX: its loop is written in"),
        (["--backend=torch", "--input=disk"], "--input is not for PyTorch: files are read by tf."),
        (["--backend=jax", "--xla=off"], "--xla is not for JAX: XLA compiles each of its steps"),
        (["--backend=torch,tensorflow", "--xla=on"], "--xla is not for PyTorch: it runs without"),
        (["--backend=torch", "--steps-per-execution=2"], "is not for PyTorch: Keras calls it for"),
        (["--backend=jax", "--device=gpus"], "--device gpus is not for JAX: one network over"),
    ],
)
def test_what_a_backend_lacks_is_refused_in_a_line(words: list[str], told: str) -> None:
    found = Found((CPU, H100, replace(H100, index=1, uuids=("GPU-1",))), driver="580.95.05")
    with pytest.raises(GrindstoneError, match=re.escape(told)) as refused:
        chosen(*words, found=found)
    assert "\n" not in str(refused.value)


# ---- what trains where nothing is asked for

_PLAN = {"stack": "jax", "tensorflow": {"version": "0.10.2", "interpreter": "/opt/g/bin/python"}}


def test_the_plans_backend_trains_where_its_interpreter_does(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    planned = {**_PLAN, "tensorflow": {**_PLAN["tensorflow"], "framework": "jax"}}  # type: ignore[dict-item]
    path.write_text(json.dumps(planned), encoding="utf-8")
    made = settings(f"--plan={path}")
    assert made.variants == (_JAX,)
    assert str(made.plan) == f"{path}: stack jax, JAX 0.10.2"
    assert settings(f"--plan={path}", "--backend=tensorflow").variants == (AS_PUBLISHED,)
    path.write_text(json.dumps(_PLAN), encoding="utf-8")
    assert settings(f"--plan={path}").variants == (AS_PUBLISHED,)


def _python(folder: Path, *has: str) -> Path:
    """A Python that has these modules."""
    return script(
        folder / "python",
        "#!/bin/sh\nshift 2; number=3\nfor module; do\n"
        f'  case " {" ".join(has)} " in *" $module "*) ;; *) exit $number ;; esac\n'
        "  number=$((number + 1))\ndone\n"
        f"exit {interpreter.CAN_TRAIN}\n",
    )


@pytest.mark.parametrize(
    ("has", "backend"),
    [
        (["tensorflow", "keras", "jax"], "tensorflow"),
        (["jax", "torch", "keras"], "jax"),
        (["torch", "keras"], "torch"),
        (["jax"], "tensorflow"),  # without Keras nothing trains, and that is told later
    ],
)
def test_an_interpreter_trains_on_the_first_that_it_has(
    tmp_path: Path, has: list[str], backend: str
) -> None:
    assert interpreter.backend_of(_python(tmp_path, *has), None, 60.0) == backend


def test_a_python_without_what_is_asked_for_is_refused_by_the_name_of_it(tmp_path: Path) -> None:
    python = _python(tmp_path, "tensorflow", "jax")
    cases: list[tuple[list[Backend], str]] = [
        (["tensorflow", "torch"], "has no PyTorch; run"),
        (["jax"], "has no Keras; run"),
    ]
    for backends, told in cases:
        with pytest.raises(GrindstoneError, match=told):
            interpreter.check(python, "--worker-python", backends, 60.0)


# ---- told apart in table, key and notes


def _on(backend: str, version: str) -> Any:
    worker = replace(WORKER, tensorflow=None, **{backend: version})
    variant = None if backend == "tensorflow" else Variant(backend=backend)  # type: ignore[arg-type]
    return replace(result("mlp"), worker=worker, variant=variant)


def test_two_backends_are_two_rows_and_never_one_slower_than_the_other() -> None:
    both = record([result("mlp"), _on("jax", "0.10.2")])
    titles = [comparable.title(comparable.name_of(each)) for each in both.results]
    assert titles == ["mlp on cpu", "mlp on cpu, JAX"]
    first, second = (comparable.key_for(each, both) for each in both.results)  # type: ignore[arg-type]
    for but in ((), comparable.OF_THE_ENVIRONMENT, comparable.OF_THE_MACHINE):
        told = comparable.difference(first, second, but=but)
        assert told is not None
        assert told.startswith("backend TensorFlow → JAX; two backends are two trainings")


def test_another_version_of_one_backend_is_told_by_its_name() -> None:
    both = record([_on("torch", "2.13.0"), _on("torch", "2.14.0")])
    first, second = (comparable.key_for(each, both) for each in both.results)  # type: ignore[arg-type]
    assert (comparable.difference(first, second) or "").startswith("PyTorch 2.13.0 → 2.14.0;")
    assert comparable.difference(first, second, but=comparable.OF_THE_ENVIRONMENT) is None


def test_the_notes_name_what_trained() -> None:
    (told,) = notes._trained_with(_on("torch", "2.13.0+cpu"), lambda _: "mlp")  # type: ignore[arg-type]
    assert told.startswith("Trained with PyTorch 2.13.0+cpu, Keras 3.15.1, NumPy 2.4.0,")
    plan = head.Plan(stack="jax", jax="0.10.2")
    assert (plan.framework, plan.version, plan.backend) == ("JAX", "0.10.2", "jax")


# ---- in the worker


def test_jax_gets_the_gpu_or_fails_and_takes_no_more_memory_than_it_needs() -> None:
    on_gpu, on_cpu = observed.environment(H100), observed.environment(CPU)
    assert (on_gpu["JAX_PLATFORMS"], on_cpu["JAX_PLATFORMS"]) == ("cuda,cpu", "cpu")
    assert {on_gpu[n] for n in ("XLA_PYTHON_CLIENT_PREALLOCATE",)} == {"false"}
    heard = environment.variables({**on_gpu, "JAX_ENABLE_X64": "1"}, is_gpu=True, backend="jax")
    assert heard == {"CUDA_VISIBLE_DEVICES": H100.uuids[0], "JAX_ENABLE_X64": "1"}
    of_others = {"JAX_ENABLE_X64": "1", "PYTORCH_ALLOC_CONF": "x", "TF_XLA_FLAGS": "y"}
    for backend, count in zip(BACKENDS, (1, 1, 1), strict=True):
        found = environment.variables(of_others, is_gpu=True, backend=backend)
        assert len(found) == count


class _Jax:
    """JAX as far as it is asked, with a GPU or without."""

    def __init__(self, *, gpu: bool, precision: str | None = None) -> None:
        kinds = [("gpu", "NVIDIA GB200"), ("cpu", "cpu")] if gpu else [("cpu", "cpu")]
        self.config = SimpleNamespace(
            jax_default_matmul_precision=precision, jax_disable_jit=False, update=self._update
        )
        self._devices = [
            SimpleNamespace(
                platform=kind, device_kind=name, memory_stats=lambda: {"peak_bytes_in_use": 9}
            )
            for kind, name in kinds
        ]

    def local_devices(self) -> list[Any]:
        return self._devices

    def _update(self, name: str, value: str) -> None:
        setattr(self.config, name, value)


class _Torch:
    """PyTorch as far as it is asked."""

    def __init__(self) -> None:
        self.precision = "highest"
        self.backends = SimpleNamespace(cudnn=SimpleNamespace(allow_tf32=True))
        self.cuda = SimpleNamespace(
            device_count=lambda: 1,
            get_device_name=lambda _: "NVIDIA GH200 480GB",
            max_memory_allocated=lambda _: 7,
        )

    def set_float32_matmul_precision(self, name: str) -> None:
        self.precision = name

    def get_float32_matmul_precision(self) -> str:
        return self.precision

    def are_deterministic_algorithms_enabled(self) -> bool:
        return False

    def get_num_threads(self) -> int:
        return 72


def _policies() -> Any:
    held = SimpleNamespace(name="float32")
    return SimpleNamespace(
        mixed_precision=SimpleNamespace(
            global_policy=lambda: held, set_global_policy=lambda name: setattr(held, "name", name)
        )
    )


def _jax(*, gpu: bool) -> Jax:
    backend = Jax.__new__(Jax)
    backend._jax, backend.keras = _Jax(gpu=gpu), _policies()
    return backend


def _torch() -> Torch:
    backend = Torch.__new__(Torch)
    backend._torch, backend.keras = _Torch(), _policies()
    return backend


@pytest.mark.parametrize("make", [lambda: _jax(gpu=True), _torch], ids=["jax", "torch"])
def test_tf32_is_allowed_on_a_gpu_alike_unless_it_is_asked_away(
    make: Callable[[], Jax | Torch],
) -> None:
    for precision, tf32, policy in (
        (None, True, "float32"),
        ("tf32-off", False, "float32"),
        ("mixed_bfloat16", True, "mixed_bfloat16"),
    ):
        backend, job = make(), Job("mlp", True, 3, 1, {}, precision=precision)
        backend.set_precision(job)
        told = backend.numerics(job, {})
        assert (told["tf32"], told["precision"]) == (tf32, policy)
        assert backend.numerics(job, {"NVIDIA_TF32_OVERRIDE": "0"})["tf32"] is False


def test_the_gpus_and_their_memory_are_the_backends_own() -> None:
    assert _jax(gpu=True).gpus() == ["NVIDIA GB200"]
    assert devices.memory_peak(_jax(gpu=True)) == 9
    assert devices.memory_peak(_jax(gpu=False)) is None
    assert (_torch().gpus(), devices.memory_peak(_torch())) == (["NVIDIA GH200 480GB"], 7)
    job = Job("mlp", True, 3, 1, {}, backend="jax")
    with pytest.raises(RuntimeError, match=r"JAX sees 0 GPUs where one was .* jax\[cuda13\]"):
        devices._only_devices(_jax(gpu=False), job)
    with pytest.raises(RuntimeError, match="can see a GPU"):
        devices._only_devices(_jax(gpu=True), Job("mlp", False, 3, 1, {}, backend="jax"))


def test_what_is_written_for_tensorflow_asks_for_it() -> None:
    backend = TensorFlow.__new__(TensorFlow)
    backend.tf = "its module"
    assert tensorflow(backend) == "its module"
    with pytest.raises(RuntimeError, match="this takes TensorFlow, and Jax trains"):
        tensorflow(_jax(gpu=False))


def test_errors_of_the_machine_are_known_by_their_names() -> None:
    def named(name: str, text: str = "") -> Exception:
        made: Exception = type(name, (RuntimeError,), {})(text)
        return made

    exhausted = named("JaxRuntimeError", "RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes")
    assert faults.is_of_memory(exhausted)
    assert faults.is_of_memory(named("OutOfMemoryError"))
    assert faults.of_backend(named("AcceleratorError"))
    assert not faults.is_of_memory(named("JaxRuntimeError", "INTERNAL: a GPU is lost"))
    assert not faults.of_backend(ValueError("RESOURCE_EXHAUSTED"))
