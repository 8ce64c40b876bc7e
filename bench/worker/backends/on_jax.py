"""JAX below Keras."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from bench.worker.backends.backend import Backend, not_training
from bench.worker.messages import Job

# What `jax_default_matmul_precision` may be for float32 to be float32 on a GPU, too.
_WITHOUT_TF32 = ("highest", "float32", "F32_F32_F32")


class Jax(Backend):
    """By JAX."""

    def __init__(self) -> None:
        import jax
        import keras

        self._jax: Any = jax
        self.keras: Any = keras
        self.version: str = jax.__version__

    @property
    def out_of_memory(self) -> tuple[type[Exception], ...]:
        return (self._jax.errors.JaxRuntimeError,)

    def set_precision(self, job: Job) -> None:
        if job.precision == "tf32-off":
            self._jax.config.update("jax_default_matmul_precision", "highest")
        elif job.precision:
            self.keras.mixed_precision.set_global_policy(job.precision)

    def compiles(self, job: Job) -> bool:
        return True

    def numerics(self, job: Job, variables: Mapping[str, str]) -> dict[str, Any]:
        precision = self._jax.config.jax_default_matmul_precision
        tf32 = precision not in _WITHOUT_TF32 and variables.get("NVIDIA_TF32_OVERRIDE") != "0"
        flags = variables.get("XLA_FLAGS", "").split()
        deterministic = {"--xla_gpu_deterministic_ops", "--xla_gpu_deterministic_ops=true"}
        return {
            "xla": not self._jax.config.jax_disable_jit,
            "tf32": tf32,
            "precision": str(self.keras.mixed_precision.global_policy().name),
            "deterministic_ops": not deterministic.isdisjoint(flags),
            "threads": len(os.sched_getaffinity(0)),  # XLA's pool has as many as there are
        }

    def gpus(self) -> list[str]:
        return [str(device.device_kind) for device in self._gpus()]

    def synchronise(self) -> None:
        """Waits for every array that is alive: what a step returned is, until the next one."""
        self._jax.block_until_ready(self._jax.live_arrays())

    def product(self, side: int) -> Callable[[], object]:
        matrix = self._jax.random.uniform(self._jax.random.key(1), (side, side))
        multiplied = self._jax.jit(self._jax.numpy.matmul)
        return lambda: multiplied(matrix, matrix).block_until_ready()

    def compiled_call(self, model: Any, example: Any, job: Job) -> Callable[[Any], list[Any]]:
        """The weights are handed to it: of what a function closes over XLA computes what it can."""
        how = not_training(model)

        def answer(trained: Any, others: Any, given: Any) -> list[Any]:
            answers, _ = model.stateless_call(trained, others, given, **how)
            return self.flatten(answers)

        weights = [
            [each.value for each in variables]
            for variables in (model.trainable_variables, model.non_trainable_variables)
        ]
        compiled = self._jax.jit(answer).lower(*weights, example).compile()
        return lambda given: compiled(*weights, given)

    def memory_peaks(self) -> list[int]:
        told = [device.memory_stats() or {} for device in self._gpus()]
        return [int(each["peak_bytes_in_use"]) for each in told if "peak_bytes_in_use" in each]

    def _gpus(self) -> list[Any]:
        """It raises what hinders CUDA: the worker is started with JAX_PLATFORMS, which insists."""
        return [device for device in self._jax.local_devices() if device.platform == "gpu"]
