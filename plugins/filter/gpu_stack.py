"""The doors from a playbook to the resolver in plugin_utils/gpu_stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..plugin_utils.lazy import imported


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """What a playbook calls `grindstone.grindstone.gpu_stack` and so on."""
        return {
            "gpu_stack": imported("gpu_stack.playbook", "gpu_stack"),
            "plan_table": imported("gpu_stack.table", "table"),
            "lock_with_wheel": imported("gpu_stack.wheel", "locked"),
        }
