# Copyright: The Grindstone authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waits for a benchmark's end by short looks, so that a connection that drops costs nothing.

Ansible's own `async` takes no notice of dropped connections either.  But it waits for a host that
was rebooted until the run's time limit is over, as the process that it asks for is gone.
"""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

MODULE = "grindstone.grindstone.benchmark_job"


class ActionModule(ActionBase):  # type: ignore[misc]
    """What the module tells; for `state: ended` as often as it takes."""

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Ansible's entry point."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = self._task.args
        if arguments.get("state") != "ended":
            return {**result, **self._look(task_vars)}
        poll, patience = (int(arguments.get(*each)) for each in (("poll", 15), ("patience", 600)))
        timeout = int(arguments.get("timeout", 14400))
        begun = answered = time.monotonic()
        while True:
            try:
                told = self._look(task_vars)
            except AnsibleConnectionFailure as error:
                lost = str(error)
                self._connection.reset()
            else:
                lost = _why_no_answer(told)
                if not lost and not told.get("goes_on"):
                    return {**result, **told}
            now = time.monotonic()
            answered = answered if lost else now
            if lost and now - answered > patience:
                why = " ".join(lost.split())
                msg = f"has not answered for {patience} s; run this again when it does: {why}"
                return {**result, "failed": True, "msg": msg}
            if now - begun > timeout:
                msg = f"the benchmark has not ended within {timeout} s, and goes on: run this again"
                return {**result, "failed": True, "msg": msg}
            time.sleep(poll)

    def _look(self, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        told: dict[str, Any] = self._execute_module(module_name=MODULE, task_vars=task_vars)
        return told


def _why_no_answer(told: dict[str, Any]) -> str:
    """Where a connection broke in the middle of the module's answer, what came instead."""
    if not told.get("failed") or told.get("_ansible_parsed"):
        return ""
    return str(told.get("module_stderr") or told.get("msg") or "no answer")
