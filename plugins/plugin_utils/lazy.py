"""Filters whose code is imported when they are first used.

To find one filter of a collection, Ansible loads all files of plugins/filter, and does so again in
each process that it starts for a task.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def imported(module: str, name: str) -> Callable[..., Any]:
    """The function `name` of a module below plugin_utils."""

    def call(*arguments: Any, **named: Any) -> Any:
        function = getattr(import_module(f".{module}", __package__), name)
        return function(*arguments, **named)

    return call
