"""Runs code where a worker would run it: in the Python that has TensorFlow, on the CPU."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from bench.workloads.backend import Backend
from tests.support.forks import forks

# No product is timed long enough to tell the peak: these train many networks.
_SHORTLY = """
from bench.worker import devices
devices._FIRST_SIDE = devices._LAST_SIDE = 64
devices._SECONDS = 0.0
"""
_ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "HOME": "/nonexistent",
    "OMP_NUM_THREADS": "1",  # PyTorch's others would turn round and round for the last one
    "PATH": "/usr/bin:/bin",
    "TF_CPP_MIN_LOG_LEVEL": "1",
}


def answer(
    python: Path, code: str, *arguments: str, home: Path, backend: Backend = "tensorflow"
) -> Any:
    """What the code prints last, as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "code.py")
        file.write_text(_SHORTLY + code, encoding="utf-8")
        shared = {**_ENVIRONMENT, "KERAS_BACKEND": backend}
        modules = ("tensorflow", "keras") if backend == "tensorflow" else ()
        done = forks(python, modules, tuple(shared.items())).run(
            file, *arguments, env={"HOME": str(home)}
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def of_event(messages: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    """The messages of a kind, by the name of its type."""
    return [each for each in messages if each["event"] == event]
