"""Peak matmul throughput, measured on a device that only pretends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bench.worker import devices


class _Device:
    """A backend on a device of so many FLOP/s and so many bytes, with a clock of its own."""

    class ExhaustedError(Exception):
        pass

    out_of_memory = (ExhaustedError,)

    def __init__(self, rate: float, memory: float = 1e12) -> None:
        self.rate, self.memory, self.now, self.products = rate, memory, 0.0, 0

    def synchronise(self) -> None:
        pass

    def product(self, side: int) -> Callable[[], None]:
        if 12.0 * side**2 > self.memory:
            raise _Device.ExhaustedError
        return lambda: self._multiply(side)

    def _multiply(self, side: int) -> None:
        self.products += 1
        slow = 3.0 if self.products < 5 else 1.0  # clocks rise, kernels are chosen
        self.now += slow * 2.0 * side**3 / self.rate


def _measured(device: Any, monkeypatch: pytest.MonkeyPatch) -> float | None:
    monkeypatch.setattr("time.perf_counter", lambda: device.now)
    return devices.matmul_peak(device)


@pytest.mark.parametrize("rate", [2e9, 4.79e11, 5e13, 1e15])
def test_the_best_product_counts_and_measuring_takes_seconds_at_most(
    rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = _Device(rate)
    assert _measured(device, monkeypatch) == pytest.approx(rate)
    assert device.now < (2.0 if rate > 1e10 else 20.0)


def test_a_device_without_room_for_the_matrices_has_no_peak(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _measured(_Device(5e13, memory=1e7), monkeypatch) is None
