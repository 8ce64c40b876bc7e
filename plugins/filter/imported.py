"""The filters of the resolver and the doctor, whose code is imported when they are first used.

To find one filter of a collection, Ansible loads all files of plugins/filter, and does so again in
each process that it starts for a task.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

# Each with its module below plugin_utils, and its function there.
_FILTERS = {
    "gpu_stack": ("gpu_stack.playbook", "gpu_stack"),
    "plan_table": ("gpu_stack.table", "table"),
    "lock_with_wheel": ("gpu_stack.wheel", "locked"),
    "misspelled_variable": ("variable_names", "misspelled"),
    "gpu_doctor": ("gpu_doctor.playbook", "gpu_doctor"),
    "gpu_doctor_bundle": ("gpu_doctor.playbook", "gpu_doctor_bundle"),
}


def _called(module: str, name: str) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        function = getattr(import_module(f"..plugin_utils.{module}", __package__), name)
        return function(*arguments, **named)

    return call


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """What a playbook calls `grindstone.grindstone.gpu_stack` and so on."""
        return {name: _called(*where) for name, where in _FILTERS.items()}
