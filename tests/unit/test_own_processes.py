"""A file of one's own that has its work done by other processes, in each way that Python has."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

_FILE = """
import multiprocessing
from dataclasses import dataclass

@dataclass
class Row:
    number: int

def half(row):
    return Row(row.number // 2)

def data():
    with multiprocessing.get_context("{}").Pool(1) as pool:
        return [row.number for row in pool.map(half, [Row(4), Row(6)])]

if __name__ == "__main__":
    raise SystemExit("it is no program")
"""
_WORKER = """
import sys
from bench.worker.own.file import File
print(File(*sys.argv[1:]).call("data"))
"""


@pytest.mark.parametrize("way", ["fork", "spawn", "forkserver"])
def test_its_functions_and_classes_are_found_there(tmp_path: Path, way: str) -> None:
    file = tmp_path / "my model.py"
    file.write_text(_FILE.format(way), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", _WORKER, file, hashlib.sha256(file.read_bytes()).hexdigest()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("[2, 3]\n", 0), done.stderr
