"""The doors from a playbook to the doctor in plugin_utils/gpu_doctor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..plugin_utils.lazy import imported


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """What a playbook calls `grindstone.grindstone.gpu_doctor`."""
        names = ("gpu_doctor", "gpu_doctor_bundle")
        return {name: imported("gpu_doctor.playbook", name) for name in names}
