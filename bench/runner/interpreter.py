"""The Python that workers run under: the plan on this host names one; and whether it can train."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.errors import GrindstoneError, why
from bench.invocation import COMMAND
from bench.observe import child
from bench.runner import paths

ROOT = Path(__file__).resolve().parents[2]
PLAN_FILE = Path("/etc/grindstone/plan.json")


class _TensorFlow(msgspec.Struct, frozen=True):
    version: str
    interpreter: str
    compiled: str = ""


class _File(msgspec.Struct, frozen=True):
    """What is read of the file; it holds much more."""

    stack: str
    tensorflow: _TensorFlow


@dataclass(frozen=True, slots=True)
class Plan:
    """What the benchmark needs to know of it.

    stack: the name of the resolved stack.
    tensorflow: its version.
    interpreter: the Python that has TensorFlow.
    compiled: the chips that kernels are compiled for at the first start, "" for none.
    """

    path: Path
    stack: str
    tensorflow: str
    interpreter: Path
    compiled: str = ""

    def __str__(self) -> str:
        return f"{self.path}: stack {self.stack}, TensorFlow {self.tensorflow}"


def read_plan(path: Path = PLAN_FILE) -> Plan | None:
    """The plan of this host, or None where provisioning has not been.

    Raises:
        GrindstoneError: there is a file, and it is no plan.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise GrindstoneError(f"{path} cannot be read: {why(error)}") from error
    try:
        file = msgspec.json.decode(text, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise GrindstoneError(
            f"{path} is not a Grindstone plan file ({error}); run `./run site` to write it anew"
        ) from error
    planned = file.tensorflow
    return Plan(path, file.stack, planned.version, Path(planned.interpreter), planned.compiled)


def chosen(wanted: list[Path], planned: Plan | None) -> tuple[Path, str]:
    """The interpreter that trains, and what chose it.

    Raises:
        GrindstoneError: several are named.
    """
    if len(wanted) > 1:
        raise GrindstoneError(
            "--worker-python takes one interpreter; to compare two environments, use "
            f"`{COMMAND} compare-envs {' '.join(map(str, wanted[:2]))}`"
        )
    if wanted:
        return paths.interpreter(wanted[0]), "--worker-python"
    if planned is not None:
        return planned.interpreter, "the plan on this host"
    return Path(sys.executable), "the running interpreter: no plan on this host"


NO_TENSORFLOW = 3
LOOK = (
    "import importlib.util as u, sys; "
    f"sys.exit(0 if u.find_spec('tensorflow') else {NO_TENSORFLOW})"
)


def clean_environment() -> dict[str, str]:
    """This process's environment, less what is meant for this Python alone.

    That is where it looks for modules, and what has a child count the lines that it runs.
    """
    ours = ("PYTHON", "COV_CORE_", "COVERAGE_PROCESS_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


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
        # Not in the folder that the person stands in: none of its modules is meant.
        code = child.status([python, "-c", LOOK], within, cwd=ROOT, env=clean_environment())
    except OSError as error:
        problem = why(error)
    else:
        if code is None:
            problem = f"nothing came of it within {within:g} s"
        elif code not in (0, NO_TENSORFLOW):
            problem = how_it_ended(code)
    if problem:
        raise GrindstoneError(
            f"{python} ({chosen_by}) cannot be started: {problem}; run `./run site`, or name "
            "a Python that has TensorFlow with --worker-python"
        )
    if code == NO_TENSORFLOW:
        raise GrindstoneError(
            f"{python} ({chosen_by}) has no TensorFlow; run `./run site` to install it, or name a "
            "Python that has it with --worker-python"
        )
