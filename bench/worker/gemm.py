"""Peak matmul throughput: float32 matrix products on this device, measured here and now."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

# Products of this side are tried first; the side doubles until one takes long enough.
_FIRST_SIDE = 1024
# Three matrices of this side hold 768 MiB, and a product keeps even the fastest GPU busy for 2 ms.
_LAST_SIDE = 8192
# Long beside a launch and a synchronisation (0.1 ms), so that these do not count.
_LONG_ENOUGH = 0.02
# The best of all that fit in so long: a neighbour or a clock that has to rise first slows some.
_SECONDS = 0.7
_LEAST_REPEATS = 3


def peak(tf: Any, synchronise: Callable[[], None]) -> float | None:
    """FLOP/s of the best large product, TF32 as it is pinned; None where memory is too short."""
    try:
        return _peak(tf, synchronise)
    except tf.errors.ResourceExhaustedError:
        return None


def _peak(tf: Any, synchronise: Callable[[], None]) -> float:
    side = _FIRST_SIDE
    while True:
        matrix = tf.random.uniform((side, side))
        best = _seconds(tf, matrix, synchronise)  # and what a first product has to set up
        best = min(best, _seconds(tf, matrix, synchronise))
        if best >= _LONG_ENOUGH or side == _LAST_SIDE:
            break
        side *= 2
    repeats = max(_LEAST_REPEATS, int(_SECONDS / best))
    best = min(best, *(_seconds(tf, matrix, synchronise) for _ in range(repeats)))
    return float(2 * side**3 / best)


def _seconds(tf: Any, matrix: Any, synchronise: Callable[[], None]) -> float:
    synchronise()
    begun = time.perf_counter()
    tf.linalg.matmul(matrix, matrix)
    synchronise()
    return time.perf_counter() - begun
