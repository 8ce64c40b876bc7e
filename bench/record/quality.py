"""What a network learned, and whether it is enough."""

from __future__ import annotations

from bench.record.measured import Part, Text
from bench.workloads.own import is_accuracy
from bench.workloads.workload import ERRORS


class TargetQuality(Part, frozen=True, kw_only=True):
    """Whether the network learned what it should; an MSE is in s², one of pixels in lightness².

    metric: `accuracy`, `mse`, `pixel_mse`; of a model of one's own as Keras names it.
    untrained: before the first step; null where it is not finite.
    bound: nobody trains better than this without a leak; null where nothing is known of the data.
    ok: whether it passes; where not, the times do not count.
    reason: what is wrong; null where it passes.
    """

    metric: Text
    untrained: float | None
    bound: float | None
    ok: bool
    reason: Text | None

    def __post_init__(self) -> None:
        """Holds it to a reason where it does not pass, and to none where it does."""
        if self.ok != (self.reason is None):
            raise ValueError("a quality is ok, or has a reason why not")


class Quality(TargetQuality, frozen=True, kw_only=True):
    """What the network learned, measured on the test images; units as of a target.

    value: after the last epoch; null where it is not finite.
    floor: the least accuracy, or the most MSE, that passes; null for data that have no floor.
    at_most: whether the floor of a model of one's own is the most that passes; null without one.
    guess: what a constant guess reaches in the same metric; null where that is not known.
    others: further metrics of a model of one's own.
    training: the same on the training images; null where that was not measured.
    """

    value: float | None
    floor: float | None
    at_most: bool | None = None
    guess: float | None = None
    others: dict[str, float | None] = {}  # noqa: RUF012, msgspec copies it
    training: float | None = None

    @property
    def floor_is_most(self) -> bool:
        """Whether the floor is the most that passes, as an error's is, else the least."""
        return self.metric in ERRORS if self.at_most is None else self.at_most

    @property
    def is_error(self) -> bool:
        """Whether less is better: by the floor, else by the metric's name."""
        if self.at_most is not None:
            return self.at_most
        return self.metric != "accuracy" and not is_accuracy(self.metric)
