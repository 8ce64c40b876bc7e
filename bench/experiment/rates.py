"""What a learning-rate range test shows: where the loss falls, and where it diverges.

After L. N. Smith, arXiv:1506.01186: too small a rate learns nothing, too large a one diverges, and
between them the loss falls.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.worker.messages import Tried

if TYPE_CHECKING:
    from bench.report.format import Screen

# Batches are noisy: a loss is the median of so many on either side of it, too.
_AROUND = 3
# Where the loss is the least it is about to rise again: so much less is safe.
SAFE = 1 / 3
# A loss that never falls below this share of its beginning learned nothing.
_LEARNED = 0.95
_WIDTH, _HEIGHT = 64, 10


@dataclass(frozen=True, slots=True)
class Range:
    """Rates to train at.

    low: where the loss falls most steeply; high: the highest that is safe.
    least: where the loss is the least.
    diverged: where it was lost; None where it was not.
    """

    low: float
    high: float
    least: float
    diverged: float | None


def found(tried: Sequence[Tried]) -> Range | None:
    """The range; None where the network learned at no rate."""
    finite = [each for each in tried if math.isfinite(each.loss)]
    if len(finite) <= 2 * _AROUND:
        return None
    smooth = smoothed([each.loss for each in finite])
    least = min(range(len(smooth)), key=smooth.__getitem__)
    beginning = statistics.median(smooth[: 2 * _AROUND])
    if smooth[least] > _LEARNED * beginning or least < _AROUND:
        return None
    falls = [
        smooth[min(at + _AROUND, least)] - smooth[max(at - _AROUND, 0)] for at in range(least + 1)
    ]
    steepest = min(range(len(falls)), key=falls.__getitem__)
    high = SAFE * finite[least].rate
    last = tried[-1]
    lost = not math.isfinite(last.loss) or last.loss > 2 * smooth[least]
    return Range(
        min(finite[steepest].rate, high), high, finite[least].rate, last.rate if lost else None
    )


def smoothed(losses: Sequence[float]) -> list[float]:
    """Each as the median of those about it."""
    return [
        statistics.median(losses[max(0, at - _AROUND) : at + _AROUND + 1])
        for at in range(len(losses))
    ]


def lines(suggested: Range | None) -> Iterator[str]:
    """The answer in words."""
    if suggested is None:
        yield (
            "No range: the loss fell at no rate; is the data scaled, and does the model fit it? "
            "More --steps see more"
        )
        return
    yield (
        f"Suggested: from {suggested.low:.1e}, where the loss falls most steeply, to "
        f"{suggested.high:.1e}, a third of where it is the least ({suggested.least:.1e})"
    )
    if suggested.diverged is not None:
        yield f"It diverged at {suggested.diverged:.1e}"
    yield f"A one-cycle schedule peaks at the upper one: learning_rate={suggested.high:.1e}"


def drawn(tried: Sequence[Tried], screen: Screen) -> Iterator[str]:
    """The loss over the rate, as dots."""
    points = [each for each in tried if math.isfinite(each.loss)]
    if not points:
        return
    smooth = smoothed([each.loss for each in points])
    low, high = min(smooth), min(max(smooth), 2 * smooth[0] if smooth[0] > 0 else max(smooth))
    mark = "•" if screen.pictures else "*"
    rows = [[" "] * _WIDTH for _ in range(_HEIGHT)]
    first, last = math.log10(points[0].rate), math.log10(points[-1].rate)
    for each, loss in zip(points, smooth, strict=True):
        column = round((_WIDTH - 1) * (math.log10(each.rate) - first) / ((last - first) or 1.0))
        share = (min(loss, high) - low) / ((high - low) or 1.0)
        rows[round((_HEIGHT - 1) * (1 - share))][column] = mark
    for number, row in enumerate(rows):
        named = {0: f"{high:.3g}", _HEIGHT - 1: f"{low:.3g}"}.get(number, "")
        yield f"{named:>10} |{''.join(row).rstrip()}"
    begin, end = f"{points[0].rate:.0e}", f"{points[-1].rate:.0e}"
    yield f"{'loss':>10} +{'-' * _WIDTH}"
    yield f"{'':>12}{begin}{'learning rate':^{_WIDTH - len(begin) - len(end)}}{end}"


def write_page(title: str, tried: Sequence[Tried], suggested: Range | None, path: Path) -> None:
    """Writes the plot as a page.

    Raises:
        GrindstoneError: it cannot be written.
    """
    from bench.page import plots
    from bench.page.content import Run, Workload
    from bench.page.plots import Line
    from bench.page.write import rendered, write

    told = tuple(lines(suggested))
    points = [each for each in tried if math.isfinite(each.loss)]
    pictures: tuple[plots.Plot, ...] = ()
    if points:
        smooth = smoothed([each.loss for each in points])
        most = 2 * max(smooth[0], min(smooth))
        series = [
            Line("loss of each batch", [min(each.loss, most) for each in points]),
            Line("smoothed", [min(loss, most) for loss in smooth]),
        ]
        at = [f"{each.rate:.0e}" for each in points]
        pictures = (plots.lines(title, told[0], "loss", series, x_labels=at, from_zero=False),)
    made = Run(title, told, workloads=(Workload(title, (), pictures),))
    write(rendered([made]), path)
