"""NVML from its start to its end."""

from __future__ import annotations

import contextlib
from typing import Any

from bench.observe.devices import shadowed, why_nvml_failed


def started(nvml: Any) -> str | None:
    """Starts NVML, or says why it cannot be.  What was started must be ended."""
    if nvml is None:
        return "nvidia-ml-py is not here"
    if (what_to_do := shadowed(nvml)) is not None:
        return what_to_do
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return why_nvml_failed(nvml, error)
    return None


def ended(nvml: Any) -> None:
    """Ends NVML, whether or not the driver is still there."""
    with contextlib.suppress(nvml.NVMLError):
        nvml.nvmlShutdown()
