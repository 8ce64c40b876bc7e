"""TensorFlow on every GPU."""

from __future__ import annotations

from collections.abc import Callable

from .cpu import convolution, product, xla
from .cuda import cudnn, libraries
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


def on_each_gpu(check: Callable[[Plan], str]) -> Callable[[Plan], str]:
    """The check on every GPU in turn, and nowhere else."""

    def checked(plan: Plan) -> str:
        import tensorflow as tf

        # TF32 keeps ten bits of a product's factors: it is fast, and not what is compared here.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        tf.config.set_soft_device_placement(False)
        gpus = tf.config.list_logical_devices("GPU")
        for gpu in gpus:
            try:
                with tf.device(gpu.name):
                    check(plan)
            except Exception as error:
                raise RuntimeError(f"on {gpu.name.rsplit('device:', 1)[-1]}: {error}") from error
        return f"agrees with NumPy on {len(gpus)} GPU{'s' * (len(gpus) != 1)}"

    return checked


GPU_STAGES = [
    Stage("CUDA libraries", libraries, AGAIN),
    Stage("cuDNN", cudnn, AGAIN),
    Stage(
        "GPUs", listed, "CUDA_VISIBLE_DEVICES may hide them; dmesg | grep -e NVRM -e Xid says more"
    ),
    Stage("GPU product", on_each_gpu(product), GPU_HARDWARE),
    Stage("GPU convolution", on_each_gpu(convolution), GPU_HARDWARE),
    Stage("GPU XLA", on_each_gpu(xla), GPU_HARDWARE),
]
