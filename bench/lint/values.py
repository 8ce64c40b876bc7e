"""What is known of a value in a script without running it."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any, TypeAlias

# What names stand for: those of a function, then those around it.
Names: TypeAlias = "ChainMap[str, Value]"

_numbers = count(1)


# What `Data.source` says of examples that the script spells out, as the four of XOR.
LITERAL = "literal"
# … of what a network predicted.
PREDICTED = "predicted"


def fresh() -> int:
    """A mark for examples that are not known to be others'."""
    return next(_numbers)


@cache
def marked(rows: int, index: str) -> int:  # noqa: ARG001
    """The mark of a part of examples by a literal index, which is the same each time."""
    return fresh()


@dataclass(frozen=True, slots=True)
class Const:
    """A literal: a number, a text, None."""

    value: Any


@dataclass(frozen=True, slots=True)
class Ref:
    """Something of a library, by its full name, with `tensorflow.keras` as `keras`."""

    name: str

    @property
    def last(self) -> str:
        """Its own name."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Items:
    """A tuple or list whose items are known."""

    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A dict with texts as keys."""

    items: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Call:
    """A call, and what it is given: by place, and by name."""

    node: ast.Call
    given: tuple[Value, ...]
    options: Mapping[str, Value]

    @property
    def line(self) -> int:
        """Where it stands."""
        return self.node.lineno

    def value(self, *names: str, at: int = 99) -> Value | None:
        """What a parameter is given, by any of its names or by its place."""
        found = (self.options[each] for each in names if each in self.options)
        return next(found, self.given[at] if at < len(self.given) else None)

    def said(self, *names: str, at: int = 99, otherwise: object = None) -> Any:
        """The same where it is a literal."""
        found = self.value(*names, at=at)
        return otherwise if found is None else plain(found)


@dataclass(frozen=True, eq=False, slots=True)
class Instance:
    """What a class of a library made: a layer, a loss, a callback, a splitter.

    own: whether the class is the script's.
    """

    name: str
    line: int
    arguments: tuple[Value, ...] = ()
    options: Mapping[str, Value] = field(default_factory=dict)
    own: bool = False

    @property
    def kind(self) -> str:
        """Its class, without the module's name."""
        return self.name.rpartition(".")[2]

    def option(self, name: str, place: int = 99) -> Value | None:
        """An argument, by its name or its place."""
        if name in self.options:
            return self.options[name]
        return self.arguments[place] if place < len(self.arguments) else None


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """A layer that is called, as a functional model has it; an input has no layer."""

    layer: Instance | None
    inputs: tuple[Node, ...] = ()


@dataclass(eq=False, slots=True)
class Network:
    """A model.

    nodes: its layers in order, with what each is fed by; of a stack each by the one before.
    known: whether those are all, and in this order.
    loops: in which it was built.
    losses: what it was compiled with; compiled: the lines in which it was.
    """

    line: int
    nodes: list[Node] = field(default_factory=list)
    known: bool = True
    loops: tuple[ast.AST, ...] = ()
    losses: list[tuple[int, Value]] = field(default_factory=list)
    compiled: list[int] = field(default_factory=list)
    inner: bool = False

    def add(self, layer: Instance) -> None:
        """Stacks a layer."""
        self.nodes.append(Node(layer, tuple(self.nodes[-1:])))

    @property
    def layers(self) -> list[Instance]:
        """Its layers."""
        return [node.layer for node in self.nodes if node.layer is not None]


@dataclass(frozen=True, slots=True)
class Resized:
    """How pictures were brought to their size: by what, with which filter, to (height, width)."""

    by: str
    filter: str
    size: tuple[int, int] | None
    line: int
    keeps_aspect: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A part of examples: which of two complementary ones, and of what.

    shuffled: the line that shuffles them anew in each pass, before they are parted.
    """

    of: int
    side: str
    shuffled: int | None = None


@dataclass(frozen=True, slots=True)
class Data:
    """Examples.

    rows: a mark of which they are; x and y of the same ones may have different marks.
    pixels: `0..255` as pictures are, `0..1` divided by 255, None where that is not known.
    copies: what put copies into them, and where.
    flipped: whether they are others mirrored.
    parts: which parts they are.
    shuffled: the line that shuffles them anew in each pass.
    folder: where they are read from; seed: that they were split by.
    fitted: the mark of those by whose statistics they are scaled.
    loops: in which loops they came to be.
    """

    rows: int = field(default_factory=fresh)
    pixels: str | None = None
    copies: tuple[str, int] | None = None
    flipped: bool = False
    parts: tuple[Part, ...] = ()
    shuffled: int | None = None
    resized: Resized | None = None
    folder: Value | None = None
    subset: tuple[str, Value | None, int] | None = None
    source: str = ""
    fitted: int | None = None
    loops: tuple[ast.AST, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Generator:
    """Keras' ImageDataGenerator: what it does to pixels; learns: whether `fit` takes statistics."""

    pixels: str | None
    learns: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Function:
    """A function or class of the script."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
    names: Names
    bases: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Fit:
    """A training: of `model.fit`."""

    network: Network
    call: ast.Call
    x: Value | None
    y: Value | None
    validation: tuple[Value, ...]
    options: Mapping[str, Value]
    loops: tuple[ast.AST, ...]

    @property
    def line(self) -> int:
        """Where it is."""
        return self.call.lineno


@dataclass(frozen=True, eq=False, slots=True)
class Score:
    """What `evaluate` or `predict` was given, and the figure that came of it.

    fits: how many trainings the script has before it.
    """

    network: Network | None
    x: Value | None
    call: ast.Call
    loops: tuple[ast.AST, ...]
    kind: str
    y: Value | None = None
    fits: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class History:
    """What `fit` returned, or a curve of it by its name.

    best: whether it is the best value of that curve, and the line that takes it.
    """

    fit: Fit
    curve: str = ""
    best: int = 0


_OfPython: TypeAlias = Const | Ref | Items | Table | Function
_OfKeras: TypeAlias = Instance | Node | Network | Score | History
Value: TypeAlias = _OfPython | _OfKeras | Data | Generator


def plain(value: Value | None) -> Any:
    """A literal's value; None where it is none."""
    if isinstance(value, Items):
        return tuple(plain(each) for each in value.items)
    return value.value if isinstance(value, Const) else None


def inside(value: Value | None) -> Iterator[Value]:
    """A value and what is in it, where it is a tuple or a text with values in it."""
    if isinstance(value, Items):
        for each in value.items:
            yield from inside(each)
    elif value is not None:
        yield value


def examples(value: Value | None) -> Data | None:
    """The first array of what `fit` is given."""
    return next((each for each in inside(value) if isinstance(each, Data)), None)
