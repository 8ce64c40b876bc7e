"""How Grindstone is called here, so that what is advised can be run where it is told.

./run bench                       by `./run`, as which it was typed
pytest bench/, python -m bench    where an environment is active
.venv/bin/python -m pytest bench/ where that Python was named
grindstone                        installed
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The folder of a wheel in which `bench` is (pyproject.toml): nothing else is in it.
INSTALLED = ROOT.name == "grindstone_bench"
# What `./run` was typed as, which it leaves here.
_RUN = "GRINDSTONE_RUN"


def lacks() -> str:
    """What to do where this Python has not what Grindstone is made of; "" where it has."""
    if importlib.util.find_spec("msgspec"):
        return ""
    return (
        f"bench: {sys.executable} has no msgspec, with which Grindstone reads: `./run bench` makes "
        "an environment that has all, and `. .venv/bin/activate` makes that the one to call"
    )


def called(environment: Mapping[str, str], python: Path, here: Path) -> tuple[str, str]:
    """The commands of the verbs and of the benchmark.

    python: the one that runs.
    here: the folder where a person stands.
    """
    if run := environment.get(_RUN):
        typed = shlex.join([run] if "/" in run else ["sh", run])
        return f"{typed} bench", f"{typed} bench"
    path = environment.get("PATH")
    if INSTALLED:
        beside = python.with_name("grindstone")  # it may be on PATH by a link, as uv makes one
        known = shutil.which("grindstone", path=path) or not beside.exists()
        command = "grindstone" if known else shlex.quote(str(beside))
        return command, f"{command} run"
    tests, verbs = ("bench/", "-m bench")
    if not here.samefile(ROOT):
        tests, verbs = f"{shlex.quote(str(ROOT / 'bench'))}/", shlex.quote(str(ROOT / "bench"))
    found = shutil.which("pytest", path=path)
    if found and Path(found).parent.samefile(python.parent):
        return f"python {verbs}", f"pytest {tests}"
    near = python.is_relative_to(here)
    named = shlex.quote(str(python.relative_to(here) if near else python))
    return f"{named} {verbs}", f"{named} -m pytest {tests}"


def _here() -> Path:
    """Where a person stands; the folder may have been removed meanwhile."""
    try:
        return Path.cwd()
    except OSError:
        return ROOT


# What the inventory calls this machine, where playbooks/bench.yml runs the benchmark on it: who
# reads what it advises sits at the controller.
FLEET_HOST = os.environ.get("GRINDSTONE_FLEET_HOST", "")
COMMAND, BENCHMARK = called(os.environ, Path(sys.executable), _here())
