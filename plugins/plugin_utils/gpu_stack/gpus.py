"""Several GPUs: their names, and the kernel modules that drive them all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..host_facts import Gpu
from .matrix import Matrix
from .rows import Flavour, listed


def titles(gpus: Iterable[Gpu]) -> str:
    """Their names for people, equal ones counted: "2 × T4 (Turing) and A100 (Ampere)"."""
    names = [gpu.title for gpu in gpus]
    return listed([f"{names.count(n)} × {n}" if names.count(n) > 1 else n for n in names], "and")


def chips(gpus: Iterable[Gpu]) -> str:
    """Their chips, for the record."""
    return listed([gpu.chip_title for gpu in gpus], "and")


def capabilities(gpus: Iterable[Gpu]) -> str:
    """Their compute capabilities."""
    return listed([gpu.compute_capability for gpu in gpus], "and")


def modules(gpus: Sequence[Gpu], matrix: Matrix) -> list[Flavour]:
    """The kernel modules that drive all of them."""
    known: tuple[Flavour, ...] = ("open", "proprietary")
    return [each for each in known if all(each in matrix.generation(g).modules for g in gpus)]
