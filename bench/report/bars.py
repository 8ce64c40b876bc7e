"""The picture on a terminal: a bar for the speed-up, and the epochs as a line of blocks."""

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
_EPOCHS = f" Epochs after the first, from the shortest {_HEIGHTS[0]} to the longest {_HEIGHTS[-1]}"
_SPEEDS = " Speed-up over the slowest row of each workload, and the epochs after the first"
# Fewer epochs than this are read as quickly in the table.
_LEAST_EPOCHS = 6
# Blocks that differ less than this share of the median are drawn alike: noise is no picture.
_FLAT = 0.02


def draw(results: Sequence[Result], names: shown.Names) -> Iterator[Text]:
    """A line a row that learned, where there is something to see: several rows, or many epochs.

    A bar says how many times as fast as the slowest of its workload a row is: as the CPU, mostly.
    """
    counted = rows.counted(results)
    slowest: dict[str, float] = {}
    for each in counted:
        slowest[each.workload] = max(slowest.get(each.workload, 0.0), each.epochs.median)
    gains = [(each, slowest[each.workload] / each.epochs.median) for each in counted]
    several = {each.workload for each, gain in gains if gain > 1}
    drawn = [
        (each, gain)
        for each, gain in gains
        if each.workload in several or len(each.epochs.steady) >= _LEAST_EPOCHS
    ]
    if drawn:
        yield Text(_SPEEDS if several else _EPOCHS, "dim")
    wide = max((len(names(each)) for each, _ in drawn), default=0)
    most = max((gain for _, gain in drawn), default=1.0)
    for each, gain in drawn:
        line = Text(f" {names(each):<{wide}}  ")
        if several:
            told = each.workload in several
            line.append(
                f"{bar(gain / most, _BAR) if told else '':<{_BAR}}  ",
                "blue" if each.device.is_gpu else "cyan",
            )
            line.append(f"{f'{shown.times(gain)}×' if told else '':>6}  ")
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
