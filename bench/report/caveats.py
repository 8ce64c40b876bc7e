"""What a reader of the times must know besides the verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.record.model import Finished, Record, Result, TargetResult, TimeToTarget
from bench.report import format as shown

# A worker that has grown by this much, in bytes and as a share, since the second epoch, and still
# grew in the second half of the epochs: allocators' pools are full by then.
_GROWN, _GROWN_SHARE, _LATE_SHARE = 200e6, 0.10, 0.25
_LEAST_EPOCHS = 6


def caveats(
    record: Record, told: Sequence[Result | TargetResult], names: shown.Names
) -> Iterator[str]:
    """A line each."""
    ended = [each for each in told if isinstance(each, (Finished, TimeToTarget))]
    yield from _variables(ended)
    yield from _libraries(ended)
    yield from dict.fromkeys(line for each in ended for line in _unread(each))
    for each in ended:
        if isinstance(each, Finished):
            yield from _guess(record, each, names)
            yield from _growth(each, names)


def _variables(ended: Sequence[Finished | TimeToTarget]) -> Iterator[str]:
    """What somebody set that changes the program: other times than yours may be without it."""
    for set_ in dict.fromkeys(each.worker.pinned.variables for each in ended):
        if set_:
            yield f"Trained with {set_}: this changes what is computed, or how fast"


def _libraries(ended: Sequence[Finished | TimeToTarget]) -> Iterator[str]:
    """What the loader found elsewhere: another cuDNN is another speed, and may be other numbers."""
    for foreign in dict.fromkeys(each.worker.foreign for each in ended):
        if foreign:
            yield (
                f"Trained with libraries that are not the environment's own: {foreign}; with its "
                "own, run with LD_LIBRARY_PATH and LD_PRELOAD unset"
            )


def _unread(result: Finished | TimeToTarget) -> Iterator[str]:
    """What the kernel shows elsewhere, and not here: a verdict cannot rest on it."""
    seen = result.conditions
    whys = {
        f"{what} ({measured.why})": None
        for what, measured in (("other load", seen.other_load), ("memory", seen.memory_available))
        if measured.why and "/proc/" in measured.why  # and not that the epochs were too short
    }
    if whys:
        yield f"Not read on this machine, and in no verdict: {', '.join(whys)}"


def _guess(record: Record, result: Finished, names: shown.Names) -> Iterator[str]:
    """Where a constant would have scored as well."""
    quality, known = result.quality, result.dataset.baselines
    is_error = quality.is_error
    guess = known.get("mean_predictor_mse" if is_error else "most_frequent_class_accuracy")
    guess = quality.guess if result.file else guess
    if quality.value is None or guess is None or not quality.ok:
        return
    if quality.value >= guess if is_error else quality.value <= guess:
        constant = "the mean" if is_error else "the commonest class"
        scored, alone = (shown.quality(quality.metric, each) for each in (quality.value, guess))
        yield (
            f"{names(result)}: learned nothing: {scored}, where {constant} alone scores {alone}; "
            f"profile {record.settings.profile} trains {len(result.epochs.steady) + 1} epochs"
        )


def _growth(result: Finished, names: shown.Names) -> Iterator[str]:
    """A worker that needs more memory with every epoch."""
    memory = result.epochs.memory or ()
    if len(memory) < _LEAST_EPOCHS:
        return
    begun, middle, ended = memory[1], memory[len(memory) // 2], memory[-1]
    grown = ended - begun
    if grown < max(_GROWN, _GROWN_SHARE * begun) or ended - middle < _LATE_SHARE * grown:
        return
    each = grown / (len(memory) - 2)
    yield (
        f"{names(result)}: its memory grew from {shown.megabytes(begun)} after epoch 2 to "
        f"{shown.megabytes(ended)} after epoch {len(memory)}, {shown.megabytes(each)} an epoch: "
        "a leak, if it goes on"
    )
