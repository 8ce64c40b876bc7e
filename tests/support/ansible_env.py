"""The environment in which the tests run Ansible's commands."""

from __future__ import annotations

import os
from pathlib import Path

HERE = Path(__file__).parents[2]


def ansible_environment(**variables: str) -> dict[str, str]:
    """With this checkout's settings, and Ansible's own output: its recap has all the counts."""
    own = {"ANSIBLE_CONFIG": str(HERE / "ansible.cfg"), "ANSIBLE_STDOUT_CALLBACK": "default"}
    return {**os.environ, **own, "LC_ALL": "C.UTF-8", **variables}
