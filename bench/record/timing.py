"""Epoch times: the first one apart, because it holds tracing, compilation and autotuning."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from bench.worker.messages import Epoch

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class EpochTiming(Epoch):
    """Wall time of one training epoch, device synchronised at both ends.

    number: 1 for the first.
    begun, ended: CLOCK_MONOTONIC in s, the same in every process of a machine.
    images: how many were trained on, the partial batch included.
    loss: the mean training loss of the epoch.
    waited: the seconds of it that were spent waiting for images, where they are read from files.
    paused: the seconds between `fit`'s beginning of it and its first batch, which are not in it.
    memory: resident memory of the worker after it, in bytes, where that was read.
    seed, quality, training: what was trained from, and reached on the test and on the training
        images, where that is known after each epoch.
    """

    @property
    def seconds(self) -> float:
        """From the first batch to the last, without validation, in s."""
        return self.ended - self.begun


def spread(seconds: Sequence[float]) -> float:
    """The median absolute deviation of times, in s: robust, and defined from two on."""
    centre = statistics.median(seconds)
    return statistics.median(abs(each - centre) for each in seconds)


def _if_all(values: Sequence[_T | None]) -> tuple[_T, ...] | None:
    """The values; None where one of them is not known."""
    told = tuple(each for each in values if each is not None)
    return told if len(told) == len(values) else None


@dataclass(frozen=True, slots=True)
class Timings:
    """All epochs of one training, at least two."""

    epochs: tuple[EpochTiming, ...]

    @property
    def first(self) -> float:
        """Seconds of epoch 1."""
        return self.epochs[0].seconds

    @property
    def steady(self) -> tuple[float, ...]:
        """Seconds of every later epoch."""
        return tuple(epoch.seconds for epoch in self.epochs[1:])

    @property
    def median(self) -> float:
        """Median of the steady epochs, in s."""
        return statistics.median(self.steady)

    @property
    def spread(self) -> float:
        """That of the steady epochs, in s."""
        return spread(self.steady)

    @property
    def paused(self) -> tuple[float, ...] | None:
        """Seconds before every steady epoch in which `fit` did not train, where it trains."""
        return _if_all([epoch.paused for epoch in self.epochs[1:]])

    @property
    def memory(self) -> tuple[int, ...] | None:
        """Resident memory of the worker after every epoch, in bytes, where all of it was read."""
        return _if_all([epoch.memory for epoch in self.epochs])

    @property
    def quality(self) -> tuple[float, ...] | None:
        """On the test images after every epoch, where that was measured."""
        return _if_all([epoch.quality for epoch in self.epochs])

    @property
    def training(self) -> tuple[float, ...] | None:
        """On the training images after every epoch, where that was measured."""
        return _if_all([epoch.training for epoch in self.epochs])

    @property
    def waiting(self) -> float | None:
        """The median share of the steady epochs that was spent waiting for images, if known."""
        waited = [(e.waited, e.seconds) for e in self.epochs[1:]]
        shares = [seconds / all_of_it for seconds, all_of_it in waited if seconds is not None]
        return statistics.median(shares) if shares else None

    def concurrent_share(self, others: Sequence[Timings]) -> float:
        """The share of the steady epochs' time in which all others trained steadily too."""
        begun = max(timings.epochs[1].begun for timings in (self, *others))
        ended = min(timings.epochs[-1].ended for timings in (self, *others))
        own = self.epochs[-1].ended - self.epochs[1].begun
        return max(0.0, ended - begun) / own

    @property
    def images_per_second(self) -> float:
        """Images trained on in a second of the median steady epoch."""
        return self.epochs[0].images / self.median
