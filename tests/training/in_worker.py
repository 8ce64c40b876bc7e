"""Runs code where a worker would run it: in the Python that has TensorFlow, on the CPU."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.support.program import to_the_end

# The peak by its three products, not by all that fit in .7 s: these train many networks.
_SHORTLY = "from bench.worker import devices; devices._SECONDS = 0.0\n"


def answer(worker_python: Path, code: str, *arguments: str, home: Path) -> Any:
    """What the code prints last, as JSON."""
    environment = {
        "CUDA_VISIBLE_DEVICES": "-1",
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        "PATH": "/usr/bin:/bin",
        "TF_CPP_MIN_LOG_LEVEL": "1",
    }
    done = to_the_end([worker_python, "-c", _SHORTLY + code, *arguments], env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
