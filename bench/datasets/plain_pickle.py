"""Reads a Python pickle of plain data without running any of it.

A pickle is a program for a small machine, and one of its words calls whatever function it names.
CIFAR-10's Python batches are such files, though all that they hold is bytes, numbers and an array.
This is that machine without the word: it knows the operations that those files are made of, and
takes three names for what NumPy's arrays are written with.  It imports nothing and calls nothing;
every other operation or name is refused.
"""

from __future__ import annotations

import math
import pickletools
import struct
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

_ARRAY_MAKERS = ("numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct")
_ARRAY, _DTYPE = "numpy ndarray", "numpy dtype"
_NAMES = (*_ARRAY_MAKERS, _ARRAY, _DTYPE)

_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_NUMBERS = ("BININT", "BININT1", "BININT2")
_TEXTS = ("SHORT_BINSTRING", "BINSTRING", "BINUNICODE", "SHORT_BINBYTES", "BINBYTES")
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list}
_MARK = object()


class PickleError(ValueError):
    """A pickle that is not read; the text stands behind the file's name and «:»."""


@dataclass(slots=True)
class _Name:
    """What a pickle calls something by."""

    name: str


@dataclass(slots=True)
class _Array:
    """An array that is still being described."""

    made: NDArray[np.uint8] | None = None


@dataclass(slots=True)
class _DType:
    """The kind of an array's numbers."""

    name: object


def loads(data: bytes) -> Any:
    """What a pickle holds: dictionaries, lists, tuples, bytes, numbers, and arrays of bytes.

    Texts are bytes, whichever kind they are.

    Raises:
        PickleError: it is damaged, or does something else than to hold plain data.
    """
    machine = _Machine()
    try:
        for operation, argument, _ in pickletools.genops(data):
            if operation.name == "STOP":
                break
            machine.do(operation.name, argument)
        (result,) = machine.stack
    except PickleError:
        raise
    except (ValueError, TypeError, LookupError, OverflowError, struct.error) as error:
        raise PickleError(f"it is cut short or damaged ({type(error).__name__})") from error
    return _finished(result)


class _Machine:
    """The stack and the memory of what was made."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def do(self, name: str, argument: Any) -> None:
        """One operation."""
        if name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _NUMBERS:
            self.stack.append(argument)
        elif name in _TEXTS:
            self.stack.append(_bytes(argument))
        elif name in _EMPTY:
            self.stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            self.stack.append(tuple(self._pop(_TUPLES[name])))
        else:
            self._do_more(name, argument)

    def _do_more(self, name: str, argument: Any) -> None:
        match name:
            case "PROTO":
                pass
            case "MARK":
                self.stack.append(_MARK)
            case "BINPUT" | "LONG_BINPUT":
                self._memo[argument] = self.stack[-1]
            case "BINGET" | "LONG_BINGET":
                self.stack.append(self._memo[argument])
            case "TUPLE":
                self.stack.append(tuple(self._above_the_mark()))
            case "APPEND" | "APPENDS":
                self._append(self._above_the_mark() if name == "APPENDS" else [self.stack.pop()])
            case "SETITEM" | "SETITEMS":
                self._set(self._above_the_mark() if name == "SETITEMS" else self._pop(2))
            case "GLOBAL":
                self.stack.append(_named(argument))
            case "REDUCE":
                self._reduce()
            case "BUILD":
                state = self.stack.pop()
                _build(self.stack[-1], state)
            case _:
                _refuse(f"the operation {name}")

    def _pop(self, count: int) -> list[Any]:
        if count > len(self.stack):
            raise IndexError(count)
        popped = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return popped

    def _above_the_mark(self) -> list[Any]:
        above: list[Any] = []
        while (value := self.stack.pop()) is not _MARK:
            above.append(value)
        return above[::-1]

    def _append(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise TypeError(type(target))
        target.extend(values)

    def _set(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict):
            raise TypeError(type(target))
        target.update(zip(values[::2], values[1::2], strict=True))

    def _reduce(self) -> None:
        """What would call a function: it stands for an array or for its kind, or is refused."""
        called, arguments = self._pop(2)
        name = called.name if isinstance(called, _Name) else None
        if name in _ARRAY_MAKERS and isinstance(arguments, tuple):
            self.stack.append(_Array())
        elif name == _DTYPE and isinstance(arguments, tuple) and arguments:
            self.stack.append(_DType(arguments[0]))
        else:
            _refuse("a call")


def _named(name: str) -> _Name:
    if name not in _NAMES:
        _refuse(f"the name {'.'.join(name.split())[:80]}")
    return _Name(name)


def _build(target: Any, state: Any) -> None:
    """Gives an array its numbers; of its kind the name was all that counts."""
    if isinstance(target, _DType) and isinstance(state, tuple):
        return
    if not isinstance(target, _Array):
        _refuse("an object that is built")
    _, shape, kind, by_columns, numbers = state
    if not (isinstance(kind, _DType) and kind.name == b"u1" and by_columns is False):
        _refuse("an array that is not of bytes, row by row")
    if math.prod(shape) != len(numbers) or not all(type(each) is int for each in shape):
        raise ValueError(shape)
    target.made = np.frombuffer(numbers, np.uint8).reshape(shape)


def _finished(value: Any) -> Any:
    """The same with its arrays; only those in the outermost dictionary are looked for."""
    if isinstance(value, dict):
        return {key: each.made if isinstance(each, _Array) else each for key, each in value.items()}
    return value


def _bytes(text: str | bytes) -> bytes:
    """A text's bytes: pickletools has decoded Python 2's as Latin-1."""
    return text if isinstance(text, bytes) else text.encode("latin-1", "replace")


def _refuse(what: str) -> NoReturn:
    raise PickleError(
        f"it holds {what}, which is no plain data: a pickle could run any program, and none is run"
    )
