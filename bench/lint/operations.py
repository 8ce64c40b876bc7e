"""What Python's own operations do to known values: arithmetic, slices, items, alternatives."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from bench.lint import names, scaling
from bench.lint.values import (
    Const,
    Data,
    History,
    Items,
    Part,
    Ref,
    Score,
    Table,
    Value,
    fresh,
    inside,
    marked,
)

_DONE: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}
_LARGEST = 1e12
# A pixel's range.
RAW, UNIT = "0..255", "0..1"
# What of a table or an array is the same examples.
_SAME = ("values", "T", "iloc", "loc", "data", "array")


def binary(left: Value, done: ast.operator, right: Value) -> Value:
    """Arithmetic."""
    if isinstance(left, Const) and isinstance(right, Const):
        return _folded(left.value, done, right.value)
    if isinstance(left, Items) and isinstance(right, Items) and isinstance(done, ast.Add):
        return Items((*left.items, *right.items))
    if isinstance(left, Ref) and left.name.startswith("pathlib.") and isinstance(right, Const):
        return Data()
    held = [each for side in (left, right) for each in inside(side)]
    figures: list[Value] = [each for each in held if isinstance(each, Score | History)]
    if figures:
        return figures[0] if len(figures) == 1 else Items(tuple(figures))
    if isinstance(left, Data) and isinstance(right, Data) and right.source == scaling.MEAN:
        return scaling.without_mean(left, right) if isinstance(done, ast.Sub) else _changed(left)
    if isinstance(left, Data):
        return _scaled(left, done, right)
    if isinstance(right, Data) and isinstance(left, Const):
        return _scaled(right, done, left) if isinstance(done, ast.Mult) else _changed(right)
    return Data()


def _folded(left: Any, done: ast.operator, right: Any) -> Value:
    """Of literals, where it is a number or a short text."""
    numbers = all(type(each) in (int, float) for each in (left, right))
    texts = all(isinstance(each, str) for each in (left, right))
    act = _DONE.get(type(done))
    if act is None or not (numbers or (texts and isinstance(done, ast.Add))):
        return Data()
    try:
        found = act(left, right)
    except ArithmeticError:
        return Data()
    if isinstance(found, str):
        return Const(found) if len(found) < 10_000 else Data()
    return Const(found) if abs(found) < _LARGEST else Data()


def _scaled(data: Data, done: ast.operator, by: Value) -> Data:
    number = by.value if isinstance(by, Const) and type(by.value) in (int, float) else None
    if number is not None and data.pixels == RAW:
        is_whole = isinstance(done, ast.Div) and number == 255
        if is_whole or (isinstance(done, ast.Mult) and abs(number - 1 / 255) < 1e-6):
            return replace(data, pixels=UNIT)
    if isinstance(done, ast.Mod):
        return Data()
    return _changed(data)


def _changed(data: Data) -> Data:
    return replace(data, pixels=None)


def negative(value: Const) -> Value:
    """`-1`."""
    is_number = type(value.value) in (int, float)
    return Const(-value.value) if is_number else Data()


def either(values: Sequence[Value]) -> Value:
    """What is one of several, where that is not known."""
    known = [each for each in values if not (isinstance(each, Const) and each.value is None)]
    if not known:
        return values[0]
    first = known[0]
    if all(each is first or each == first for each in known):
        return first
    examples = [each for each in known if isinstance(each, Data)]
    if len(examples) == len(known) and len({each.rows for each in examples}) == 1:
        return _alike(examples)
    if all(isinstance(each, Items) for each in known):
        items = [each.items for each in known if isinstance(each, Items)]
        if len({len(each) for each in items}) == 1:
            return Items(tuple(either(each) for each in zip(*items, strict=True)))
    return Data()


def _alike(every: Sequence[Data]) -> Data:
    """The same examples, of which more was done to some: what is known of all, or suspected."""
    first = every[0]
    return Data(
        rows=first.rows,
        pixels=first.pixels if all(each.pixels == first.pixels for each in every) else None,
        parts=max((each.parts for each in every), key=len),
        shuffled=next((each.shuffled for each in every if each.shuffled), None),
        resized=first.resized if all(each.resized == first.resized for each in every) else None,
        folder=first.folder,
        subset=first.subset,
        fitted=first.fitted if all(each.fitted == first.fitted for each in every) else None,
        loops=first.loops,
    )


def one_of(every: Value, loops: tuple[ast.AST, ...]) -> Value:
    """What a loop goes over, an item of it: each is another one."""
    if isinstance(every, Items):
        if every.items and all(isinstance(each, Items) for each in every.items):
            columns = [each.items for each in every.items if isinstance(each, Items)]
            if len({len(each) for each in columns}) == 1:
                return Items(tuple(Data(loops=loops) for _ in columns[0]))
        return Data(loops=loops)
    if isinstance(every, Data):
        return replace(every, rows=fresh(), loops=loops)
    return Data(loops=loops)


def item(value: Value, number: int, loops: tuple[ast.AST, ...]) -> Value:
    """One of those that are unpacked."""
    if isinstance(value, Items):
        return value.items[number] if number < len(value.items) else Data(loops=loops)
    if isinstance(value, Score | History):
        return value
    if isinstance(value, Data):
        return replace(value, rows=fresh(), loops=loops)
    return Data(loops=loops)


def attribute(owner: Value, name: str, loops: tuple[ast.AST, ...]) -> Value:
    """`owner.name`."""
    if isinstance(owner, Ref):
        return Ref(names.canonical(f"{owner.name}.{name}"))
    if isinstance(owner, History):
        return owner
    if isinstance(owner, Data) and name in _SAME:
        return owner
    return Data(loops=loops)


def subscript(owner: Value, index: ast.expr, found: Value, loops: tuple[ast.AST, ...]) -> Value:
    """`owner[index]`."""
    key = found.value if isinstance(found, Const) else None
    if (
        isinstance(owner, Items)
        and type(key) is int
        and -len(owner.items) <= key < len(owner.items)
    ):
        return owner.items[key]
    if isinstance(owner, Table) and isinstance(key, str):
        return owner.items.get(key, Data(loops=loops))
    if isinstance(owner, History):
        if isinstance(key, str) and not owner.curve:
            return replace(owner, curve=key)
        # The value after some epoch: the last one is no choice, another one may be.
        return owner if not owner.curve else Data(loops=loops)
    if isinstance(owner, Score):
        return owner
    if isinstance(owner, Data):
        return _part(owner, index, found, loops)
    return Data(loops=loops)


def _part(owner: Data, index: ast.expr, found: Value, loops: tuple[ast.AST, ...]) -> Data:
    first, *rest = index.elts if isinstance(index, ast.Tuple) and index.elts else [index]
    flipped = owner.flipped or any(_turns(each) for each in rest)
    whole = isinstance(first, ast.Slice) and first.lower is None and first.upper is None
    if whole or _is_new_axis(first):
        return replace(owner, flipped=flipped)
    side = ast.dump(first)
    literal = not any(isinstance(each, ast.Name | ast.Call) for each in ast.walk(first))
    rows = marked(owner.rows, side) if literal else fresh()
    parts = owner.parts if _is_column(found) else (*owner.parts, Part(owner.rows, side))
    return replace(owner, rows=rows, flipped=flipped, parts=parts, loops=loops)


def _turns(index: ast.expr) -> bool:
    """Whether it is `::-1`."""
    step = index.step if isinstance(index, ast.Slice) else None
    return isinstance(step, ast.UnaryOp) and isinstance(step.op, ast.USub)


def _is_new_axis(index: ast.expr) -> bool:
    literal = isinstance(index, ast.Constant) and index.value in (None, ...)
    return literal or (isinstance(index, ast.Attribute) and index.attr == "newaxis")


def _is_column(found: Value) -> bool:
    """Whether it is the name of a column, or a list of them."""
    held = found.items if isinstance(found, Items) else (found,)
    return bool(held) and all(
        isinstance(each, Const) and isinstance(each.value, str) for each in held
    )
