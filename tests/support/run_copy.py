"""Copies of this checkout to try `./run` in: their Ansible and pytest say how they were called.

The locks in the copies are empty, so no registry is asked; the environments are real.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from tests.support import program

SAYS_HOW = "import os, sys; print('called:', *sys.argv[1:], os.environ.get('LC_ALL'), sep='|')\n"
PYTHON = os.path.realpath(sys.executable)  # outside this test's own environment
LIMIT = 120  # s, after which what does not end has failed


class Run(Protocol):
    """Calls `run` from somewhere else, with little more than a fresh root's environment."""

    def __call__(
        self,
        *arguments: str,
        env: dict[str, str] | None = None,
        user: int | None = None,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]: ...


class Start(Protocol):
    """Starts `run` and does not wait for it."""

    def __call__(self, *arguments: str) -> subprocess.Popen[str]: ...


def ended(running: subprocess.Popen[str]) -> int:
    """Its status after a signal, once all that it has started and that could speak has ended."""
    with running:
        assert running.stdout is not None
        assert running.stdout.readline() == "here\n"
        running.terminate()
        running.communicate(timeout=LIMIT)
    return running.returncode


def stub(path: Path, script: str) -> None:
    program.script(path, f"#!/bin/sh\n{script}\n")
