"""Programs that a test runs to their end, from this checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.ansible_env import HERE, ansible_environment

Ended = subprocess.CompletedProcess[str]
SUMMARY = "grindstone.grindstone.summary"  # what ansible.cfg has Ansible print by


def python(*arguments: str | Path, cwd: Path = HERE, env: Mapping[str, str] | None = None) -> Ended:
    """`python -m ARGUMENTS`, its input at an end; `env`: all of its environment."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=cwd,
        env=dict(os.environ if env is None else env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def playbook(*arguments: str | Path, callback: str = "default", **variables: str) -> Ended:
    """`ansible-playbook ARGUMENTS`, printed by that callback, with more variables set."""
    env = ansible_environment(ANSIBLE_STDOUT_CALLBACK=callback, **variables)
    return python("ansible", "playbook", *arguments, env=env)
