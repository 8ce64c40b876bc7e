"""What holds a training back, in words, from figures: the causes that a person can act on.

    launch-bound   the GPU waits for Python between the batches: put more into one call
    input-bound    it waits for images: bring them nearer
    compute-bound  it computes at the rate that was measured here: only a faster device helps
    memory-bound   it is busy, and not with mathematics: its kernels are small or wait for memory
    unknown        too little was measured

What was measured beside each row: the share of the device's matrix rate that the training reached
(`rate.share`), the share of the epoch in which the GPU had something to do (`rate.gpu_busy`), the
share that was spent waiting for images (`input.waiting`) and, for a stock row, how many times as
fast the same training is tuned.  Causes are looked for in the order above, but for the first two:
an input that is waited for starves a device however it is launched.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Entry = Mapping[str, Any]
Cause = Literal["launch-bound", "input-bound", "compute-bound", "memory-bound", "unknown"]

# A tenth of the epoch is more than prefetching leaves over where the input keeps up (0 to 3 %),
# and the least that is worth a change.
MOST_WAITING = 0.10
# Convolutions reach 70 to 90 % of the rate of a large product; pooling, activations and Adam, which
# the figure leaves out, take up to a third beside them.  From half on there is little to be gained.
COMPUTE_BOUND = 0.50
# Times stock that tuned is as fast: below 1.25 less than a fifth of the epoch is to be gained, and
# single medians on a busy machine lie as far apart.  What gains it depends on the device.  On a CPU
# it is not the launches: a bare fit with steps_per_execution=50 came to 1.00 of stock's epoch where
# tuned came to 0.78 (tests/bench/measure_tuned.py, convnet, 2 cores).
LEAST_GAIN = 1.25
# NVML counts a sampling period of 1/6 to 1 s as busy for the share with any kernel in it: a queue
# that never runs dry shows 95 to 100 %.
LEAST_BUSY = 0.80


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of a row; None for what was not.

    gpu: whether it trained on one.
    tuned: whether it trained tuned.
    share: of the device's matrix rate.
    busy: of the epoch with a kernel running.
    waiting: of the epoch, for images.
    gain: times as fast the same is tuned.
    """

    gpu: bool
    tuned: bool
    share: float | None = None
    busy: float | None = None
    waiting: float | None = None
    gain: float | None = None


def fill(entries: Sequence[dict[str, Any]]) -> None:
    """Gives each finished entry of a record its `held_back`: `cause` and `words`."""
    for entry in entries:
        if entry["status"] == "finished":
            cause, words = judge(figures(entry, entries))
            entry["held_back"] = {"cause": cause, "words": f"{cause}: {words}"}


def figures(entry: Entry, entries: Sequence[Entry]) -> Figures:
    """What was measured of an entry, in it and in those beside it."""
    rate = entry.get("rate") or {}
    return Figures(
        gpu=entry["device"] != "cpu",
        tuned=entry["mode"] == "tuned",
        share=rate.get("share"),
        busy=rate.get("gpu_busy"),
        waiting=(entry.get("input") or {}).get("waiting"),
        gain=_gain(entry, entries) if entry["mode"] == "stock" else None,
    )


def judge(seen: Figures) -> tuple[Cause, str]:
    """The cause, and the rest of the line that tells it."""
    if seen.waiting is not None and seen.waiting >= MOST_WAITING:
        return "input-bound", (
            f"{_percent(seen.waiting)} of the epoch is spent waiting for images; "
            "`dataset.cache()` keeps them decoded, and a local disk brings them nearer"
        )
    if seen.share is not None and seen.share >= COMPUTE_BOUND:
        return "compute-bound", (
            f"{_percent(seen.share)} of the matrix rate measured here; only a faster device "
            "would help"
        )
    if _waits_for_launches(seen):
        return "launch-bound", f"{_evidence(seen)}; {_mend(seen)}"
    if seen.gpu:
        return _of_a_busy_gpu(seen)
    return _of_a_cpu(seen)


def _waits_for_launches(seen: Figures) -> bool:
    """Whether a GPU stands still between kernels; where that is unknown, a gain tells it."""
    if not seen.gpu:
        return False
    return _gains(seen) if seen.busy is None else seen.busy < LEAST_BUSY


def _gains(seen: Figures) -> bool:
    return seen.gain is not None and seen.gain >= LEAST_GAIN


def _evidence(seen: Figures) -> str:
    facts = []
    if seen.busy is not None:
        facts.append(f"the GPU is busy {_percent(seen.busy)} of the epoch")
    if _gains(seen):
        facts.append(_tuned(seen))
    return ", and ".join(facts)


def _tuned(seen: Figures) -> str:
    return f"tuned, the same is {seen.gain:.1f} times as fast"


def _mend(seen: Figures) -> str:
    if seen.tuned:
        return "with whole epochs in one call only larger batches or networks would fill it"
    return "in your own script set steps_per_execution=50"


def _of_a_busy_gpu(seen: Figures) -> tuple[Cause, str]:
    if seen.busy is None or seen.share is None:
        return "unknown", f"{_missing(seen)} could not be measured"
    mend = f"{_tuned(seen)}, as XLA fuses them" if _gains(seen) else "try larger batches"
    return "memory-bound", (
        f"the GPU is busy {_percent(seen.busy)} of the epoch, at {_percent(seen.share)} of its "
        f"matrix rate: its kernels are small or wait for memory; {mend}"
    )


def _of_a_cpu(seen: Figures) -> tuple[Cause, str]:
    if seen.share is None:
        return "unknown", f"{_missing(seen)} could not be measured"
    share = f"{_percent(seen.share)} of the matrix rate measured here"
    if not seen.tuned and seen.gain is None:
        return "unknown", f"{share}; --mode stock,tuned would show what there is to be gained"
    if _gains(seen):
        how = "as it goes over memory less often and keeps all threads busy"
        where = "(docs/benchmark.md, two ways to train)"
        return "memory-bound", f"{share}; {_tuned(seen)}, {how} {where}"
    return "memory-bound", f"{share}: pooling, activations and the optimizer wait for memory"


def _missing(seen: Figures) -> str:
    missing = []
    if seen.share is None:
        missing.append("the matrix rate")
    if seen.gpu and seen.busy is None:
        missing.append("the GPU's busy share")
    return " and ".join(missing)


def _gain(stock: Entry, entries: Sequence[Entry]) -> float | None:
    """Times as fast the same training was tuned; over all processes of both."""
    seconds = {mode: _seconds(stock, mode, entries) for mode in ("stock", "tuned")}
    if not seconds["tuned"]:
        return None
    return statistics.median(seconds["stock"]) / statistics.median(seconds["tuned"])


def _seconds(like: Entry, mode: str, entries: Sequence[Entry]) -> list[float]:
    """The median epochs of the entries that differ from one in their mode and process alone."""
    return [
        float(entry["epochs"]["median"])
        for entry in entries
        if entry["status"] == "finished"
        and entry["mode"] == mode
        and all(entry.get(key) == like.get(key) for key in ("workload", "device", "side"))
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
