"""A command that may hang, as those of a driver do."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess

LIMIT = 30  # seconds that a command may take


def output(*command: str) -> str:
    """What a command prints on both ways out, nothing where it is not there or hangs."""
    if not shutil.which(command[0]):
        return ""
    try:
        run = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C"},
        )
    except OSError:
        return ""
    try:
        return run.communicate(timeout=LIMIT)[0].decode(errors="replace")
    except subprocess.TimeoutExpired:
        run.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(1)  # no longer: what hangs in a driver does not end
        if run.stdout:
            run.stdout.close()
        return ""
