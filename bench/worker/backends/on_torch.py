"""PyTorch below Keras, which runs it eagerly unless it is told to compile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bench.worker.backends.backend import Backend, not_training
from bench.worker.messages import Job


class Torch(Backend):
    """By PyTorch."""

    def __init__(self) -> None:
        import keras
        import torch

        self._torch: Any = torch
        self.keras: Any = keras
        self.version = str(torch.__version__)

    @property
    def out_of_memory(self) -> tuple[type[Exception], ...]:
        return (self._torch.OutOfMemoryError,)

    def set_precision(self, job: Job) -> None:
        """By itself it has TF32 for convolutions and not for products; the others have it for both.

        The setting is for GPUs, but some CPUs round products by it: there it is left alone.
        """
        allowed = job.precision != "tf32-off"
        if job.is_gpu:
            self._torch.set_float32_matmul_precision("high" if allowed else "highest")
            self._torch.backends.cudnn.allow_tf32 = allowed
        if job.precision and allowed:
            self.keras.mixed_precision.set_global_policy(job.precision)

    def compiles(self, job: Job) -> bool:
        return False

    def numerics(self, job: Job, variables: Mapping[str, str]) -> dict[str, Any]:
        rounded = self._torch.get_float32_matmul_precision() != "highest"
        return {
            "xla": False,
            "tf32": rounded and variables.get("NVIDIA_TF32_OVERRIDE") != "0",
            "precision": str(self.keras.mixed_precision.global_policy().name),
            "deterministic_ops": bool(self._torch.are_deterministic_algorithms_enabled()),
            "threads": int(self._torch.get_num_threads()),
        }

    def gpus(self) -> list[str]:
        cuda = self._torch.cuda
        return [str(cuda.get_device_name(number)) for number in range(cuda.device_count())]

    def synchronise(self) -> None:
        if self._torch.cuda.is_available():  # on the CPU nothing is left to wait for
            self._torch.cuda.synchronize()

    def product(self, side: int) -> Callable[[], object]:
        device = "cuda" if self._torch.cuda.is_available() else "cpu"
        matrix = self._torch.rand((side, side), device=device)
        return lambda: self._torch.matmul(matrix, matrix)

    def compiled_call(self, model: Any, example: Any, job: Job) -> Callable[[Any], list[Any]]:
        """It runs eagerly, as it trains."""
        how, convert = not_training(model), self.keras.ops.convert_to_tensor

        def answer(given: Any) -> list[Any]:
            with self._torch.no_grad():
                return self.flatten(model(self.map_structure(convert, given), **how))

        return answer

    def memory_peaks(self) -> list[int]:
        cuda = self._torch.cuda
        return [int(cuda.max_memory_allocated(number)) for number in range(cuda.device_count())]
