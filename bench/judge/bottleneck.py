"""What limits a training's speed, from figures: the causes that a person can act on.

    launch-bound   the GPU waits for Python between the batches: put more into one call
    input-bound    it waits for images: bring them nearer
    compute-bound  it computes at the rate that was measured here: only a faster device helps
    memory-bound   it is busy, and not with mathematics: its kernels are small or wait for memory
    unknown        too little was measured

What was measured beside each row: the share of the device's peak matmul throughput that the
training reached (`rate.share`), the share of the epoch in which the GPU had something to do
(`rate.gpu_busy`), the share that was spent waiting for images (`input.waiting`) and, for a stock
row, how many times as fast the same training is tuned.  Causes are looked for in the order above,
but for the first two: an input that is waited for starves a device however it is launched.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from msgspec.structs import replace

from bench.judge.rerun import command
from bench.record.model import Bottleneck, Finished, Result

# A tenth of the epoch is more than prefetching leaves over where the input keeps up (0 to 3 %),
# and the least that is worth a change.
MOST_WAITING = 0.10
# Data of a file of one's own are read while a batch is trained on.  Where reading them alone takes
# nearly the epoch, training has next to no time of its own in it.
LEAST_ALONE = 0.90
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

    share: of the device's peak matmul throughput.
    busy: of the epoch with a kernel running.
    waiting: of the epoch, for images.
    alone: what reading the data alone takes, as a share of the epoch.
    gain: times as fast the same is tuned.
    both_modes: the command that trains it in both modes, where both can.
    """

    gpu: bool
    tuned: bool
    share: float | None = None
    busy: float | None = None
    why_not_busy: str | None = None
    waiting: float | None = None
    alone: float | None = None
    gain: float | None = None
    both_modes: str | None = None


# What a stock row and its tuned one share.
_Pair: TypeAlias = tuple[object, ...]


def with_bottlenecks(
    results: Iterable[Result], rerun_options: Sequence[str] = ()
) -> tuple[Result, ...]:
    """The results of a record with each finished one's bottleneck.

    A stock row's is told best when its tuned one has been trained, too: so over all of them.

    rerun_options: the options that train the same again.
    """
    results = tuple(results)
    medians = _medians(results)
    return tuple(
        replace(each, bottleneck=judge(figures(each, _gain(medians, each), rerun_options)))
        if isinstance(each, Finished)
        else each
        for each in results
    )


def figures(result: Finished, gain: float | None, rerun_options: Sequence[str] = ()) -> Figures:
    """What was measured of a result; times as fast as it the same is tuned."""
    alone = result.data_seconds
    return Figures(
        gpu=result.device.is_gpu,
        tuned=result.mode == "tuned",
        share=result.rate.share if result.rate else None,
        busy=result.rate.gpu_busy if result.rate else None,
        why_not_busy=result.telemetry.busy.why if result.telemetry else None,
        waiting=result.input.waiting if result.input else None,
        alone=None if alone is None else alone / result.epochs.median,
        gain=gain,
        both_modes=_both_modes(result, rerun_options) if could_be_tuned(result) else None,
    )


def could_be_tuned(result: Finished) -> bool:
    """Whether there is a tuned row: on one device of one machine, and of arrays in memory."""
    if result.device.group == "gpus" or result.input is not None or result.machines is not None:
        return False
    return result.file is None or result.dataset.note == "arrays in memory"


def _both_modes(result: Finished, rerun_options: Sequence[str]) -> str:
    chosen = ["--workload", result.file.path] if result.file else ["-k", result.workload]
    return command([*chosen, *rerun_options, "--mode", "stock,tuned"])


def judge(seen: Figures) -> Bottleneck:
    """The cause, with its evidence and what would help."""
    if seen.waiting is not None and seen.waiting >= MOST_WAITING:
        return Bottleneck(
            "input-bound",
            f"{_percent(seen.waiting)} of the epoch is spent waiting for images",
            "`dataset.cache()` keeps them decoded, and a local disk brings them nearer",
        )
    if seen.alone is not None and seen.alone >= LEAST_ALONE:
        return Bottleneck(
            "input-bound",
            f"reading the data alone takes {_percent(min(seen.alone, 1.0))} of an epoch",
            "in data() cache(), prefetch(), or map() with more parallel calls",
        )
    if seen.share is not None and seen.share >= COMPUTE_BOUND:
        return Bottleneck("compute-bound", _of_peak(seen.share), "only a faster device would help")
    if _waits_for_launches(seen):
        return _launch_bound(seen)
    return _of_a_busy_gpu(seen) if seen.gpu else _of_a_cpu(seen)


def _waits_for_launches(seen: Figures) -> bool:
    """Whether a GPU stands still between kernels; where that is unknown, a gain tells it."""
    if not seen.gpu:
        return False
    return _gains(seen) if seen.busy is None else seen.busy < LEAST_BUSY


def _gains(seen: Figures) -> bool:
    return seen.gain is not None and seen.gain >= LEAST_GAIN


def _launch_bound(seen: Figures) -> Bottleneck:
    facts = []
    if seen.busy is not None:
        facts.append(f"the GPU is busy {_percent(seen.busy)} of the epoch")
    if _gains(seen):
        facts.append(_tuned(seen))
    fix = "in your own script set steps_per_execution=50"
    if seen.tuned:
        fix = "with whole epochs in one call only larger batches or networks would fill it"
    return Bottleneck("launch-bound", ", and ".join(facts), fix)


def _tuned(seen: Figures) -> str:
    return f"tuned training is {seen.gain:.1f} times as fast"


def _of_a_busy_gpu(seen: Figures) -> Bottleneck:
    if seen.busy is None or seen.share is None:
        return Bottleneck("unknown", _not_measured(seen), None)
    return Bottleneck(
        "memory-bound",
        f"the GPU is busy {_percent(seen.busy)} of the epoch, at {_of_peak(seen.share)}: its "
        "kernels are small or wait for memory",
        f"{_tuned(seen)}, as XLA fuses them" if _gains(seen) else "try larger batches",
    )


def _of_a_cpu(seen: Figures) -> Bottleneck:
    if seen.share is None:
        return Bottleneck("unknown", _not_measured(seen), None)
    share = _of_peak(seen.share)
    if not seen.tuned and seen.gain is None:
        fix = f"{seen.both_modes} shows what tuning gains" if seen.both_modes else None
        return Bottleneck("unknown", share, fix)
    if _gains(seen):
        how = "as it goes over memory less often and keeps all threads busy"
        where = "(docs/benchmark.md, two ways to train)"
        return Bottleneck("memory-bound", share, f"{_tuned(seen)}, {how} {where}")
    evidence = f"{share}: pooling, activations and the optimizer wait for memory"
    return Bottleneck("memory-bound", evidence, None)


def _not_measured(seen: Figures) -> str:
    missing, why = [], ""
    if seen.share is None:
        missing.append("the share of peak matmul throughput")
    if seen.gpu and seen.busy is None:
        missing.append("the GPU's busy share")
        why = f": {seen.why_not_busy}" if seen.why_not_busy else ""
    return f"{' and '.join(missing)} could not be measured{why}"


def _pair(result: Finished) -> _Pair:
    """What is the same of two results that differ in their mode and repeat alone."""
    return result.workload, result.device, result.side, result.variant


def _medians(results: Iterable[Result]) -> dict[tuple[_Pair, str], float]:
    """The median over all repeats of each pair's median epochs, by mode."""
    seconds: dict[tuple[_Pair, str], list[float]] = defaultdict(list)
    for each in results:
        if isinstance(each, Finished):
            seconds[_pair(each), each.mode].append(each.epochs.median)
    return {key: statistics.median(medians) for key, medians in seconds.items()}


def _gain(medians: Mapping[tuple[_Pair, str], float], result: Finished) -> float | None:
    """Times as fast as a stock result the same was tuned."""
    tuned = medians.get((_pair(result), "tuned"))
    if result.mode != "stock" or tuned is None:
        return None
    return medians[_pair(result), "stock"] / tuned


def _of_peak(share: float) -> str:
    return f"{_percent(share)} of peak matmul throughput"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
