"""The Python that workers run under: the plan on this host names one; and whether it can train."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.errors import GrindstoneError, why
from bench.files import content
from bench.invocation import COMMAND
from bench.observe import child
from bench.runner import paths
from bench.workloads.backend import BACKENDS, FRAMEWORKS, Backend

ROOT = Path(__file__).resolve().parents[2]
PLAN_FILE = Path("/etc/grindstone/plan.json")
TO_BE_COMPARED = "to be compared"


class _TensorFlow(msgspec.Struct, frozen=True):
    """The environment that the plan installs; `framework` is what trains in it."""

    version: str
    interpreter: str
    compiled: str = ""
    partly: bool = False
    framework: Backend = "tensorflow"


class _Container(msgspec.Struct, frozen=True):
    engine: str
    image: str


class _File(msgspec.Struct, frozen=True):
    """What is read of the file; it holds much more."""

    stack: str
    tensorflow: _TensorFlow
    container: _Container | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What the benchmark needs to know of it.

    compiled: the chips that kernels are compiled for at the first start, "" for none; partly: but
        a part of the kernels, in seconds.
    image, engine: the container that has TensorFlow, "" where an environment has.
    """

    path: Path
    stack: str
    version: str
    interpreter: Path
    compiled: str = ""
    backend: Backend = "tensorflow"
    image: str = ""
    engine: str = ""
    partly: bool = False

    def __str__(self) -> str:
        if self.image:
            return f"{self.path}: {self.engine} {self.image}"
        return f"{self.path}: stack {self.stack}, {FRAMEWORKS[self.backend].title} {self.version}"


# A plan has a few thousand.
_MOST_PLAN = 16 << 20


def read_plan(path: Path = PLAN_FILE) -> Plan | None:
    """The plan of this host, or None where provisioning has not been.

    Raises:
        GrindstoneError: there is a file, and it is no plan.
    """
    try:
        text = content(path, _MOST_PLAN)
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
    planned, inside = file.tensorflow, file.container or _Container("", "")
    return Plan(
        path,
        file.stack,
        planned.version,
        Path(planned.interpreter),
        planned.compiled,
        planned.framework,
        inside.image,
        inside.engine,
        planned.partly,
    )


def chosen(wanted: Sequence[str], planned: Plan | None) -> tuple[Path, str]:
    """The interpreter that trains, and what chose it.

    Raises:
        GrindstoneError: several are named.
    """
    if len(wanted) > 1:
        raise GrindstoneError(
            "--worker-python takes one interpreter; to compare two environments, use "
            f"`{COMMAND} compare-envs {' '.join(wanted[:2])}`"
        )
    if wanted:
        return paths.interpreter(wanted[0]), "--worker-python"
    if planned is not None:
        return planned.interpreter, "the plan on this host"
    return Path(sys.executable), "the running interpreter: no plan on this host"


# With the modules that are looked for as arguments: the exit status names the first that is missed,
# or says that all are there, as no program does that is no Python and has not read it.
_FIRST_MISSED, CAN_TRAIN = 3, 99
_LOOK = (
    "import importlib.util as u, sys; missed = [n for n, module in enumerate(sys.argv[1:]) if not "
    f"u.find_spec(module)]; sys.exit({_FIRST_MISSED} + missed[0] if missed else {CAN_TRAIN})"
)


def probe(backends: Iterable[Backend]) -> list[str]:
    """What Python is started with to tell whether it can train on these."""
    return ["-c", _LOOK, *backends, "keras"]


def lacking(code: int | None, backends: Iterable[Backend]) -> str | None:
    """What it lacks, by the exit status of that; None for any other status."""
    names = [FRAMEWORKS[each].title for each in backends] + ["Keras"]
    return None if code is None else dict(enumerate(names, _FIRST_MISSED)).get(code)


def backend_of(python: Path, planned: Plan | None, within: float) -> Backend:
    """The backend that an interpreter trains on by default: the plan's, else the first it has."""
    if planned is not None and python == planned.interpreter:
        return planned.backend
    if python == Path(sys.executable):
        here = (each for each in BACKENDS if importlib.util.find_spec(each))
        return next(here, BACKENDS[0])
    for backend in BACKENDS:
        with contextlib.suppress(OSError):
            if _look(python, [backend], within) == CAN_TRAIN:
                return backend
    return BACKENDS[0]  # it cannot train, and `check` says so


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


def _look(python: Path, backends: Iterable[Backend], within: float) -> int | None:
    # Not in the folder that the person stands in: none of its modules is meant.
    return child.status([python, *probe(backends)], within, cwd=ROOT, env=clean_environment())


def check(python: Path, chosen_by: str, backends: Sequence[Backend], within: float) -> None:
    """Refuses an interpreter that cannot train, before anything is generated or downloaded.

    Raises:
        GrindstoneError: it is not there, does not start within so many s, or lacks a backend.
    """
    problem = None
    try:
        code = _look(python, backends, within)
    except OSError as error:
        problem = why(error)
    else:
        if code is None:
            problem = f"nothing came of it within {within:g} s"
        elif code == 0:
            problem = "it is no Python"
        elif code != CAN_TRAIN and lacking(code, backends) is None:
            problem = how_it_ended(code)
    if problem:
        raise GrindstoneError(
            f"{python} ({chosen_by}) cannot be started: {problem}; "
            f"{_fix(chosen_by, FRAMEWORKS[backends[0]].title)}"
        )
    if what := lacking(code, backends):
        raise GrindstoneError(f"{python} ({chosen_by}) has no {what}; {_fix(chosen_by, 'it')}")


def _fix(chosen_by: str, what: str) -> str:
    """compare-envs has its interpreters as words of its own."""
    if chosen_by == TO_BE_COMPARED:
        return f"name a Python that has {what}"
    return f"run `./run site` to install it, or name a Python that has {what} with --worker-python"
