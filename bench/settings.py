"""What a person chose for this run, checked before anything is trained."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench import plan
from bench.devices import Device, Found
from bench.errors import GrindstoneError
from bench.processes import ENOUGH, Process, Side, in_turn
from bench.trainer import Limits, how_it_ended, unbent_environment
from bench.workloads.workload import PROFILES, ProfileName

_LONGEST_LIMIT = 1_000_000
_MOST_PROCESSES = 1000
_NO_TENSORFLOW = 3


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of `pytest bench/`.

    devices: where to train, in the order asked for.
    devices_asked_for: the words of `--device`, or None where every device is meant.
    worker_python: the interpreter that trains; that of side A where there are two.
    worker_chosen_by: why this one.
    second_worker: the interpreter of side B, or None where no environments are compared.
    processes: how many trainings a row has on each side.
    against: a record, `last` or `best` to compare with, or None.
    """

    profile: ProfileName
    devices: tuple[Device, ...]
    devices_asked_for: list[str] | None
    data_dir: Path | None
    cache_dir: Path | None
    results_dir: Path
    synthetic: bool
    seed: int
    limits: Limits
    worker_python: Path
    worker_chosen_by: str
    plan: plan.Plan | None
    second_worker: Path | None = None
    processes: int = 1
    against: str | None = None

    @property
    def trainings(self) -> list[Process]:
        """Those of every row, in turn."""
        return in_turn(self.processes, sides=self.second_worker is not None)

    def place_of(self, process: Process) -> str:
        """Which of how many a training is, where there are several: `, A 3 of 12`."""
        if len(self.trainings) == 1:
            return ""
        return f", {process.side or 'process'} {process.number} of {self.processes}"

    def interpreter(self, side: Side | None) -> Path:
        """The interpreter that trains on a side."""
        if side == "B" and self.second_worker is not None:
            return self.second_worker
        return self.worker_python


def add_options(parser: pytest.Parser) -> None:
    """Adds Grindstone's options to pytest's."""
    group = parser.getgroup("grindstone", "Grindstone: what is trained, on what")
    group.addoption(
        "--device",
        action="append",
        metavar="cpu|gpu:N",
        help="train here only; may be repeated, or a list with commas (default: every device)",
    )
    group.addoption(
        "--profile",
        choices=PROFILES,
        default="quick",
        help="smoke: seconds; quick: minutes (default); full: the published epochs and floors",
    )
    group.addoption(
        "--data-dir", type=Path, metavar="DIR", help="MNIST's files or grind photographs"
    )
    group.addoption(
        "--synthetic", action="store_true", help="draw all data, even where real are there"
    )
    group.addoption(
        "--seed", type=int, default=1, help="of weights, shuffling and dropout (default 1)"
    )
    group.addoption(
        "--worker-python",
        action="append",
        type=Path,
        metavar="PYTHON",
        help="train with this interpreter (default: the one that the plan on this host names, "
        "else the running one); given twice, both are trained with in turn and compared",
    )
    group.addoption(
        "--processes",
        type=int,
        metavar="N",
        help="train every row N times, each time in a fresh process, one row after another "
        f"(default: 1, or {ENOUGH} where something is compared)",
    )
    group.addoption(
        "--against",
        metavar="FILE|last|best",
        help="compare with this record, or with the last or the fastest comparable one in "
        "--results-dir; exit status 1 when a row is slower",
    )
    group.addoption(
        "--cache-dir", type=Path, metavar="DIR", help="where data are kept between runs"
    )
    group.addoption(
        "--results-dir",
        type=Path,
        default=Path("results"),
        metavar="DIR",
        help="where the JSON record goes (default: results)",
    )
    group.addoption(
        "--limit",
        type=float,
        metavar="SECONDS",
        help="a worker that says nothing for so long is ended (default: by phase, 2 to 30 minutes)",
    )
    group.addoption(
        "--plan", type=Path, default=plan.PATH, metavar="FILE", help=f"default: {plan.PATH}"
    )


def read_settings(config: pytest.Config, found: Found) -> Settings:
    """The options as chosen on the command line.

    Raises:
        GrindstoneError: a device that is not here, a broken plan, a seed or limit out of range.
    """
    planned = plan.read(config.getoption("plan"))
    pythons = config.getoption("worker_python") or []
    python, reason = _worker_python(pythons, planned)
    against = config.getoption("against")
    if len(pythons) == 2 and against:
        raise GrindstoneError(
            "--against and a second --worker-python are two comparisons; ask for one of them"
        )
    limit = config.getoption("limit")
    if limit is not None and not 0 < limit <= _LONGEST_LIMIT:  # nan, too, fails this
        raise GrindstoneError(
            f"--limit {limit:g} is no time; give seconds above 0, {_LONGEST_LIMIT} at most"
        )
    seed = config.getoption("seed")
    if not 0 <= seed < 2**32:
        raise GrindstoneError(f"--seed {seed} is out of range; give one from 0 to 4294967295")
    return Settings(
        profile=config.getoption("profile"),
        devices=_devices(config.getoption("device"), found),
        devices_asked_for=config.getoption("device"),
        data_dir=config.getoption("data_dir"),
        cache_dir=config.getoption("cache_dir"),
        results_dir=config.getoption("results_dir"),
        synthetic=config.getoption("synthetic"),
        seed=seed,
        limits=Limits() if limit is None else Limits.all_alike(limit),
        worker_python=python,
        worker_chosen_by=reason,
        plan=planned,
        second_worker=pythons[1] if len(pythons) == 2 else None,
        processes=_processes(config.getoption("processes"), compares=bool(pythons[1:] or against)),
        against=against,
    )


def _devices(wanted: list[str] | None, found: Found) -> tuple[Device, ...]:
    if wanted is None:
        return found.devices
    here = {device.id: device for device in found.devices}
    names = [name.strip() for words in wanted for name in words.split(",")]
    for name in names:
        if name not in here:
            why = f" ({found.why_no_gpu})" if found.why_no_gpu else ""
            raise GrindstoneError(f"no device {name!r} here; there is {', '.join(here)}{why}")
    return tuple(here[name] for name in dict.fromkeys(names))


def _processes(wanted: int | None, *, compares: bool) -> int:
    if wanted is None:
        return ENOUGH if compares else 1
    if not 1 <= wanted <= _MOST_PROCESSES:
        raise GrindstoneError(
            f"--processes {wanted} is out of range; give a number from 1 to {_MOST_PROCESSES}"
        )
    return wanted


def _worker_python(wanted: list[Path], planned: plan.Plan | None) -> tuple[Path, str]:
    if len(wanted) > 2:
        raise GrindstoneError(
            f"--worker-python is given {len(wanted)} times; a comparison has two sides"
        )
    if wanted:
        return wanted[0], "--worker-python"
    if planned is not None:
        return planned.interpreter, "the plan on this host"
    return Path(sys.executable), "the running interpreter: no plan on this host"


def check_worker(settings: Settings) -> None:
    """Refuses an interpreter that cannot train, before anything is generated or downloaded.

    Raises:
        GrindstoneError: it is not there, or has no TensorFlow.
    """
    for python in dict.fromkeys(filter(None, (settings.worker_python, settings.second_worker))):
        _check_worker(python, settings.worker_chosen_by, settings.limits.start)


def _check_worker(python: Path, reason: str, within: float) -> None:
    look = (
        "import importlib.util as u, sys; "
        f"sys.exit(0 if u.find_spec('tensorflow') else {_NO_TENSORFLOW})"
    )
    problem = None
    try:
        code = subprocess.run(
            [python, "-c", look],
            capture_output=True,
            check=False,
            env=unbent_environment(),
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
            f"{python} ({reason}) cannot be started: {problem}; run `./run site`, or name "
            "a Python that has TensorFlow with --worker-python"
        )
    if code == _NO_TENSORFLOW:
        raise GrindstoneError(
            f"{python} ({reason}) has no TensorFlow; run `./run site` to install it, or name a "
            "Python that has it with --worker-python"
        )
