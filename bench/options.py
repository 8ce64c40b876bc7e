"""What a person chose for this run, checked before anything is trained."""

from __future__ import annotations

import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from bench.errors import GrindstoneError
from bench.observe.devices import Device, Found, several
from bench.record.repeats import LOOKS, Process, Side, in_turn
from bench.runner import plan
from bench.runner.supervisor import Limits, how_it_ended, unbent_environment
from bench.workloads.workload import INPUTS, MODES, PROFILES, Input, Mode, ProfileName

_LONGEST_LIMIT = 1_000_000
_MOST_PROCESSES = 1000
_NO_TENSORFLOW = 3

_Word = TypeVar("_Word", bound=str)


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of `pytest bench/`.

    devices: where to train, in the order asked for.
    devices_asked_for: the words of `--device`, or None where every device is meant.
    worker_python: the interpreter that trains; that of side A where there are two.
    worker_chosen_by: why this one.
    second_worker: the interpreter of side B, or None where no environments are compared.
    looks: after how many trainings of a row, on each side, it is seen whether those are enough.
    against: a record, `last` or `best` to compare with, or None.
    modes: how to train; None leaves it to the profile and the device.
    inputs: from where images are read as files on the clock, where that is asked for.
    time_to_target: whether to train to targets, too.
    coin: the seed of what says which of a pair of sides trains first; another one in every run.
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
    looks: tuple[int, ...] = (1,)
    against: str | None = None
    modes: tuple[Mode, ...] | None = None
    inputs: tuple[Input, ...] = ()
    time_to_target: bool = False
    coin: int = 0

    @property
    def processes(self) -> int:
        """How many trainings a row has on each side, at most."""
        return self.looks[-1]

    @property
    def trainings(self) -> list[Process]:
        """Those of every row, in turn."""
        return in_turn(self.processes, sides=self.second_worker is not None, coin=self.coin)

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

    def modes_on(self, device: Device) -> tuple[Mode, ...]:
        """How to train on a device: as asked for, else as the profile has it.

        On a CPU the tuned training gains little and doubles the minutes, so it is `full`'s alone.
        """
        if device.mirrored:
            return ("stock",)  # the tuned epoch is one device's
        if self.modes is not None:
            return self.modes
        both = self.profile == "full" or (self.profile == "quick" and device.uuid is not None)
        return MODES if both else ("stock",)


def add_options(parser: pytest.Parser) -> None:
    """Adds Grindstone's options to pytest's."""
    group = parser.getgroup("grindstone", "Grindstone: what is trained, on what")
    group.addoption(
        "--device",
        action="append",
        metavar="cpu|gpu:N|gpu:N:SLICE|gpus|all",
        help="train here only; may be repeated, or a list with commas (default: every device). "
        "gpus: one network over all GPUs; all: one on each GPU, at the same time",
    )
    group.addoption(
        "--mode",
        action="append",
        metavar="stock|tuned",
        help="train as anyone would, as fast as TensorFlow can, or both: stock,tuned "
        "(default: both in full, and on a GPU in quick, else stock)",
    )
    group.addoption(
        "--input",
        action="append",
        metavar="memory|disk|data-dir",
        help="train on grind images that are read as files in every epoch, too, and tell the share "
        "of it spent waiting for them; disk is that of --cache-dir",
    )
    group.addoption(
        "--time-to-target",
        action="store_true",
        help="train until a quality is reached, too, from several seeds: MNIST's 98 and 99 %%, and "
        "grind's floor",
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
        f"(default: 1; in a comparison {LOOKS[0]} and, of rows that are not clear then, up to "
        f"{LOOKS[-1]})",
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
    two = len(pythons) == 2
    if two and against:
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
        modes=_chosen("mode", config.getoption("mode"), MODES),
        inputs=_chosen("input", config.getoption("input"), INPUTS) or (),
        time_to_target=config.getoption("time_to_target"),
        second_worker=pythons[1] if two else None,
        looks=_looks(config.getoption("processes"), compared=two or bool(against)),
        against=against,
        coin=secrets.randbits(32),
    )


def _devices(wanted: list[str] | None, found: Found) -> tuple[Device, ...]:
    if wanted is None:
        return found.devices
    here = {device.id: device for device in (*found.devices, *several(found.devices[1:]))}
    names = _names(wanted)
    for name in names:
        if name not in here:
            why = f" ({found.why_no_gpu})" if found.why_no_gpu else ""
            raise GrindstoneError(f"no device {name!r} here; there is {', '.join(here)}{why}")
    return tuple(here[name] for name in names)


def _chosen(
    what: str, wanted: list[str] | None, there_is: tuple[_Word, ...]
) -> tuple[_Word, ...] | None:
    """The words asked for, in the order that there is."""
    if wanted is None:
        return None
    names = _names(wanted)
    for name in names:
        if name not in there_is:
            raise GrindstoneError(f"no {what} {name!r}; there is {', '.join(there_is)}")
    return tuple(word for word in there_is if word in names)


def _names(wanted: list[str]) -> list[str]:
    """The words of an option that takes lists and may be repeated, each once."""
    return list(dict.fromkeys(name.strip() for words in wanted for name in words.split(",")))


def _looks(wanted: int | None, *, compared: bool) -> tuple[int, ...]:
    """After how many processes to look; once, where a number is given or nothing is compared."""
    if wanted is None:
        return LOOKS if compared else (1,)
    if not 1 <= wanted <= _MOST_PROCESSES:
        raise GrindstoneError(
            f"--processes {wanted} is out of range; give a number from 1 to {_MOST_PROCESSES}"
        )
    return (wanted,)


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
