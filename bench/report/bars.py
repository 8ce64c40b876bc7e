"""The picture on a terminal: a bar for the time of an epoch, and the epochs as a line of blocks."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence

from rich.text import Text

from bench.record.model import Finished, Result
from bench.report import format as shown
from bench.report import rows

_BAR, _LINE = 24, 32
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_HEIGHTS = "▁▂▃▄▅▆▇█"
# Fewer epochs than this are read as quickly in the table.
_LEAST_EPOCHS = 6
# Blocks that differ less than this share of the median are drawn alike: noise is no picture.
_FLAT = 0.02


def draw(results: Sequence[Result], names: shown.Names) -> Iterator[Text]:
    """A line a row, where there is something to see: several ways to train, or many epochs."""
    finished = rows.finished(results)
    slowest: dict[str, float] = {}
    for each in finished:
        slowest[each.workload] = max(slowest.get(each.workload, 0.0), each.epochs.median)
    compared = [each for each in finished if each.epochs.median < slowest[each.workload]]
    several = {each.workload for each in compared}
    drawn = [
        each
        for each in finished
        if each.workload in several or len(each.epochs.steady) >= _LEAST_EPOCHS
    ]
    wide = max((len(names(each)) for each in drawn), default=0)
    for each in drawn:
        share = each.epochs.median / slowest[each.workload]
        told = bar(share, _BAR) if each.workload in several else ""
        line = Text(f" {names(each):<{wide}}  ")
        if several:
            line.append(f"{told:<{_BAR}}  ", "blue" if each.device.is_gpu else "cyan")
        line.append(f"{shown.seconds(each.epochs.median):>8}  ")
        yield line.append(sparkline(each), "dim")


def bar(share: float, width: int) -> str:
    """So much of a full bar, to an eighth of a column; at least an eighth."""
    eighths = max(1, round(8 * width * min(share, 1.0)))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def sparkline(result: Finished) -> str:
    """The steady epochs, each or the mean of some, from the shortest to the longest."""
    steady = result.epochs.steady
    if len(steady) < _LEAST_EPOCHS:
        return ""
    step = math.ceil(len(steady) / _LINE)
    means = [statistics.mean(steady[at : at + step]) for at in range(0, len(steady), step)]
    least, most = min(means), max(means)
    range_ = max(most - least, _FLAT * result.epochs.median)
    top = len(_HEIGHTS) - 1
    return "".join(_HEIGHTS[round(top * (each - least) / range_)] for each in means)
