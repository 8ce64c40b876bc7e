"""Programs that a test runs to their end, from this checkout."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.ansible_env import HERE, ansible_environment

Ended = subprocess.CompletedProcess[str]
SUMMARY = "grindstone.grindstone.summary"  # what ansible.cfg has Ansible print by


def to_the_end(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    together: bool = False,
    timeout: float | None = None,
) -> Ended:
    """A command without input, run to its end; together: its errors stand in its output."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if together else subprocess.PIPE,
        text=True,
        check=False,
        timeout=timeout,
    )


def python(*arguments: str | Path, cwd: Path = HERE, env: Mapping[str, str] | None = None) -> Ended:
    """`python -m ARGUMENTS`; `env`: all of its environment."""
    return to_the_end([sys.executable, "-m", *arguments], cwd=cwd, env=env)


def script(path: Path, text: str) -> Path:
    """A program that is a text, with the line that says what runs it."""
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def inventory(folder: Path, *hosts: str) -> Path:
    """Hosts that are all this machine, each its name and its variables."""
    path = folder / "inventory.ini"
    common = ["connection=local", "become=false", f"python_interpreter={sys.executable}"]
    lines = ["[all:vars]", *(f"ansible_{each}" for each in common), "[all]", *hosts]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def playbook(*arguments: str | Path, callback: str = "default", **variables: str) -> Ended:
    """`ansible-playbook ARGUMENTS`, printed by that callback, with more variables set."""
    env = ansible_environment(ANSIBLE_STDOUT_CALLBACK=callback, **variables)
    return python("ansible", "playbook", *arguments, env=env)
