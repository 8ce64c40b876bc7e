"""What the GPUs are worth, over all workloads in one plot: the first that a page shows."""

from __future__ import annotations

from collections.abc import Sequence

from bench.page import plots
from bench.page.plots import Bar, Plot
from bench.record.model import Finished
from bench.report import format as shown
from bench.report import rows


def drawn(results: Sequence[Finished]) -> Plot | None:
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
