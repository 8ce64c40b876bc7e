"""What a script does: its networks, trainings, scores and splits, in their order."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from bench.lint.values import Fit, Generator, Instance, Network, Score, Value


@dataclass(frozen=True)
class Split:
    """A call that parts examples, as `train_test_split`, or `split` of a KFold."""

    call: ast.Call
    of: tuple[Value, ...]


@dataclass(frozen=True)
class Compared:
    """A comparison, or a difference, of two values."""

    node: ast.Compare | ast.BinOp
    left: Value
    right: Value
    loops: tuple[ast.AST, ...]


@dataclass(frozen=True)
class Kept:
    """What is printed, or put into a list or dict that is called so."""

    line: int
    value: Value
    name: str = ""
    loops: tuple[ast.AST, ...] = ()


@dataclass
class Program:
    """What a script does, in its order.

    folder: from which it names files.
    imports: the libraries, by the first part of their names.
    errors: the lines in which an MSE of what a network predicts is worked out.
    metrics: those in which scikit-learn works out a metric.
    scalers: the mark of what each was fitted to.
    returns: what functions return that are called by nobody in the script.
    """

    tree: ast.Module
    folder: Path
    imports: set[str] = field(default_factory=set)
    networks: list[Network] = field(default_factory=list)
    fits: list[Fit] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    splits: list[Split] = field(default_factory=list)
    compared: list[Compared] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    restored: list[tuple[Network | None, int]] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)
    metrics: list[int] = field(default_factory=list)
    scalers: dict[Instance | Generator, int] = field(default_factory=dict)
    returns: dict[str, Value] = field(default_factory=dict)

    @cached_property
    def resizes(self) -> bool:
        """Whether it calls anything that is named so, so that `map` may do it."""
        words = (getattr(each, "id", getattr(each, "attr", "")) for each in ast.walk(self.tree))
        return any("resiz" in word.lower() for word in words)


def called(call: ast.Call) -> str:
    """The last part of what a call names."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def function(tree: ast.Module, name: str) -> ast.FunctionDef | None:
    """A function of a script, by its name: the last one, which counts."""
    body = tree.body
    found = [each for each in body if isinstance(each, ast.FunctionDef) and each.name == name]
    return found[-1] if found else None
