"""What `data()` may return, and what is known of it.

(x, y), (x, y)            arrays, or dicts, lists and tuples of them; also (x,) and (x, y, weights)
train, validation         a tf.data.Dataset, a PyDataset, or a function that makes a generator
train, None               without validation data; train alone means the same
"""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from bench.worker.backends.backend import Backend
from bench.worker.messages import OwnFile
from bench.worker.own.file import FileError
from bench.worker.own.returned import described, instead, of_lists

Kind = Literal["arrays in memory", "tf.data", "PyDataset", "generator"]

DEFAULT_BATCH = 32
# How often it is told that a pass over the data goes on, in s, and when one is given up that seems
# to have no end.
_TELL_EVERY, _ENDLESS = 10.0, 120.0
# What a tf.data.Dataset without end has as its cardinality: tf.data.INFINITE_CARDINALITY.
_INFINITE = -1
# Targets that are more are pictures, not classes.
_MOST_CLASSES = 10_000_000


class Numbers:
    """How many numbers of some batches there are in each array, and how many of them are none.

    flatten: the leaves of a structure.
    """

    def __init__(self, flatten: Callable[[Any], list[Any]]) -> None:
        self._flatten = flatten
        self._counts: dict[str, tuple[int, int]] = {}

    def add(self, batch: Any) -> None:
        """Counts those of (x,), (x, y), (x, y, weights) or x."""
        parts = batch if isinstance(batch, tuple | list) else (batch,)
        for name, part in zip(("x", "y", "the weights"), parts, strict=False):
            every = self._flatten(part)
            for place, leaf in enumerate(every, start=1):
                which = f"{name} ({place} of {len(every)})" if len(every) > 1 else name
                none, count = self._counts.get(which, (0, 0))
                more_none, more = _counted(leaf)
                self._counts[which] = none + more_none, count + more

    def told(self, what: str) -> tuple[str, ...]:
        """`3 of 400 numbers in y of the training data are NaN or infinite`, for each such array."""
        return tuple(
            f"{none:,} of {count:,} numbers in {which} of {what} are NaN or infinite"
            for which, (none, count) in self._counts.items()
            if none
        )


@dataclass(frozen=True)
class Split:
    """A half of the data, as `fit` and `evaluate` take it.

    parts: the arrays, (x,), (x, y) or (x, y, weights), or what batches come from, alone.
    examples: of an epoch.
    steps: batches of an epoch, where it does not end by itself.
    numbers: of the batches that were read before the clock starts.
    """

    kind: Kind
    parts: Any
    examples: int
    steps: int | None = None
    numbers: Numbers | None = None

    @property
    def in_memory(self) -> bool:
        """Whether it is arrays."""
        return self.kind == "arrays in memory"

    def arguments(self, batch: int | None, *, train: bool) -> dict[str, Any]:
        """What `fit` or `evaluate` is given."""
        if self.in_memory:
            names = ("x", "y", "sample_weight")
            given = {"batch_size": batch or DEFAULT_BATCH}
            return {**dict(zip(names, self.parts, strict=False)), **given}
        x = self.parts[0]
        if self.kind == "generator":
            x = _again_and_again(x) if train else x()
        return {"x": x, "steps_per_epoch" if train else "steps": self.steps}

    def inputs(self) -> Any:
        """What a model is called with: all of it, or a batch, where it comes in those."""
        source = self.parts[0]
        if self.in_memory:
            return source
        if self.kind == "PyDataset":
            batch = source[0]
        else:
            batch = next(iter(source() if self.kind == "generator" else source))
        return batch[0] if isinstance(batch, tuple | list) else batch


class Reader:
    """Takes what `data()` returned apart.

    tell: told what is going on, now and then.
    """

    def __init__(self, backend: Backend, own: OwnFile, tell: Callable[[str], None]) -> None:
        self._backend, self._own, self._tell = backend, own, tell

    def splits(self, returned: Any) -> tuple[Split, Split | None]:
        """The training and the validation data.

        Raises:
            FileError: it returned something else.
        """
        train, validation = self._pair(returned)
        steps = self._own.steps
        first = self._split("the training data", train, steps[0])
        if self._own.batch and not first.in_memory:
            raise FileError(
                f"BATCH is {self._own.batch}, and data() returned a {first.kind}, whose batches "
                "are its own; remove BATCH"
            )
        if validation is None:
            return first, None
        return first, self._split("the validation data", validation, steps[1])

    def _pair(self, returned: Any) -> tuple[Any, Any]:
        if self._comes_in_batches(returned):
            return returned, None
        is_pair = isinstance(returned, tuple | list) and len(returned) == 2
        if not is_pair or not self._is_split(returned[0]) or returned[0] is None:
            raise FileError(f"data() returned {described(returned)}; {instead(returned)}")
        if not self._is_split(returned[1]):
            raise FileError(
                f"data() returned {described(returned[1])} as validation data; "
                f"{instead(returned[1])}"
            )
        return returned[0], returned[1]

    def _is_split(self, value: Any) -> bool:
        arrays = isinstance(value, tuple) and 1 <= len(value) <= 3
        return value is None or arrays or self._comes_in_batches(value)

    def _comes_in_batches(self, value: Any) -> bool:
        return self._backend.is_dataset(value) or self._is_sequence(value) or callable(value)

    def _is_sequence(self, value: Any) -> bool:
        return isinstance(value, self._backend.keras.utils.Sequence)

    def _split(self, what: str, value: Any, steps: int | None) -> Split:
        if self._backend.is_dataset(value):
            return self._of_dataset(what, value, steps)
        if self._is_sequence(value):
            return self._of_sequence(what, value, steps)
        if callable(value):
            batches = value()
            if not isinstance(batches, Iterator):
                raise FileError(
                    f"{what}: {getattr(value, '__name__', value)}() returned "
                    f"{described(batches)}, and not a generator"
                )
            examples, number, numbers = self._count(what, batches, steps)
            return Split("generator", (value,), examples, number, numbers)
        return self._of_arrays(what, value, steps)

    def _of_arrays(self, what: str, parts: tuple[Any, ...], steps: int | None) -> Split:
        import numpy as np

        if steps:
            raise FileError(f"STEPS is {steps}, and {what} are arrays, which end; remove STEPS")
        made = self._backend.map_structure(np.asarray, parts)
        every = self._backend.flatten(made)
        leaves = [each for each in every if each.dtype.kind not in "OmM" and not each.dtype.names]
        if len(leaves) < len(every) or not all(each.ndim for each in leaves):
            raise FileError(
                f"{what}: {described(parts)} holds something that is no array of numbers; "
                f"{of_lists(parts)}"
            )
        lengths = [len(each) for each in leaves]
        if len(set(lengths)) != 1 or not lengths[0]:
            raise FileError(
                f"{what} hold arrays of {', '.join(map(str, lengths))} rows; all need the same "
                "number, and one at least"
            )
        return Split("arrays in memory", made, lengths[0])

    def _of_dataset(self, what: str, dataset: Any, steps: int | None) -> Split:
        endless = int(dataset.cardinality()) == _INFINITE
        if endless and not steps:
            raise FileError(
                f"{what} are a tf.data.Dataset without end; say how many batches are an epoch: "
                "STEPS = 100, or with those of validation, STEPS = (100, 10)"
            )
        if steps and not endless:
            dataset = dataset.repeat()
        examples, _, numbers = self._count(what, iter(dataset), steps, ends=not endless)
        return Split("tf.data", (dataset,), examples, steps, numbers)

    def _of_sequence(self, what: str, sequence: Any, steps: int | None) -> Split:
        """Its batches have the size of the first, but for the last: reading all may take long."""
        number = steps or len(sequence)
        if number < 1:
            raise FileError(f"{what}: {described(sequence)} has no batches")
        ends = [sequence[0]] if steps or number == 1 else [sequence[0], sequence[number - 1]]
        rows = [_rows(self._backend, what, each) for each in ends]
        numbers = Numbers(self._backend.flatten)
        for each in ends:
            numbers.add(each)
        return Split("PyDataset", (sequence,), (number - 1) * rows[0] + rows[-1], steps, numbers)

    def _count(
        self, what: str, batches: Iterator[Any], steps: int | None, *, ends: bool = False
    ) -> tuple[int, int, Numbers]:
        """The examples and batches of a pass, and their numbers.

        ends: whether it is known to.
        """
        examples, number, numbers = 0, 0, Numbers(self._backend.flatten)
        begun = told = time.monotonic()
        for batch in batches:
            examples, number = examples + _rows(self._backend, what, batch), number + 1
            numbers.add(batch)
            if number == steps:
                break
            now = time.monotonic()
            if now - told > _TELL_EVERY:
                told = now
                self._tell(f"reading {what} once: {number} batches")
            if now - begun > _ENDLESS and not (ends or steps):
                raise FileError(
                    f"{what} had not ended after {number} batches and {_ENDLESS:.0f} s; say how "
                    "many are an epoch: STEPS = 100, or with those of validation, (100, 10)"
                )
        if not examples or (steps and number < steps):
            raise FileError(f"{what} end after {number} batches, and {steps or 1} are needed")
        return examples, number, numbers


def seconds_alone(split: Split, synchronise: Callable[[], None]) -> float | None:
    """What a pass over the data takes without training, in s: faster than that no epoch can be.

    None for arrays, which wait for nobody, and for a PyDataset with workers of its own.
    """
    source = split.parts[0]
    if split.in_memory or getattr(source, "workers", 1) > 1:
        return None
    batches = source() if split.kind == "generator" else source
    if split.kind == "PyDataset":
        batches = (source[number] for number in range(split.steps or len(source)))
    synchronise()
    begun = time.perf_counter()
    for _ in itertools.islice(batches, split.steps):
        pass
    synchronise()
    return time.perf_counter() - begun


def fingerprint(backend: Backend, splits: list[Split]) -> str:
    """SHA-256 of the arrays; of what comes in batches, of its shapes and its number of examples.

    Batches may be drawn anew in every pass, so that their content is no mark of the data.
    """
    digest = hashlib.sha256()
    for split in splits:
        digest.update(f"{split.kind} {split.examples}".encode())
        if split.in_memory:
            for array in backend.flatten(split.parts):
                digest.update(f"{array.dtype}{array.shape}".encode())
                digest.update(array.tobytes())
        elif split.kind == "tf.data":
            digest.update(repr(split.parts[0].element_spec).encode())
    return digest.hexdigest()


def baselines(train: Split, validation: Split | None) -> dict[str, float]:
    """What a constant guess, made from the training targets, reaches on the validation data.

    Classes: the accuracy of the most frequent one.  Numbers: the errors of predicting their mean.
    Only where both are arrays with one array of targets.
    """
    import numpy as np

    learned, judged = _targets(train), _targets(validation)
    if learned is None or judged is None or learned.shape[1:] != judged.shape[1:]:
        return {}
    error = judged - learned.mean(axis=0, dtype="float64")
    found = {
        "mean_predictor_mse": float(np.mean(np.square(error))),
        "mean_predictor_mae": float(np.mean(np.abs(error))),
    }
    if _one_hot(learned) and _one_hot(judged):
        learned, judged = learned.argmax(axis=-1), judged.argmax(axis=-1)
    if learned.size <= _MOST_CLASSES and (learned.dtype.kind in "iub" or _is_binary(learned)):
        values, counts = np.unique(learned, return_counts=True)
        found["most_frequent_class_accuracy"] = float(np.mean(judged == values[counts.argmax()]))
    return found


def not_finite(backend: Backend, what: str, split: Split | None) -> tuple[str, ...]:
    """Which arrays hold numbers that are none, a line each; of batches in those that were read."""
    if split is None:
        return ()
    numbers = split.numbers or Numbers(backend.flatten)
    if split.in_memory:
        numbers.add(split.parts)
    if split.kind == "PyDataset":
        what = f"the first and the last batch of {what}"
    return numbers.told(what)


def _counted(leaf: Any) -> tuple[int, int]:
    """How many numbers of an array are NaN or infinite, of how many; of integers nobody asks."""
    import numpy as np

    if "float" not in str(getattr(leaf, "dtype", "")):
        return 0, 0
    try:
        array = np.asarray(leaf)
    except (TypeError, ValueError, RuntimeError):  # on a GPU, or with rows of several lengths
        return 0, 0
    if array.dtype.kind != "f" or not array.size or np.isfinite((array.min(), array.max())).all():
        return 0, array.size
    return array.size - np.count_nonzero(np.isfinite(array)), array.size


def _targets(split: Split | None) -> Any:
    if split is None or not split.in_memory or len(split.parts) < 2:
        return None
    y = split.parts[1]
    return y if hasattr(y, "dtype") and y.dtype.kind in "iubf" else None


def _one_hot(y: Any) -> bool:
    if y.ndim != 2 or y.shape[1] < 2:
        return False
    return bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all())


def _is_binary(y: Any) -> bool:
    single = y.ndim == 1 or y.shape[1:] == (1,)
    return bool(single and ((y == 0) | (y == 1)).all())


def _again_and_again(make: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    while True:
        yield from make()


def _rows(backend: Backend, what: str, batch: Any) -> int:
    leaves = [each for each in backend.flatten(batch) if each is not None]
    shapes: list[Any] = [getattr(each, "shape", ()) for each in leaves]
    if not shapes or not all(map(len, shapes)):
        raise FileError(
            f"{what}: a batch is {described(batch)}, and not (x, y) of arrays; batch the data"
        )
    return int(shapes[0][0])
