"""A model of one's own: what its file says before it is run.

The parent reads the file as text and never runs it: the worker alone does (bench.worker.own).  So
what the parent has to know, the constants, are values that can be read off.
"""

from __future__ import annotations

import ast
import hashlib
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import GrindstoneError, shown, why
from bench.invocation import COMMAND
from bench.workloads import own_functions
from bench.workloads.workload import PROFILES, Input, ProfileName, Schedule

LEAST_EPOCHS = 3
_DEFAULT_EPOCHS = 5
_MOST = 1_000_000
_FLOOR = re.compile(r"\s*(>=|<=)\s*(\S+)\s*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_LONGEST_LINE = 60  # characters of a line that is no Python
_PYTHON = (".py", ".pyw", "")
_NO_TEXT = (b"\x89HDF", b"PK\x03\x04", b"\xff\xfe", b"\xfe\xff")
_NOTEBOOK = "{} is a notebook, and a Python file is expected: {}jupyter nbconvert --to script {}"
_ACCURACY = re.compile(r"val_(\w+_)?acc(uracy)?")


@dataclass(frozen=True, slots=True)
class Floor:
    """What a quality has to reach.

    metric: as Keras names it on validation data, `val_accuracy`.
    at_most: whether it is the most that passes, else the least.
    """

    metric: str
    at_most: bool
    value: float

    def passes(self, value: float) -> bool:
        """Whether a value is good enough; NaN is not."""
        return value <= self.value if self.at_most else value >= self.value


@dataclass(frozen=True, slots=True)
class OwnWorkload:
    """A file with `model()` and `data()`, as it is trained.

    path: of the file, absolute.
    epochs: at `quick` and `full`.
    batch: examples a step, of arrays; None is Keras' default.
    steps: batches of an epoch, and of the validation data, where these do not end by themselves.
    floors: what it has to reach, if anything.
    backend: what it sets KERAS_BACKEND to, which chooses nothing here, and in which line.
    trains: the line in which it trains a network of its own whenever it is run, or 0.
    """

    name: str
    path: Path
    sha256: str
    epochs: int = _DEFAULT_EPOCHS
    batch: int | None = None
    steps: tuple[int | None, int | None] = (None, None)
    floors: tuple[Floor, ...] = ()
    input: Input | None = None
    backend: tuple[str, int] | None = None
    trains: int = 0

    @property
    def schedules(self) -> Mapping[ProfileName, Schedule]:
        """How much each profile trains: always on all data."""
        epochs = {"smoke": LEAST_EPOCHS}
        return {name: Schedule(epochs.get(name, self.epochs)) for name in PROFILES}


def main_metric(names: Iterable[str], floors: Iterable[Floor] = ()) -> str:
    """The metric that stands in the table: a floor's, else an accuracy, else the model's first.

    names: of all metrics, the loss among them.
    """
    ordered = sorted(names, key=lambda name: (name in ("loss", "val_loss"), not is_accuracy(name)))
    return next((floor.metric for floor in floors), ordered[0])


def is_accuracy(metric: str) -> bool:
    """Whether a metric is a share of right answers, by its name in Keras."""
    return _ACCURACY.fullmatch(metric) is not None


def name_of(path: Path) -> str:
    """What a file's workload is called where it does not say."""
    plain = unicodedata.normalize("NFKD", path.stem).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", plain).lstrip("-._")[:40].rstrip("-") or "own"


def read_files(paths: Iterable[Path], taken: Iterable[str]) -> tuple[OwnWorkload, ...]:
    """The workloads in files, each read as text.

    taken: names of Grindstone's own workloads.

    Raises:
        GrindstoneError: what is wrong with a file, in a line.
    """
    names = dict.fromkeys(taken, "a workload of Grindstone's")
    found = []
    for workload in dict.fromkeys(map(read, paths)):
        path = workload.path
        if workload.name in names:
            raise GrindstoneError(
                f"{path}: {workload.name} is the name of {names[workload.name]} already; give it "
                'another with NAME = "..."'
            )
        names[workload.name] = str(path)
        found.append(workload)
    return tuple(found)


def is_workload(path: Path) -> bool:
    """Whether a file is one: it has the functions, and nothing is wrong with it."""
    try:
        return bool(read(path))
    except GrindstoneError:
        return False


def read(path: Path) -> OwnWorkload:
    """The workload in a file.

    Raises:
        GrindstoneError: what is wrong with it, in a line.
    """
    source = _read(path)
    tree = _parsed(path, source)
    own_functions.check(path, tree)
    constants = _Constants(path, tree)
    return OwnWorkload(
        name=constants.name(),
        path=path.resolve(),
        sha256=hashlib.sha256(source).hexdigest(),
        epochs=constants.number("EPOCHS", LEAST_EPOCHS) or _DEFAULT_EPOCHS,
        batch=constants.number("BATCH", 1),
        steps=constants.steps(),
        floors=constants.floors(),
        backend=_backend(tree),
        trains=own_functions.trains_at(tree.body),
    )


def _read(path: Path) -> bytes:
    """What is in the file; a pipe or a device has no end, and is not there twice."""
    try:
        if path.exists() and not path.is_file():
            what = "a folder" if path.is_dir() else "no ordinary file"
            raise GrindstoneError(f"--workload {path} is {what}; name a Python file")
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in its name
        told = why(error) if isinstance(error, OSError) else error
        raise GrindstoneError(
            f"--workload {path} cannot be read: {told}; name a Python file that has the functions "
            "model() and data()"
        ) from error


def _parsed(path: Path, source: bytes) -> ast.Module:
    if path.suffix == ".ipynb":
        raise GrindstoneError(_NOTEBOOK.format(path, "", path))
    if b"\0" in source or source.startswith(_NO_TEXT):
        raise GrindstoneError(
            f"{path} is no text in UTF-8, and a Python file is expected; save a script in UTF-8, "
            f"and ask a saved network by `{COMMAND} predict`"
        )
    try:
        tree = ast.parse(source, str(path))
    except SyntaxError as error:
        if path.suffix not in _PYTHON:
            raise GrindstoneError(
                f"{path} is no Python file; name one that has the functions model() and data()"
            ) from error
        line = f": {shown(text[:_LONGEST_LINE])}" if (text := (error.text or "").strip()) else ""
        told = f"{path}:{error.lineno or 1}: SyntaxError: {error.msg}{line}"
        raise GrindstoneError(told) from error
    except (ValueError, RecursionError, MemoryError) as error:  # nested without end
        raise GrindstoneError(f"{path} is no Python file: {error}") from error
    if _is_notebook(tree):
        renamed = path.with_suffix(".ipynb")
        raise GrindstoneError(_NOTEBOOK.format(path, f"mv {path} {renamed} && ", renamed))
    return tree


def _is_notebook(tree: ast.Module) -> bool:
    """Whether it is a notebook's JSON, which is Python as well."""
    whole = tree.body[0] if len(tree.body) == 1 else None
    if not isinstance(whole, ast.Expr) or not isinstance(whole.value, ast.Dict):
        return False
    return any(isinstance(key, ast.Constant) and key.value == "cells" for key in whole.value.keys)


def _backend(tree: ast.Module) -> tuple[str, int] | None:
    """`os.environ["KERAS_BACKEND"] = "jax"`, or the same by `setdefault`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            told = [node.targets[0].slice, node.value]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "setdefault":
            told = node.args
        else:
            continue
        values = [each.value for each in told if isinstance(each, ast.Constant)]
        if len(values) == 2 and values[0] == "KERAS_BACKEND":
            return str(values[1]), node.lineno
    return None


class _Constants:
    """The constants of a file, read off and checked."""

    def __init__(self, path: Path, tree: ast.Module) -> None:
        self._path = path
        self._nodes = {
            name: node
            for name, node in own_functions.bound(tree.body)
            if isinstance(node, ast.Assign | ast.AnnAssign)
        }

    def name(self) -> str:
        """NAME, or the file's own."""
        if "NAME" not in self._nodes:
            return name_of(self._path)
        value = self._value("NAME")
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            raise self._wrong("NAME", value, "letters, digits, `_`, `.` and `-`, 40 at most")
        return value

    def number(self, name: str, least: int) -> int | None:
        """A whole number, or None where it is not there."""
        if name not in self._nodes:
            return None
        value = self._value(name)
        if not _is_number(value, least):
            why = ", as epoch 1 stands apart and a spread needs two more" if least > 1 else ""
            most = f", {_MOST:,} at most" if type(value) is int and value > _MOST else ""
            raise self._wrong(name, value, f"a whole number of {least} or more{most}{why}")
        assert isinstance(value, int)
        return value

    def steps(self) -> tuple[int | None, int | None]:
        """STEPS: the batches of an epoch, or those and the validation data's."""
        if "STEPS" not in self._nodes:
            return None, None
        value = self._value("STEPS")
        pair = value if isinstance(value, tuple) else (value, None)
        numbers = [each for each in pair if each is not None]
        if len(pair) != 2 or not all(_is_number(each, 1) for each in numbers):
            raise self._wrong(
                "STEPS",
                value,
                "the batches of an epoch, as 100, or with those of validation, as (100, 10)",
            )
        return pair

    def floors(self) -> tuple[Floor, ...]:
        """FLOORS, as asked for."""
        if "FLOORS" not in self._nodes:
            return ()
        value = self._value("FLOORS")
        if not isinstance(value, dict):
            raise self._wrong("FLOORS", value, _FLOORS)
        return tuple(self._floor(value, metric, told) for metric, told in value.items())

    def _floor(self, floors: object, metric: object, told: object) -> Floor:
        found = _FLOOR.fullmatch(told) if isinstance(told, str) else None
        value = _float(found[2]) if found else math.nan
        if found and isinstance(metric, str) and math.isfinite(value):
            return Floor(metric, found[1] == "<=", value)
        raise self._wrong("FLOORS", floors, _FLOORS)

    def _value(self, name: str) -> Any:
        node = self._nodes[name]
        try:
            return ast.literal_eval(node.value) if node.value else None
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            raise GrindstoneError(
                f"{self._path}:{node.lineno}: {name} is worked out when the file runs, and is "
                "needed before; write the value itself"
            ) from None

    def _wrong(self, name: str, value: object, expected: str) -> GrindstoneError:
        line = self._nodes[name].lineno
        return GrindstoneError(f"{self._path}:{line}: {name} is {value!r}; expected: {expected}")


_FLOORS = 'as {"val_accuracy": ">= 0.97"} or {"val_loss": "<= 0.3"}'


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _is_number(value: object, least: int) -> bool:
    return type(value) is int and least <= value <= _MOST
