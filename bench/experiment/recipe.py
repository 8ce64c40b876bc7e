"""`python -m bench recipe WORKLOAD|FILE`: a learner's order of work, from ten images to the last.

It begins small, where a mistake costs seconds.  What is chosen is chosen on training images that
are held out; the test images are looked at once, at the end.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.errors import GrindstoneError
from bench.judge import curve
from bench.record.model import Failed, Finished
from bench.record.repeats import Repeat
from bench.record.variant import Design, Variant
from bench.report import format as shown
from bench.runner.row import Row
from bench.workloads.own import OwnWorkload
from bench.workloads.workload import Workload

if TYPE_CHECKING:
    from bench.experiment.budget import Budget
    from bench.record.head import Device
    from bench.runner.session import Session

FEW, SOME = 10, 1_000
# Ten images are learned by heart where a network can learn: so many epochs are steps enough.
FEW_EPOCHS, SEARCH_EPOCHS, EPOCHS = 200, 10, 20
# By heart: nearly all right, or an error this share of what a constant guess has.
BY_HEART, BY_HEART_OF_A_GUESS = 0.95, 0.1
# Beside the published rate.
FACTORS = (0.1, 0.3, 1.0, 3.0, 10.0)
_HELD_OUT, _MOST_HELD_OUT = 6, 10_000
DROPOUT = 0.5
# What does not change what a picture shows.
AUGMENT = {"mnist": "shift", "cifar10": "shift-flip", "grind": "flip"}
_CAUSES = (
    "look for labels that do not belong to their images, inputs that are not scaled, a loss that "
    "does not fit the last layer, dropout behind it, or a learning rate far off (lr-range)"
)


@dataclass
class Recipe:
    """One walk through it.

    budget: no training is begun that would not end within it.
    total: how many training images there are; None of a file of one's own, which has its own
        validation data.
    some: how many the search has; epochs: of the long trainings.
    unable: the designs that the network does not support, and why.
    """

    session: Session
    workload: Workload | OwnWorkload
    device: Device
    budget: Budget
    total: int | None
    some: int = SOME
    epochs: int = EPOCHS
    trained: list[Finished] = field(default_factory=list)
    left_out: list[Design] = field(default_factory=list)
    unable: list[tuple[Design, str]] = field(default_factory=list)

    @property
    def held_out(self) -> int | None:
        """How many training images stand for the test's until the end."""
        return self.total and max(1, min(self.total // _HELD_OUT, _MOST_HELD_OUT))

    def steps(self) -> Iterator[str]:
        """Goes through it; what is told on the way.

        Raises:
            GrindstoneError: the network cannot learn ten images by heart, or a training failed.
        """
        yield f"1. {FEW} images, {FEW_EPOCHS} epochs: can it learn at all?"
        yield self._by_heart()
        some = self.some if self.total is None else min(self.some, self.total - self._held)
        yield f"2. {some} images, {SEARCH_EPOCHS} epochs: which learning rate?"
        tried = [Design(learning_rate=each) for each in self._rates()]
        search = self._each(tried, images=some, epochs=SEARCH_EPOCHS)
        yield from (self._told(design, result) for design, result in search)
        rate = self._best(search)[0].learning_rate if search else None
        if rate is not None:
            edge = rate in (tried[0].learning_rate, tried[-1].learning_rate)
            beyond = "; the outermost that was tried: more may be gained beyond" if edge else ""
            yield f"   Learning rate {rate:g}{beyond}"
        yield from self._time_was_up()
        yield f"3. All images, {self.epochs} epochs: both losses"
        plain = Design(learning_rate=rate)
        long = self._each([plain], epochs=self.epochs)
        if not long:
            yield from self._time_was_up()
            return
        yield from self._losses(long[0][1])
        yield "4. Regularised: is what it learned by heart in the way?"
        long += self._each(list(self._regularised(plain)), epochs=self.epochs)
        yield from (self._told(design, result) for design, result in long)
        yield from (f"   {_named(design)}: not tried: {why}" for design, why in self.unable)
        yield from self._time_was_up()
        chosen, result = self._best(long)
        named = _named(chosen)
        if self.total is None:
            yield f"Best on your validation data: {named}, {self._quality(result)}"
            return
        yield f"5. The best of them, {named}, trained on all images and judged on the test images"
        for _, result in self._each([chosen], epochs=self.epochs, judged="test"):
            yield f"   {self._quality(result)} on the test images, which nothing was chosen by"
        yield from self._time_was_up()

    @property
    def _held(self) -> int:
        return self.held_out or 0

    def _by_heart(self) -> str:
        found = self._each([Design(dropout=0.0)], images=FEW, epochs=FEW_EPOCHS, curve=False)
        found = found or self._each([Design()], images=FEW, epochs=FEW_EPOCHS, curve=False)
        if not found:
            raise GrindstoneError(f"{FEW} images cannot be tried: {self.unable[-1][1]}")
        self.unable.clear()  # a network without dropout is as it has to be
        _, result = found[0]
        quality = result.quality
        reached, known = quality.training, result.dataset.baselines
        if not quality.is_error:
            learned = reached is not None and reached >= BY_HEART
        else:
            guess = known.get("mean_predictor_mse") or quality.guess or quality.untrained
            learned = None not in (reached, guess) and reached <= BY_HEART_OF_A_GUESS * guess  # type: ignore[operator]
        told = f"{quality.metric} {shown.quality(quality.metric, reached)} on the same images"
        if not learned:
            raise GrindstoneError(
                f"{self.workload.name} cannot learn {FEW} images by heart ({told} after "
                f"{FEW_EPOCHS} epochs), and nothing else was trained; {_CAUSES}"
            )
        return f"   By heart: {told}"

    def _rates(self) -> list[float]:
        """Those that are tried, from low to high."""
        own = self.workload
        published = own.learning_rate if isinstance(own, Workload) else 1e-3  # Adam's in Keras
        return [float(f"{published * factor:.2g}") for factor in FACTORS]

    def _regularised(self, plain: Design) -> Iterator[Design]:
        from msgspec.structs import replace

        yield replace(plain, dropout=DROPOUT)
        how = AUGMENT.get(getattr(self.workload, "dataset", ""))
        if how:
            yield replace(plain, augment=how)

    def _each(
        self,
        designs: Sequence[Design],
        *,
        epochs: int,
        images: int | None = None,
        curve: bool = True,
        judged: str = "held out",
    ) -> list[tuple[Design, Finished]]:
        """Trains each; designs that the network does not support are left out.

        Raises:
            GrindstoneError: a training failed.
        """
        from msgspec.structs import replace

        session = self.session
        session.settings = dataclasses.replace(session.settings, learning_curve=curve)
        held = self.held_out if judged == "held out" else None
        made = []
        for design in designs:
            if self.trained and not self.budget.has_room_for(self._seconds(images, epochs)):
                self.left_out.append(design)
                continue
            sized = replace(design, epochs=epochs, images=images, held_out=held)
            variant = Variant(backend=session.settings.variants[0].backend, design=sized)
            row = Row(self.workload, self.device, variant=variant.without_defaults(None))
            results = session.train(row, Repeat())
            if not results:
                self.unable.append((design, str(session.why_left_out(row))))
            for result in results:
                if isinstance(result, Failed):
                    raise GrindstoneError(result.reason)
                self.trained.append(result)
                made.append((design, result))
        return made

    def _seconds(self, images: int | None, epochs: int) -> float:
        """About how long a training takes, by the fastest so far; 0 where nobody knows."""
        every = images or (self.total and self.total - self._held)
        if not (self.trained and every):
            return 0.0
        return every * epochs / max(each.images_per_second for each in self.trained)

    def _time_was_up(self) -> Iterator[str]:
        if self.left_out:
            named = "; ".join(map(_named, self.left_out))
            yield f"   No time for: {named} (--budget {self.budget.minutes} minutes)"
        self.left_out.clear()

    def _best(self, found: Sequence[tuple[Design, Finished]]) -> tuple[Design, Finished]:
        """By the last epoch's quality, where it is a number."""
        whole = [each for each in found if each[1].quality.value is not None]
        if not whole:
            raise GrindstoneError("every training diverged: no loss was a number at its end")
        sign = 1.0 if whole[0][1].quality.is_error else -1.0
        return min(whole, key=lambda each: sign * (each[1].quality.value or 0.0))

    def _told(self, design: Design, result: Finished) -> str:
        return f"   {_named(design)}: {self._quality(result)}"

    def _quality(self, result: Finished) -> str:
        metric, quality = result.quality.metric, result.quality
        told = f"{metric} {shown.quality(metric, quality.value)}"
        if quality.training is not None:
            told += f" (training images: {shown.quality(metric, quality.training)})"
        return told

    def _losses(self, result: Finished) -> Iterator[str]:
        metric = result.quality.metric
        test, losses = result.epochs.quality or (), result.epochs.loss
        for number in sorted({1, len(losses) // 4, len(losses) // 2, len(losses)} - {0}):
            loss = losses[number - 1]
            value = test[number - 1] if test else None
            told = "no number" if loss is None else f"{loss:.3g}"
            yield (
                f"   epoch {number}: training loss {told}, {metric} {shown.quality(metric, value)}"
            )
        seen = curve.of(result).overfits
        yield (
            f"   It overfits since epoch {seen.since}; the best was epoch {seen.best}"
            if seen
            else "   It does not overfit so far"
        )


def _named(design: Design) -> str:
    return ", ".join(design.words()) or "as published"
