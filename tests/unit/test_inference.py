"""How a worker times the answers of a network, on a backend that only pretends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

from bench.worker import inference
from bench.worker.answers import Inference, Unmeasured
from bench.worker.backends.backend import Backend
from bench.worker.messages import INFERENCE, INFERENCE_WARM_UP, Job, Message, Phase
from bench.worker.own.data import Split


class Pretended:
    """A backend that has a clock of its own, and counts what was begun and not yet fetched.

    seconds: that every answer takes.
    """

    def __init__(self, seconds: float = 0.0001) -> None:
        self.seconds, self.now = seconds, 100.0
        self.shapes: list[Any] = []
        self.asked: list[Any] = []
        self.under_way = self.most_under_way = self.fetched = 0

    def flatten(self, structure: Any) -> list[Any]:
        if isinstance(structure, dict):
            return [leaf for each in structure.values() for leaf in self.flatten(each)]
        return [structure]

    def map_structure(self, function: Callable[[Any], Any], structure: Any) -> Any:
        if isinstance(structure, dict):
            return {name: self.map_structure(function, each) for name, each in structure.items()}
        return function(structure)

    def perf_counter(self) -> float:
        return self.now

    def compiled_call(self, model: Any, example: Any, _job: Job) -> Callable[[Any], list[Any]]:
        shape = [(each.shape, str(each.dtype)) for each in self.flatten(example)]
        self.shapes.append(shape)

        def begin(given: Any) -> list[Any]:
            assert [(each.shape, str(each.dtype)) for each in self.flatten(given)] == shape
            self.asked.append(given)
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            self.now += self.seconds
            return [model(given)]

        return begin

    def fetch(self, answers: list[Any]) -> list[Any]:
        self.under_way -= len(answers)
        self.fetched += len(answers)
        return answers


def told(
    backend: Pretended,
    inputs: Any,
    batch: int | None = 4,
    seconds: float | None = 0.02,
    model: Callable[[Any], Any] = lambda given: given,
) -> list[Message]:
    said: list[Message] = []
    job = Job("mlp", is_gpu=False, epochs=3, seed=1, data={}, inference=seconds)
    as_backend = cast("Backend", backend)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(inference, "time", backend)
        inference.tell(as_backend, model, job, lambda: inputs, batch, said.append)
    return said


def measured(backend: Pretended, inputs: Any, **how: Any) -> Inference:
    warm_up, timed, found = told(backend, inputs, **how)
    assert (warm_up, timed) == (Phase(INFERENCE_WARM_UP), Phase(INFERENCE))
    assert isinstance(found, Inference)
    return found


IMAGES = np.arange(40, dtype="float64").reshape(10, 4)


def test_one_shape_is_compiled_for_one_example_and_one_for_a_batch() -> None:
    backend = Pretended()
    found = measured(backend, IMAGES)
    assert backend.shapes == [[((1, 4), "float32")], [((4, 4), "float32")]]
    assert found.throughput.batch == 4
    # Compiling and warming up, then a half of the time for each.
    assert found.ready - found.begun == pytest.approx(0.0102, abs=0.0003)
    assert found.ended - found.ready == pytest.approx(0.02, abs=0.0012)
    assert found.latency.calls == pytest.approx(100, abs=1)
    assert found.latency.median == pytest.approx(0.0001)
    assert found.throughput.rounds == pytest.approx([0.0001] * len(found.throughput.rounds))


def test_every_answer_is_fetched_and_two_batches_at_most_are_under_way() -> None:
    backend = Pretended()
    found = measured(backend, IMAGES)
    assert found.throughput.batches == 10
    assert backend.under_way == 0
    assert backend.fetched == len(backend.asked) > found.latency.calls
    assert backend.most_under_way == 2


def test_what_is_asked_takes_turns() -> None:
    backend = Pretended()
    measured(backend, IMAGES)
    singles = [each[0, 0] for each in backend.asked if len(each) == 1]
    assert singles[:11] == [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 0]
    batches = {tuple(each[:, 0]) for each in backend.asked if len(each) == 4}
    assert batches == {(0, 4, 8, 12), (16, 20, 24, 28)}


def test_fewer_examples_than_a_batch_are_repeated() -> None:
    backend = Pretended()
    measured(backend, IMAGES[:3])
    assert next(list(each[:, 0]) for each in backend.asked if len(each) == 4) == [0, 4, 8, 0]


def test_several_inputs_keep_their_structure_and_types() -> None:
    backend = Pretended()
    words = np.array(["a", "bc", "d"])
    measured(backend, {"text": words, "number": np.arange(3, dtype="int8")}, batch=2)
    assert backend.shapes[1] == [((2,), "<U2"), ((2,), "int8")]


def test_data_that_come_in_batches_are_answered_in_theirs() -> None:
    backend = Pretended()
    assert measured(backend, IMAGES, batch=None).throughput.batch == 10


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("generator", lambda: iter([(IMAGES, None)])),
        ("tf.data", [(IMAGES, None)]),
        ("PyDataset", [(IMAGES, None)]),
        ("arrays in memory", IMAGES),
        ("generator", lambda: iter([IMAGES])),
    ],
)
def test_a_model_of_ones_own_is_asked_what_it_would_be_trained_on(kind: Any, source: Any) -> None:
    assert Split(kind, (source,), 10).inputs() is IMAGES


def test_it_ends_in_time_however_long_an_answer_takes() -> None:
    backend = Pretended(seconds=0.02)
    found = measured(backend, IMAGES)
    assert found.latency.calls == len(found.latency.parts) == 3
    assert (found.latency.p95, found.latency.p99) == (None, None)
    assert found.throughput.batches == 1
    assert len(found.throughput.rounds) == 3
    every = (*found.latency.parts, *found.throughput.rounds, found.latency.first)
    assert every == pytest.approx([0.02] * 7)


def test_percentiles_are_those_of_all_calls_and_parts_are_in_their_order() -> None:
    calls = [float(number) for number in range(200)]
    assert inference._percentile(calls, 95) == 189.0
    assert inference._percentile(calls, 99) == 197.0
    assert inference._percentile(calls[:99], 99) is None
    assert inference._medians(calls) == tuple(20.0 * part + 9.5 for part in range(10))


def test_what_cannot_be_measured_says_why_and_the_training_stands() -> None:
    def broken(_: Any) -> Any:
        raise ValueError("no such\nlayer")

    said = told(Pretended(), IMAGES, model=broken)
    assert said == [Phase(INFERENCE_WARM_UP), Unmeasured("ValueError: no such layer")]


def test_nobody_is_told_where_nobody_asked() -> None:
    assert told(Pretended(), IMAGES, seconds=None) == []
