"""The Python that workers run under: what it finds in its environment, and whether it can train."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from bench.errors import GrindstoneError

_NO_TENSORFLOW = 3
_LOOK = (
    "import importlib.util as u, sys; "
    f"sys.exit(0 if u.find_spec('tensorflow') else {_NO_TENSORFLOW})"
)


def clean_environment() -> dict[str, str]:
    """This process's environment, less what would have another Python look for modules here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONSAFEPATH": "1"}


def how_it_ended(code: int) -> str:
    """What a process's return code says, with the signal's name where one ended it."""
    if code >= 0:
        return f"ended with exit status {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal: most of them have no name
        return f"killed by signal {-code}"


def check(python: Path, chosen_by: str, within: float) -> None:
    """Refuses an interpreter that cannot train, before anything is generated or downloaded.

    Raises:
        GrindstoneError: it is not there, does not start within so many s, or has no TensorFlow.
    """
    problem = None
    try:
        code = subprocess.run(
            [python, "-c", _LOOK],
            capture_output=True,
            check=False,
            env=clean_environment(),
            timeout=within,
        ).returncode
    except OSError as error:
        problem = error.strerror
    except subprocess.TimeoutExpired:
        problem = f"nothing came of it within {within:g} s"
    else:
        if code not in (0, _NO_TENSORFLOW):
            problem = how_it_ended(code)
    if problem:
        raise GrindstoneError(
            f"{python} ({chosen_by}) cannot be started: {problem}; run `./run site`, or name "
            "a Python that has TensorFlow with --worker-python"
        )
    if code == _NO_TENSORFLOW:
        raise GrindstoneError(
            f"{python} ({chosen_by}) has no TensorFlow; run `./run site` to install it, or name a "
            "Python that has it with --worker-python"
        )
