# Copyright: The Grindstone authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plugins are loaded once, and not again in each process that Ansible forks for a task and a host.

Filters are a third of what a task costs here where it runs without a module.
"""

from __future__ import annotations

DOCUMENTATION = """
name: preloaded
type: aggregate
short_description: Loads plugins before Ansible forks
version_added: "0.1.0"
author: The Grindstone authors (@grindstone)
description:
  - Ansible loads filters, tests and connections where the first is used.  That is in the process
    that it forks for a task and a host, which takes them with it when it ends, so the next one
    loads them again.  Loaded before the first task, they are there in all of them.  Prints nothing.
requirements:
  - callbacks_enabled = grindstone.grindstone.preloaded in ansible.cfg
"""

from contextlib import suppress
from importlib import import_module
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import connection_loader, filter_loader, shell_loader, test_loader

# A constant, as deptry takes a relative name in the call for a package without a name.
_RESOLVER = "..plugin_utils.gpu_stack.playbook"


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Ansible's entry point."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "grindstone.grindstone.preloaded"

    def v2_playbook_on_start(self, playbook: Any) -> None:  # noqa: ARG002
        """Loads filters and tests, how hosts are reached, and the resolver."""
        filter_loader.get("ansible.builtin.default")
        test_loader.get("ansible.builtin.defined")
        filter_loader.get("grindstone.grindstone.gpu_stack")
        # By the names that hosts have them by: by their full ones they would be loaded once more.
        for name in ("local", "ssh"):
            connection_loader.get(name, class_only=True)
        shell_loader.get("sh", class_only=True)
        with suppress(ImportError):  # who uses it is told what is missing
            import_module(_RESOLVER, __package__)
