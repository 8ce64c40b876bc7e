"""Changes while a training goes on: found where they are, and not found in noise."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from bench.judge.drift import Change, change
from bench.judge.verdict import judge
from tests.support.records import H100, epochs, result


@pytest.mark.parametrize(
    ("seconds", "found"),
    [
        ([1.0] * 9 + [1.6] * 5, Change(9, 1.0, 1.6)),
        ([1.0] * 5 + [1.6] * 4, Change(5, 1.0, 1.6)),
        ([2.0] * 12 + [1.0] * 12, Change(12, 2.0, 1.0)),
        ([1.0, 1.01, 0.99] * 6 + [1.06, 1.07, 1.08] * 4, Change(18, 1.0, 1.07)),
    ],
)
def test_a_step_is_found_where_it_is(seconds: list[float], found: Change) -> None:
    assert change(seconds) == found


@pytest.mark.parametrize("count", [18, 24, 99])
def test_an_even_drift_is_found(count: int) -> None:
    found = change([1.0 + 0.5 * number / count for number in range(count)])
    assert found is not None
    assert found.now > 1.15 * found.before


@pytest.mark.parametrize(
    "seconds",
    [
        [],
        [1.0, 1.6],
        [1.0, 1.6, 1.0, 1.6, 1.0, 1.6, 1.0, 1.6],
        [1.0] * 20 + [1.04] * 20,
        [1.0] * 20 + [2.0, 2.0],
        [1.0, 3.0] + [1.0] * 20,
    ],
)
def test_an_outlier_a_rhythm_and_a_small_change_are_none(seconds: list[float]) -> None:
    assert change(seconds) is None


@pytest.mark.parametrize("count", [6, 9, 14])
def test_noise_is_rarely_taken_for_a_change(count: int) -> None:
    rng = random.Random(count)

    def outliers() -> float:
        return rng.gauss(0, 0.04) * (5 if rng.random() < 0.1 else 1)

    kinds: tuple[Callable[[], float], ...] = (
        lambda: rng.gauss(0, 0.05),
        outliers,
        lambda: rng.expovariate(20),
    )
    series = [[1 + kind() for _ in range(count)] for kind in kinds for _ in range(150)]
    assert sum(change(each) is not None for each in series) <= 0.01 * len(series)


def test_the_verdict_says_from_when_on_and_what_shows_why() -> None:
    timed = epochs([3.0, *[1.0] * 9, *[1.6] * 5])
    verdict = judge(replace(result("convnet", H100), epochs=timed))
    assert verdict.word == "DRIFT"
    assert verdict.evidence == (
        "an epoch took 1 s at first (median of epochs 2 to 10) and 1.6 s at last (11 to 15)"
    )
    assert verdict.fix is not None
    assert verdict.fix.startswith("nvidia-smi -i 0 dmon")
