"""What an evaluation came to, in words and figures, for a terminal and for the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from bench.errors import shown as printable
from bench.predict import scores
from bench.report import format as shown
from bench.report import table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.predict.evaluation import Evaluated

_FEW = 5  # that are named in a terminal
NOT_TRAINED_ON, TRAINED_ON = "not trained on", "trained on"


class EvaluationReport:
    """An evaluation, in the parts that are reported apart.

    parts: names and numbers of the examples of each; the first one is what counts.
    """

    def __init__(self, made: Evaluated) -> None:
        self.made = made
        self.labels = made.network.preprocessing.labels
        every = np.arange(len(made.examples))
        seen = made.seen
        self.parts: list[tuple[str, NDArray[np.intp]]]
        if seen is None or not seen.any():
            self.parts = [(NOT_TRAINED_ON if seen is not None else "all", every)]
        elif seen.all():
            self.parts = [(TRAINED_ON, every)]
        else:
            self.parts = [(NOT_TRAINED_ON, every[~seen]), (TRAINED_ON, every[seen])]

    @property
    def counting(self) -> NDArray[np.intp]:
        """The examples that it is judged on."""
        return self.parts[0][1]

    @property
    def mean(self) -> float | None:
        """What the mean predictor says: the mean of the training targets, in s."""
        on = self.made.network.description.trained_on
        return on.mean if on else None

    def seconds(self, part: NDArray[np.intp]) -> scores.Regression:
        """The figures of a part, of a regression."""
        y = self.made.examples.y[part].astype(np.float64)
        return scores.regression(y, self.made.said[part, 0])

    def classes(self, part: NDArray[np.intp]) -> scores.Classification:
        """The figures of a part, of a classifier."""
        y = self.made.examples.y[part].astype(np.int64)
        return scores.classification(y, self.made.said[part])

    @cached_property
    def guess(self) -> scores.Regression | None:
        """The mean predictor's figures on what counts."""
        if self.labels or self.mean is None:
            return None
        actual = self.made.examples.y[self.counting].astype(np.float64)
        return scores.constant_guess(actual, self.mean)

    def headline(self) -> str:
        """The answer in a line."""
        who, pictures = self.made.title, f"{len(self.counting):,} pictures"
        if self.labels:
            reached = self.classes(self.counting)
            told = f"{shown.accuracy(reached.accuracy)} right"
            beside = f"always the most frequent class: {shown.accuracy(reached.guess)}"
        else:
            seconds = self.seconds(self.counting)
            told = (
                f"MSE {shown.quality('mse', seconds.mse)}, off by {seconds.mae:.1f} s in the mean"
            )
            beside = (
                f"always {self.mean:.1f} s: {shown.quality('mse', self.guess.mse)}"
                if self.guess
                else ""
            )
        return f"{who}: {told} on {pictures}" + (f" ({beside})" if beside else "")

    def warnings(self) -> Iterator[str]:
        """What speaks against the figures."""
        made = self.made
        if self.parts[0][0] == TRAINED_ON:
            yield (
                "WARNING: the network was trained on every one of these pictures, or on their "
                "shots: this tells what it remembers, and nothing of how well it predicts"
            )
        elif len(self.parts) > 1:
            yield (
                f"WARNING: {len(self.parts[1][1]):,} of {len(made.examples):,} pictures were "
                "trained on, or show a shot that was: they stand apart, and tell nothing of how "
                "well it predicts"
            )
        if made.why_unknown:
            yield (
                "WARNING: which of these pictures it was trained on is not known: "
                f"{made.why_unknown}"
            )
        trained = made.network.description.dataset.kind
        if trained != made.examples.kind:
            yield f"It was trained on {trained} data, and these are {made.examples.kind}"
        if self._no_better():
            yield "It is no better than a guess that does not look at the picture"

    def _no_better(self) -> bool:
        if self.labels:
            reached = self.classes(self.counting)
            return reached.accuracy <= reached.guess
        return bool(self.guess and self.seconds(self.counting).mse >= self.guess.mse)

    def table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Headings and cells."""
        if self.labels:
            return ("Pictures", "n", "Accuracy"), list(self._of_classes())
        near = f"Within {scores.NEAR:g} s"
        return ("Pictures", "n", "MSE", "MAE", "r²", near), list(self._of_seconds())

    def _of_classes(self) -> Iterator[tuple[str, ...]]:
        for number, (name, part) in enumerate(self.parts):
            reached = self.classes(part)
            count = shown.count(reached.count)
            yield name, count, shown.accuracy(reached.accuracy)
            if number == 0:
                yield "  always the most frequent class", count, shown.accuracy(reached.guess)

    def _of_seconds(self) -> Iterator[tuple[str, ...]]:
        for number, (name, part) in enumerate(self.parts):
            yield _seconds_row(name, self.seconds(part))
            if number == 0 and self.guess:
                always = f"  always {self.mean:.1f} s, the training mean"
                yield _seconds_row(always, self.guess)

    def confused(self) -> str | None:
        """The most frequent mistakes, of classes."""
        if not self.labels:
            return None
        pairs = scores.confused(self.classes(self.counting), _FEW)
        told = ", ".join(
            f"{self.labels[actual]} taken for {self.labels[said]} ({count})"
            for actual, said, count in pairs
        )
        return f"Most confused: {told}" if told else None

    def worst(self, most: int) -> Sequence[int]:
        """The numbers of the examples that it was furthest off."""
        made = self.made
        order = scores.worst(made.examples.y[self.counting], made.said[self.counting], most)
        return [int(self.counting[each]) for each in order]

    def one(self, number: int) -> tuple[str, str, str]:
        """Of an example its name, what it shows and what the network says."""
        made = self.made
        name, said = printable(made.examples.names[number]), made.said[number]
        if not self.labels:
            label = round(float(made.examples.y[number]), 1)
            return name, f"{label:g} s", f"{float(said[0]):.1f} s"
        best = int(said.argmax())
        actual = self.labels[int(made.examples.y[number])]
        return name, actual, f"{self.labels[best]} ({100 * float(said[best]):.0f} %)"


def _seconds_row(name: str, made: scores.Regression) -> tuple[str, ...]:
    return (
        name,
        shown.count(made.count),
        shown.quality("mse", made.mse),
        f"{made.mae:.1f} s",
        "n/a" if made.r2 is None else f"{made.r2:.2f}",
        shown.share(made.near),
    )


def printed(made: Evaluated) -> Iterator[RenderableType]:
    """What is printed: the answer, what speaks against it, the figures, the worst."""
    report = EvaluationReport(made)
    yield report.headline()
    for line in report.warnings():
        yield Text(line, style="bold red" if line.startswith("WARNING") else "yellow")
    headings, rows = report.table()
    grid = table.grid(3, headings, right=headings[1:])
    grid.columns[0].no_wrap = False  # words may go on below, figures stay whole
    for row in rows:
        grid.add_row(*row)
    yield grid
    if confused := report.confused():
        yield confused
    yield "Furthest off:"
    for name, actual, said in map(report.one, report.worst(_FEW)):
        yield f"  {name}: {actual}, said {said}"
    yield f"Data: {made.examples.note}"
