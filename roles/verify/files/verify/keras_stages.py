"""Keras on JAX or PyTorch, where the plan has one of them: on the CPU, and on every GPU.

What is computed is written once; a framework tells its devices, and how a product is made on one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .cpu import agreement, fitted, interpreter, lowered, training
from .stage import AGAIN, GPU_HARDWARE, HARDWARE, Plan, Stage, planned_gpus

TITLES = {"jax": "JAX", "torch": "PyTorch"}


class Jax:
    """JAX, as the stages need it."""

    def __init__(self) -> None:
        import jax

        self.jax: Any = jax
        self.version: str = jax.__version__

    def gpus(self) -> list[tuple[str, Any]]:
        """Each with its name.  JAX_PLATFORMS has it raise what hinders CUDA."""
        found = [each for each in self.jax.local_devices() if each.platform == "gpu"]
        return [(f"{each.device_kind} ({each.compute_capability})", each) for each in found]

    def product(self, left: Any, right: Any, device: Any) -> Any:
        """A compiled product in float32, on the device; None is the CPU."""
        place = self.jax.devices("cpu")[0] if device is None else device
        with self.jax.default_matmul_precision("highest"):
            made = self.jax.jit(self.jax.numpy.matmul)(
                *(self.jax.device_put(each.astype("float32"), place) for each in (left, right))
            )
        if made.devices() != {place}:
            raise AssertionError(f"it was computed on {made.devices()}, not on {place}")
        return made

    def scope(self, device: Any) -> Any:
        """What makes it the device that Keras trains on."""
        return self.jax.default_device(device)

    def lies_on(self, value: Any) -> Any:
        """The device of a variable's value."""
        (device,) = value.devices()
        return device


class Torch:
    """PyTorch, as the stages need it."""

    def __init__(self) -> None:
        import torch

        self.torch: Any = torch
        self.version: str = str(torch.__version__)

    def gpus(self) -> list[tuple[str, Any]]:
        """Each with its name."""
        cuda = self.torch.cuda
        found = []
        for number in range(cuda.device_count()):
            major, minor = cuda.get_device_capability(number)
            name = f"{cuda.get_device_name(number)} ({major}.{minor})"
            found.append((name, self.torch.device("cuda", number)))
        return found

    def product(self, left: Any, right: Any, device: Any) -> Any:
        """A product in float32, on the device; None is the CPU."""
        self.torch.set_float32_matmul_precision("highest")
        place = self.torch.device("cpu") if device is None else device
        made = self.torch.matmul(
            *(
                self.torch.tensor(each, dtype=self.torch.float32, device=place)
                for each in (left, right)
            )
        )
        return made.cpu()

    def scope(self, device: Any) -> Any:
        """What makes it the device that Keras trains on."""
        return self.torch.cuda.device(device)

    def lies_on(self, value: Any) -> Any:
        """The device of a variable's value."""
        return value.device


def framework(plan: Plan) -> str:
    """What trains, by the plan."""
    return str(plan.get("tensorflow", {}).get("framework", "tensorflow"))


def imported(plan: Plan) -> Jax | Torch:
    """The plan's framework."""
    return Jax() if framework(plan) == "jax" else Torch()


def imports(plan: Plan) -> str:
    """Keras is imported with the plan's framework below it, in the plan's version."""
    import keras

    title, found = TITLES[framework(plan)], imported(plan)
    if keras.backend.backend() != framework(plan):
        raise AssertionError(
            f"Keras is on {keras.backend.backend()}: KERAS_BACKEND has to be unset"
        )
    planned = plan["tensorflow"].get("version", found.version)
    if found.version.partition("+")[0] != planned:
        raise AssertionError(f"this is {title} {found.version}, the plan says {planned}")
    return f"{title} {found.version}, Keras {keras.__version__}"


def agrees(plan: Plan, device: Any) -> str:
    """A matrix product is NumPy's."""
    import numpy as np

    left, right = np.random.default_rng(2).normal(size=(2, 256, 256)) / 16
    return agreement(imported(plan).product(left, right, device), left @ right)


def product(plan: Plan) -> str:
    """The same on the CPU."""
    return agrees(plan, None)


def convolution(_plan: Plan) -> str:
    """A convolution of Keras' is the sum that NumPy forms over the same windows."""
    import keras
    import numpy as np

    random = np.random.default_rng(3)
    pictures = random.normal(size=(4, 16, 16, 3)).astype("float32")
    kernels = random.normal(size=(3, 3, 3, 8)).astype("float32") / 9
    made = keras.ops.convert_to_numpy(
        keras.ops.conv(pictures, kernels, data_format="channels_last")
    )
    windows = np.lib.stride_tricks.sliding_window_view(pictures, (3, 3), axis=(1, 2))
    return agreement(made, np.einsum("bhwcij,ijck->bhwk", windows, kernels))


def listed(plan: Plan) -> str:
    """Every GPU of the plan is listed."""
    names = [name for name, _device in imported(plan).gpus()]
    planned = planned_gpus(plan)
    if len(names) < len(planned):
        title = TITLES[framework(plan)]
        raise AssertionError(f"{title} lists {len(names)} of {len(planned)} GPUs")
    return ", ".join(names)


def on_each_gpu(check: Callable[[Plan, Any], str]) -> Callable[[Plan], str]:
    """The check on every GPU in turn."""

    def checked(plan: Plan) -> str:
        gpus = imported(plan).gpus()
        for number, (_name, device) in enumerate(gpus):
            try:
                found = check(plan, device)
            except Exception as error:
                raise RuntimeError(f"on GPU:{number}: {error}") from error
        return f"{found} on {len(gpus)} GPU{'s' * (len(gpus) != 1)}"

    return checked


def fit(plan: Plan, device: Any) -> str:
    """A small convolutional network learns by `fit`, and its weights lie on the GPU."""
    trains = imported(plan)
    with trains.scope(device):
        model, _pictures, losses = fitted()
    elsewhere = {str(trains.lies_on(each.value)) for each in model.trainable_variables} - {
        str(device)
    }
    if elsewhere:
        raise AssertionError(
            f"it was trained on {' and '.join(sorted(elsewhere))}, not on {device}"
        )
    return lowered(losses)


KERAS_STAGES = [
    Stage("interpreter", interpreter, AGAIN),
    Stage("import", imports, AGAIN),
    Stage("training step", training, AGAIN),
    Stage("matrix product", product, HARDWARE),
    Stage("convolution", convolution, HARDWARE),
]
KERAS_GPU_STAGES = [
    Stage(
        "GPUs", listed, "CUDA_VISIBLE_DEVICES may hide them; dmesg | grep -e NVRM -e Xid says more"
    ),
    Stage("GPU product", on_each_gpu(agrees), GPU_HARDWARE),
    Stage("GPU training", on_each_gpu(fit), GPU_HARDWARE),
]
