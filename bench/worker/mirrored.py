"""One training over several devices: `tf.distribute.MirroredStrategy`, nothing of our own.

The batch stays the workload's and is split among the devices, so that it is the same training.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any


def split_cpu(tf: Any, replicas: int) -> None:
    """Makes several devices of the CPU, where there are no GPUs to try this on.

    Has to come before TensorFlow touches a device.
    """
    (cpu,) = tf.config.list_physical_devices("CPU")
    one = tf.config.LogicalDeviceConfiguration
    tf.config.set_logical_device_configuration(cpu, [one() for _ in range(replicas)])


def scope(tf: Any, replicas: int) -> AbstractContextManager[Any]:
    """What a model has to be built in: nothing, or a strategy over all devices of this process."""
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
