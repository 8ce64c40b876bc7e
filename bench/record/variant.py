"""How a network is trained: in which mode, and what otherwise than published."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from msgspec.structs import replace

from bench.record.measured import Number, Part
from bench.workloads.workload import Mode

Precision = Literal["float32", "tf32-off", "mixed_float16", "mixed_bfloat16"]
PRECISIONS: tuple[Precision, ...] = ("float32", "tf32-off", "mixed_float16", "mixed_bfloat16")


class Variant(Part, frozen=True, kw_only=True):
    """What is trained otherwise than published; null is as published.

    batch: images a step.
    precision: of the arithmetic; `tf32-off` is float32 without a GPU's TF32.
    xla: whether XLA compiles the step.
    steps: `steps_per_execution`: how many one call of Python trains.
    """

    batch: Number | None = None
    precision: Precision | None = None
    xla: bool | None = None
    steps: Number | None = None

    def beside(self, batch: int | None) -> Variant:
        """The same, less what a network with this batch has anyway."""
        return replace(
            self,
            batch=None if self.batch == batch else self.batch,
            precision=None if self.precision == "float32" else self.precision,
            xla=self.xla or None,
            steps=None if self.steps == 1 else self.steps,
        )

    def words(self) -> Iterator[str]:
        """`batch 512`, `mixed_float16`, `XLA`, `10 steps a call`."""
        if self.batch:
            yield f"batch {self.batch}"
        if self.precision:
            yield self.precision
        if self.xla:
            yield "XLA"
        if self.steps:
            yield f"{self.steps} steps a call"

    def options(self) -> Iterator[str]:
        """As the command line takes them: `--batch 512`."""
        if self.batch:
            yield f"--batch {self.batch}"
        if self.precision:
            yield f"--precision {self.precision}"
        if self.xla:
            yield "--xla on"
        if self.steps:
            yield f"--steps-per-execution {self.steps}"


AS_PUBLISHED = Variant()


class Way(NamedTuple):
    """A mode and a variant."""

    mode: Mode = "stock"
    variant: Variant = AS_PUBLISHED

    def __str__(self) -> str:
        """`stock`, `tuned`, `batch 512, XLA`, `tuned, batch 512`."""
        told = [] if self.mode == "stock" else [self.mode]
        return ", ".join([*told, *self.variant.words()]) or self.mode

    @property
    def suffix(self) -> str:
        """Behind a training's name, where it is not stock as published: `, tuned`."""
        return "" if self == STOCK else f", {self}"

    @property
    def id(self) -> str:
        """Behind a test's id: `-tuned`, `-batch_512`."""
        return "".join(f"-{word.replace(' ', '_')}" for word in self.suffix[2:].split(", ") if word)

    @property
    def options(self) -> str:
        """As the command line takes it: ` --mode tuned --batch 512`."""
        mode = [] if self.mode == "stock" else [f"--mode {self.mode}"]
        return "".join(f" {option}" for option in (*mode, *self.variant.options()))


STOCK = Way()
