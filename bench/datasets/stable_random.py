"""Random numbers that no NumPy release and no processor changes, for pictures that floors hang on.

PCG64's raw 64-bit stream, which NumPy promises not to change, and single-precision arithmetic that
IEEE 754 rounds alike on every machine.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class StableRandom:
    """A stream of random numbers from a seed."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def uniform(self, *shape: int) -> Floats:
        """Even in 0..1, 1 left out, in steps of 2**-16."""
        count = int(np.prod(shape))
        raw = np.asarray(self._bits.random_raw((count + 3) // 4), dtype="<u8").view("<u2")
        even: Floats = raw[:count].astype(np.float32).reshape(shape) * np.float32(2**-16)
        return even

    def between(self, low: float, high: float, *shape: int) -> Floats:
        """Even from `low` to `high`."""
        even: Floats = low + (high - low) * self.uniform(*shape)
        return even

    def bell(self, *shape: int) -> Floats:
        """About normal, mean 0, standard deviation 1, never beyond 3: the sum of three evens."""
        first, second, third = self.uniform(3, *shape)
        bell: Floats = 2 * (first + second + third - np.float32(1.5))
        return bell

    def below(self, count: int, *shape: int) -> NDArray[np.int64]:
        """Whole numbers from 0 to `count` - 1, each as often as the others to 1 in 65,536."""
        even: NDArray[np.int64] = (self.uniform(*shape) * np.float32(count)).astype(np.int64)
        return even


def balanced(count: int, classes: int, rng: StableRandom) -> NDArray[np.int64]:
    """So many labels, as many of each class as of the others, in a random order."""
    labels = np.arange(count, dtype=np.int64) % classes
    order: NDArray[np.intp] = np.lexsort((rng.uniform(count), rng.uniform(count)))
    return labels[order]
