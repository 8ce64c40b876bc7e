"""How fast, as bars: GPUs beside the CPU, a workload's rows, the answers of its networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bench.page import plots
from bench.page.plots import Bar, Plot
from bench.record.comparable import answers_of
from bench.record.model import Finished
from bench.report import format as shown
from bench.report import rows

# What tells a row from the others of its workload.
Label = Callable[[Finished], str]


def speed_ups(results: Sequence[Finished]) -> Plot | None:
    """A bar for each row of a GPU that the CPU trained likewise; None where that is no two."""
    pairs = [(each, cpu) for each in results if (cpu := rows.on_cpu(each, results))]
    if len(pairs) < 2:
        return None
    several = len({each.device.id for each, _ in pairs}) > 1
    values = [_bar(each, cpu, several) for each, cpu in pairs]
    told = ", ".join(f"{bar.name} {shown.times(bar.value)}" for bar in values)
    sentence = (
        "The CPU's median epoch over the GPU's; the line goes from the CPU's shortest over the "
        f"GPU's longest one to the reverse: {told}."
    )
    title = "How many times as fast as the CPU"
    return plots.bars(title, sentence, "CPU ÷ GPU", values)


def _bar(gpu: Finished, cpu: Finished, several: bool) -> Bar:
    """several: whether there are rows of other GPUs."""
    words = [gpu.workload, gpu.device.id if several else "", gpu.way.suffix[2:]]
    words.append(f"side {gpu.side}" if gpu.side else "")
    steady, of_cpu = gpu.epochs.steady, cpu.epochs.steady
    return Bar(
        ", ".join(filter(None, words)),
        cpu.epochs.median / gpu.epochs.median,
        min(of_cpu) / max(steady),
        max(of_cpu) / min(steady),
    )


def epochs(own: Sequence[Finished], label: Label) -> Iterator[Plot]:
    """Bars of the median epoch, where there are several rows."""
    if len(own) < 2:
        return
    values = [
        Bar(label(each), each.epochs.median, min(steady), max(steady), colour)
        for colour, each in enumerate(own, start=1)
        if (steady := each.epochs.steady)
    ]
    told = ", ".join(f"{bar.name} {shown.seconds(bar.value)}" for bar in values)
    sentence = f"Median steady epoch, with the shortest and the longest: {told}."
    yield plots.bars(f"{own[0].workload}: seconds per epoch", sentence, "s per epoch", values)


def answers(own: Sequence[Finished], label: Label) -> Iterator[Plot]:
    """Bars of latency and of throughput, where several rows have them."""
    told = [(label(each), found) for each in own if (found := answers_of(each))]
    if len(told) < 2:
        return
    name = own[0].workload
    latencies = [
        Bar(where, 1000 * one.median, 1000 * min(one.parts), 1000 * max(one.parts))
        for where, one in ((where, found.latency) for where, found in told)
    ]
    words = ", ".join(f"{bar.name} {shown.seconds(bar.value / 1000)}" for bar in latencies)
    sentence = f"Median time from one input to its answer, with the range of its parts: {words}."
    yield plots.bars(f"{name}: one answer", sentence, "ms", latencies)
    rates = [
        Bar(
            where,
            many.images_per_second,
            many.batch / max(many.rounds),
            many.batch / min(many.rounds),
        )
        for where, many in ((where, found.throughput) for where, found in told)
    ]
    words = ", ".join(f"{bar.name} {shown.count(bar.value)}" for bar in rates)
    sentence = f"Answers a second in batches, with the slowest and the fastest round: {words}."
    yield plots.bars(f"{name}: answers in batches", sentence, "answers/s", rates)
