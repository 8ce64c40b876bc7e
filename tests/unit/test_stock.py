from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.worker import stock
from bench.worker.task import Arrays, Task
from bench.workloads import WORKLOADS

_KERAS = SimpleNamespace(__version__="9.0", callbacks=SimpleNamespace(Callback=object))


class _Fit:
    """A model whose `fit` has one batch, and calls `train_function` for it or does not."""

    def __init__(self, *, calls: bool) -> None:
        self.calls = calls
        self.train_function: Any = lambda _: {"loss": 0.5}

    def fit(self, *_: object, callbacks: list[Any], epochs: int, **__: object) -> None:
        (clock,) = callbacks
        clock.model = self
        own: Any = self.train_function
        for epoch in range(epochs):
            clock.on_epoch_begin(epoch)
            logs = (self.train_function if self.calls else own)("a batch")
            clock.on_epoch_end(epoch, logs)


def _train(*, calls: bool) -> list[int]:
    told: list[int] = []
    task = Task(
        WORKLOADS["mlp"],
        Arrays(np.zeros(1), np.zeros(1)),
        2,
        1,
        lambda: None,
        lambda epoch, _: told.append(epoch.number),
    )
    stock.Stock(_KERAS, _Fit(calls=calls)).train(task)
    return told


def test_a_keras_that_trains_without_the_function_that_is_timed_is_refused() -> None:
    assert _train(calls=True) == [1, 2]
    with pytest.raises(RuntimeError, match=r"Keras 9\.0 trained an epoch without"):
        _train(calls=False)


@pytest.mark.parametrize(
    ("logs", "told"),
    [
        ({"accuracy": 0.5, "loss": 0.3}, ("loss", 0.3)),
        ({"generator_loss": 0.5, "d_loss": 0.3, "val_loss": 9.0}, ("generator_loss", 0.5)),
        ({"psnr": 20.0}, ("psnr", 20.0)),
    ],
)
def test_the_loss_is_what_a_step_of_one_s_own_calls_so(
    logs: dict[str, float], told: tuple[str, float]
) -> None:
    assert stock.loss_in(logs) == told


def test_a_step_that_tells_nothing_has_no_loss() -> None:
    name, loss = stock.loss_in({})
    assert name == "loss"
    assert np.isnan(loss)
