"""TensorFlow's environments as the role makes them from a lock, downloaded once and kept."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import playbook
from tests.support.cache import cache_folder, locked
from tests.support.playbook import PlayResult

PYTHON = os.path.realpath(sys.executable)
NEEDED_MB = 15_000
LOCK = "tensorflow-2.21.0-cuda12.txt"


@dataclass(frozen=True)
class Prefix:
    """A folder that the role installs below, as `plan_prefix` is."""

    path: Path
    lock: str = LOCK
    cudnn: str = "9.3"
    framework: str = "tensorflow"

    def start(self, action: str) -> subprocess.Popen[str]:
        """Starts the role; `action` is the plan's for CUDA."""
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        environment = {"prefix": str(self.path / "tensorflow"), "python": version}
        environment["framework"] = self.framework
        record = {"tensorflow": environment, "cuda": {"action": action, "cudnn": self.cudnn}}
        plan = {"record": record, "base": PYTHON, "seed": PYTHON, "packages": [], "lock": self.lock}
        facts = {
            "found": {
                "architecture": "x86_64",
                "owned": {"open": []},
                "packages": {"half_installed": []},
            }
        }
        given = {"plan_result": plan, "plan_facts": facts, "plan_prefix": str(self.path)}
        host = {"ansible_connection": "local", "ansible_python_interpreter": PYTHON, **given}
        inventory = self.path / "inventory.json"
        return playbook.start({"root": host}, inventory, "tests/roles/loader.yml")

    def make(self, action: str = "wheels") -> PlayResult:
        """Runs the role to its end."""
        self.path.mkdir(parents=True, exist_ok=True)
        (cache_folder() / "uv").mkdir(parents=True, exist_ok=True)
        if not (self.path / "cache").is_symlink():
            (self.path / "cache").symlink_to(cache_folder() / "uv")
        return playbook.finish(self.start(action))

    @property
    def site(self) -> Path:
        """Where the packages are."""
        return next((self.path / "tensorflow").glob("lib/python3.*/site-packages"))

    def run(self, *words: str, **variables: str) -> str:
        """Runs the environment's Python, with no settings of ours."""
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **variables}
        python = str(self.path / "tensorflow/bin/python")
        done = subprocess.run(
            [python, *words], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def prefix(name: str, action: str, lock: str = LOCK, cudnn: str = "9.3") -> Prefix:
    """The prefix of that name, made if it is not kept yet."""
    if platform.machine() != "x86_64" or not (3, 10) <= sys.version_info[:2] <= (3, 13):
        pytest.skip("CUDA's wheels are locked for x86_64 and Python 3.10 to 3.13")
    made = Prefix(cache_folder() / f"loader-{name}", lock, cudnn)
    made.path.mkdir(parents=True, exist_ok=True)
    if not (made.path / "tensorflow").exists() and (
        shutil.disk_usage(made.path).free < NEEDED_MB * 1_000_000
    ):
        pytest.skip(f"CUDA's wheels need {NEEDED_MB / 1000:.0f} GB below {made.path}")
    with locked(made.path.name):
        played = made.make(action)
    assert played.status == 0, played.output
    return made
