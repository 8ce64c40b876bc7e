"""TensorFlow below Keras."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from bench.worker import tuned
from bench.worker.backends.backend import Backend, not_training
from bench.worker.messages import Job


class TensorFlow(Backend):
    """By TensorFlow.

    own: the devices of this machine, where others train with it: it cannot wait for theirs.
    """

    own: tuple[str, ...] = ()

    def __init__(self) -> None:
        import keras
        import tensorflow as tf

        self.tf: Any = tf
        self.keras: Any = keras
        self.version: str = tf.__version__

    @property
    def kerases(self) -> tuple[Any, ...]:
        return (self.keras, self.tf.keras)

    @property
    def out_of_memory(self) -> tuple[type[Exception], ...]:
        return (self.tf.errors.ResourceExhaustedError,)

    def synchronise(self) -> None:
        for device in self.own:
            with self.tf.device(device):
                self.tf.raw_ops.SyncDevice()
        if not self.own:
            self.tf.test.experimental.sync_devices()

    def set_precision(self, job: Job) -> None:
        if job.precision == "tf32-off":
            self.tf.config.experimental.enable_tensor_float_32_execution(False)
        elif job.precision:
            self.keras.mixed_precision.set_global_policy(job.precision)

    def compiles(self, job: Job) -> bool:
        return job.xla

    def numerics(self, job: Job, variables: Mapping[str, str]) -> dict[str, Any]:
        tf = self.tf
        tf32 = tf.config.experimental.tensor_float_32_execution_enabled()
        return {
            "xla": self._xla(job) or self._clusters(variables, is_gpu=job.is_gpu),
            "tf32": bool(tf32) and variables.get("NVIDIA_TF32_OVERRIDE") != "0",
            "precision": _precision(self, variables, is_gpu=job.is_gpu),
            "deterministic_ops": _deterministic_ops(variables),
            "threads": _threads(tf, variables),
        }

    def gpus(self) -> list[str]:
        config = self.tf.config
        gpus = config.list_physical_devices("GPU")
        details = [config.experimental.get_device_details(gpu) for gpu in gpus]
        return [str(each.get("device_name", "GPU")) for each in details]

    def split_cpu(self, replicas: int) -> None:
        split_cpu(self.tf, replicas)

    def scope(self, replicas: int) -> AbstractContextManager[Any]:
        return scope(self.tf, replicas)

    def product(self, side: int) -> Callable[[], object]:
        matrix = self.tf.random.uniform((side, side))
        return lambda: self.tf.linalg.matmul(matrix, matrix)

    def compiled_call(self, model: Any, example: Any, job: Job) -> Callable[[Any], list[Any]]:
        """By XLA where it has compiled the training; another shape is refused, and not retraced."""
        tf, how = self.tf, not_training(model)
        given = self.map_structure(lambda each: tf.TensorSpec(each.shape, each.dtype), example)
        answer = tf.function(
            lambda inputs: self.flatten(model(inputs, **how)),
            input_signature=[given],
            jit_compile=self._xla(job),
            autograph=False,
        )
        return lambda inputs: answer(self.map_structure(tf.constant, inputs))

    def fetch(self, answers: list[Any]) -> list[Any]:
        return [each.numpy() for each in answers]

    def memory_peaks(self) -> list[int]:
        told = self.tf.config.experimental.get_memory_info
        gpus = self.tf.config.list_physical_devices("GPU")
        return [int(told(f"GPU:{number}")["peak"]) for number, _ in enumerate(gpus)]

    def is_dataset(self, value: Any) -> bool:
        return isinstance(value, self.tf.data.Dataset)

    def flatten(self, structure: Any) -> list[Any]:
        leaves: list[Any] = self.tf.nest.flatten(structure)
        return leaves

    def map_structure(self, function: Callable[[Any], Any], structure: Any) -> Any:
        return self.tf.nest.map_structure(function, structure)

    def _clusters(self, variables: Mapping[str, str], *, is_gpu: bool) -> bool:
        """Whether XLA compiles what was not asked for here, but by a variable or one's own file."""
        asked = bool(self.tf.config.optimizer.get_jit())
        return clusters_by_itself(variables, is_gpu=is_gpu, asked=asked)

    def _xla(self, job: Job) -> bool:
        """Whether it is asked to compile what the job trains."""
        return job.xla or (job.mode == "tuned" and tuned.uses_xla(self.tf))


def split_cpu(tf: Any, replicas: int) -> None:
    """Makes several devices of the CPU, before TensorFlow touches one."""
    (cpu,) = tf.config.list_physical_devices("CPU")
    one = tf.config.LogicalDeviceConfiguration
    tf.config.set_logical_device_configuration(cpu, [one() for _ in range(replicas)])


def scope(tf: Any, replicas: int) -> AbstractContextManager[Any]:
    """What a model has to be built in: nothing, or a strategy over all devices of this process.

    It is `tf.distribute.MirroredStrategy`: the batch stays the workload's and is split among the
    devices, so that it is the same training.
    """
    if replicas == 1:
        return nullcontext()
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
    if strategy.num_replicas_in_sync != replicas:
        raise RuntimeError(
            f"the strategy spans {strategy.num_replicas_in_sync} devices where {replicas} were "
            "asked for"
        )
    manager: AbstractContextManager[Any] = strategy.scope()
    return manager


def clusters_by_itself(set_: Mapping[str, str], *, is_gpu: bool, asked: bool = False) -> bool:
    """Whether TF_XLA_FLAGS, or `tf.config.optimizer.set_jit`, has XLA compile by itself.

    On a CPU that takes `--tf_xla_cpu_global_jit` too (tensorflow/compiler/jit/flags.cc).
    """
    flags = set_.get("TF_XLA_FLAGS", "")
    level = re.search(r"--tf_xla_auto_jit=(\S+)", flags)
    on_cpu = re.search(r"--tf_xla_cpu_global_jit(?!=(false|0))", flags)
    by_flag = level is not None and level[1] not in ("0", "-1")
    return (by_flag or asked) and (is_gpu or on_cpu is not None)


def _precision(backend: TensorFlow, set_: Mapping[str, str], *, is_gpu: bool) -> str:
    named: str = backend.keras.mixed_precision.global_policy().name
    chosen = backend.tf.config.optimizer.get_experimental_options()
    rewritten = bool(chosen.get("auto_mixed_precision")) or any(
        _is_on(set_.get(f"TF_ENABLE_AUTO_MIXED_PRECISION{end}")) for end in ("", "_GRAPH_REWRITE")
    )
    return f"{named}, automatic mixed precision" if is_gpu and rewritten else named


def _deterministic_ops(set_: Mapping[str, str]) -> bool:
    try:  # it has no public name
        from tensorflow.python.framework.config import is_op_determinism_enabled
    except ImportError:
        return _is_on(set_.get("TF_DETERMINISTIC_OPS"))
    return bool(is_op_determinism_enabled())


def _threads(tf: Any, set_: Mapping[str, str]) -> int:
    """How many an operation is spread over: as it was told, else as many as there are processors.

    It takes the variable as `atoi` does, and 0 for not set (tensorflow/core/common_runtime).
    """
    told = tf.config.threading.get_intra_op_parallelism_threads()
    named = re.match(r"\s*\+?(\d+)", set_.get("TF_NUM_INTRAOP_THREADS", ""))
    return told or (int(named[1]) if named else 0) or len(os.sched_getaffinity(0))


def _is_on(value: str | None) -> bool:
    return value is not None and value.lower() in ("1", "true")
