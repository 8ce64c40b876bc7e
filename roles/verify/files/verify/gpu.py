"""TensorFlow on every GPU."""

from __future__ import annotations

from collections.abc import Callable

from .cpu import addition, convolution, fit, product, relu, xla
from .cuda import compiler, cudnn, libraries, ptxas
from .stage import AGAIN, GPU_HARDWARE, Plan, Stage, planned_gpus


def listed(plan: Plan) -> str:
    """TensorFlow lists every GPU of the plan."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    planned = planned_gpus(plan)
    if len(gpus) < len(planned):
        raise AssertionError(f"TensorFlow lists {len(gpus)} of {len(planned)} GPUs")
    names = []
    for gpu in gpus:
        details = tf.config.experimental.get_device_details(gpu)
        capability = ".".join(map(str, details.get("compute_capability", ()))) or "?"
        names.append(f"{details.get('device_name', gpu.name)} ({capability})")
    return ", ".join(names)


def on_each_gpu(check: Callable[[Plan], str], *, soft: bool = False) -> Callable[[Plan], str]:
    """The check on every GPU in turn, and nowhere else; `soft`: but for what only the CPU has."""

    def checked(plan: Plan) -> str:
        import tensorflow as tf

        # TF32 keeps ten bits of a product's factors: it is fast, and not what is compared here.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        tf.config.set_soft_device_placement(soft)
        gpus = tf.config.list_logical_devices("GPU")
        for gpu in gpus:
            try:
                with tf.device(gpu.name):
                    found = check(plan)
            except Exception as error:
                raise RuntimeError(f"on {gpu.name.rsplit('device:', 1)[-1]}: {error}") from error
        return f"{found} on {len(gpus)} GPU{'s' * (len(gpus) != 1)}"

    return checked


LIBRARY_STAGES = [
    Stage("CUDA libraries", libraries, AGAIN),
    Stage("cuDNN", cudnn, AGAIN),
    Stage("PTX compiler", compiler, AGAIN),
    Stage("ptxas", ptxas, AGAIN),
]
GPU_STAGES = [
    Stage(
        "GPUs", listed, "CUDA_VISIBLE_DEVICES may hide them; dmesg | grep -e NVRM -e Xid says more"
    ),
    Stage("GPU addition", on_each_gpu(addition), GPU_HARDWARE),
    Stage("GPU ReLU", on_each_gpu(relu), GPU_HARDWARE),
    Stage("GPU product", on_each_gpu(product), GPU_HARDWARE),
    Stage("GPU convolution", on_each_gpu(convolution), GPU_HARDWARE),
    Stage("GPU XLA", on_each_gpu(xla), GPU_HARDWARE),
    Stage("GPU training", on_each_gpu(fit, soft=True), GPU_HARDWARE),
]
