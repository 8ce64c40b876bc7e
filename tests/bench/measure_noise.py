"""How much do processes that do the same differ?  Records the noise that comparisons live with.

    python -m pytest tests/bench/measure_noise.py -s [--trainings N]

Not part of `./run test`: it holds times.  Trains the perceptron N times on the CPU with the real
command, and writes the processes' median steady epochs and verdicts to `tests/unit/noise.json`.
`tests/unit/test_compare_simulated.py` draws its noise from that file, so record it on the machine
where you mean to compare, and run nothing else beside it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

WORKLOAD, PROFILE = "mlp", "quick"


def test_how_much_processes_that_do_the_same_differ(
    tmp_path: Path, worker_python: Path, pytestconfig: pytest.Config
) -> None:
    load = os.getloadavg()[0]
    trainings = pytestconfig.getoption("trainings")
    command = [
        *(sys.executable, "-m", "pytest", "bench/", "-k", WORKLOAD, "--device=cpu"),
        *("-p", "no:cacheprovider", f"--profile={PROFILE}", f"--processes={trainings}"),
        *(f"--worker-python={worker_python}", f"--results-dir={tmp_path}", "--synthetic"),
    ]
    subprocess.run(command, cwd=ROOT, check=False)
    (record,) = tmp_path.glob("*.json")
    made = recording(json.loads(record.read_text(encoding="utf-8")), load)
    text = json.dumps(made, indent=1) + "\n"
    pytestconfig.getoption("recording").write_text(text, encoding="utf-8")
    assert len(made["medians"]) == trainings


def recording(record: Mapping[str, Any], load: float) -> dict[str, Any]:
    """What the tests need of a record.

    load: of the machine before it.  Much above zero means that it was not quiet.
    """
    finished = [entry for entry in record["results"] if entry["status"] == "finished"]
    cpu = record["machine"]["cpu"]
    return {
        "recorded": record["started"],
        "cpu": cpu["name"],
        "threads": cpu["threads"],
        "load_before": load,
        "tensorflow": finished[0]["worker"]["tensorflow"],
        "workload": WORKLOAD,
        "profile": PROFILE,
        "note": "",
        "verdicts": Counter(entry["verdict"]["word"] for entry in finished),
        "medians": [entry["epochs"]["median"] for entry in finished],
    }
