"""Traps that only a built model and its data show: bench.lint asks for them, by a file's rules."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from bench.worker import inspection, placement
from bench.worker.layers import flat
from bench.worker.messages import Done, Fault, Job, Phase, Say
from bench.worker.own.data import Split

# Fewer copies among the examples that judge are said nothing of; as good as all are the same data.
_FEW, _ALL = 0.01, 0.99
# So many examples of either half are looked at, and so many of a batch for the loss.
_MOST, _BATCH = 20_000, 8
# Inputs beyond this are pixels as they come.
_LARGE = 16.0
_SCALERS = ("Rescaling", "Normalization", "BatchNormalization", "LayerNormalization", "Lambda")
_SUMMING = ("Dense", "Conv2D", "SeparableConv2D", "DepthwiseConv2D")


def look(job: Job, say: Say, _wait: object = None) -> None:
    """Tells of each trap that a file of one's own falls into."""
    opened = inspection.opened(job, say)
    for each in placement.faults(opened.model):
        if each.rule != "dropout-relu":
            say(Fault(each.what.partition(":")[0], each.rule, "model"))
    say(Phase("the data, for copies"))
    train, validation = opened.splits
    learned, judged = _inputs(train), _inputs(validation)
    if learned is not None:
        for what in unscaled(opened.model, learned):
            say(Fault(what, "no-scaling", "data"))
        if judged is not None:
            for rule, what in shared(learned, judged):
                say(Fault(what, rule, "data"))
    say(Phase("the loss, of a batch and of the same twice"))
    if (ratio := _grows(opened, train)) is not None and ratio > 1.9:
        say(Fault("the loss of a batch twice as large is twice as large", "loss-sum", "model"))
    say(Done())


def _inputs(split: Split | None) -> Any:
    """The inputs as one array, of data in batches the first ones; None where they are several."""
    import numpy as np

    if split is None:
        return None
    if split.in_memory:
        x = split.parts[0]
        return x[:_MOST] if hasattr(x, "ndim") and x.dtype.kind in "iuf" else None
    if split.kind != "tf.data":
        return None  # a generator's batches may be drawn as they are asked for
    found: list[Any] = []
    for batch in split.parts[0]:
        x = batch[0] if isinstance(batch, tuple) else batch
        array = np.asarray(x) if hasattr(x, "shape") else None
        if array is None or array.dtype.kind not in "iuf":
            return None
        found.append(array)
        if sum(map(len, found)) >= _MOST or len(found) == split.steps:
            break
    same = len({each.shape[1:] for each in found}) == 1
    return np.concatenate(found)[:_MOST] if same else None


def unscaled(model: Any, x: Any) -> Iterator[str]:
    """Whether pixels go into a layer that adds them up, as they come."""
    kinds = {each.__name__ for each in type(model).__mro__}
    if x.ndim != 4 or kinds.isdisjoint(("Sequential", "Functional")):
        return
    largest = float(abs(x).max())
    for layer in flat(model):
        if type(layer).__name__ in _SCALERS:
            return
        if layer.weights:
            if type(layer).__name__ in _SUMMING and largest > _LARGE:
                yield f"pixels up to {largest:.0f} go into {layer.name} as they are"
            return


def shared(learned: Any, judged: Any) -> Iterator[tuple[str, str]]:
    """Whether validation examples are among the training examples, as they are or turned."""
    if learned.shape[1:] != judged.shape[1:] or learned.ndim < 3:
        return  # rows of a table may well be alike
    known = {_print(each) for each in learned}
    judges = [each for each in judged if each.min() != each.max()]
    exact = [_print(each) in known for each in judges]
    turned = [
        not same and any(_print(other) in known for other in _turned(each))
        for each, same in zip(judges, exact, strict=True)
    ]
    count, total = sum(exact), len(judged)
    if count >= _ALL * total:
        yield "training-score", f"all {total:,} validation examples are training examples"
    elif count + sum(turned) >= max(1, _FEW * total):
        among = f"{count + sum(turned):,} of {total:,} validation examples are in the training data"
        yield "copies-across", f"{among}, {sum(turned):,} of them turned or mirrored"


def _print(example: Any) -> bytes:
    return hashlib.blake2b(example.tobytes(), digest_size=16).digest()


def _turned(picture: Any) -> Iterator[Any]:
    """A picture mirrored and turned, in all ways that keep its shape."""
    import numpy as np

    if picture.ndim not in (2, 3):
        return
    turns = (0, 1, 2, 3) if picture.shape[0] == picture.shape[1] else (0, 2)
    for mirrored in (picture, np.fliplr(picture)):
        for count in turns:
            if count or mirrored is not picture:
                yield np.rot90(mirrored, count)


def _grows(opened: inspection.Opened, train: Split | None) -> float | None:
    """How many times as large the loss is of a batch with each example twice; None: unknown."""
    import numpy as np

    loss = opened.model.loss
    parts = train.parts if train is not None and train.in_memory else ()
    if not callable(loss) or len(parts) != 2 or not all(hasattr(each, "ndim") for each in parts):
        return None
    x, y = (each[:_BATCH] for each in parts)
    try:
        predicted = np.asarray(opened.model.predict(x, verbose=0))
        y = y.astype("float32") if y.dtype.kind == "f" else y
        y = y[:, None] if y.ndim == 1 and predicted.shape[1:] == (1,) else y
        once = np.asarray(loss(y, predicted))
        twice = np.asarray(loss(np.concatenate([y, y]), np.concatenate([predicted, predicted])))
    except Exception:  # it wants something that is no array: nothing is said of it
        return None
    return float(twice / once) if once.ndim == 0 and once > 0 else None
