"""How fast a workload's network answers, device by device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bench.page import plots
from bench.page.plots import Bar, Plot
from bench.record.comparable import answers_of
from bench.record.model import Finished
from bench.report import format as shown


def drawn(own: Sequence[Finished], place: Callable[[Finished], str]) -> Iterator[Plot]:
    """Bars of latency and of throughput, where several rows have them.

    place: what tells a row from the others of its workload.
    """
    told = [(place(each), found) for each in own if (found := answers_of(each))]
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
