"""How fast the trained network answers: one example at a time, and in batches; off the clock.

A call is compiled for one shape of its input (bench.worker.backends), takes NumPy arrays from the
host's memory and gives NumPy arrays back, so that both copies are in every time, and nothing is
timed that a device was only told to do.

- Latency: call after call with one example, each waited for.
- Throughput: rounds of batches.  The next batch is given to the device before the answers to the
  last one are fetched, as `predict` does it, so that copying and computing may go on side by side.

Both are warmed up first: tracing, compiling, threads, and a GPU that has to leave its idle clock.
The examples take turns, lest an answer be one that is there already.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.worker import faults
from bench.worker.answers import Inference, Latency, Throughput, Unmeasured
from bench.worker.backends.backend import Backend
from bench.worker.messages import INFERENCE, INFERENCE_WARM_UP, Job, Phase, Say

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Raised whenever this file changes what an answer takes, as the modes' are.
PROGRAM = 1

# The time is halved between the two, and each is warmed up for so much of its half.
_WARM_UP = 0.5
# However long they take: fewer calls tell nothing, and a huge model shall not hold up a run.
_LEAST_CALLS = 3
# Calls are told in so many consecutive parts, as throughput is in rounds: what changes meanwhile
# shows as a difference between them, which the scatter of single calls would hide.
_PARTS = 10
# So many inputs take turns at most, and so many bytes of them.
_MOST, _BYTES = 1000, 256e6

# Of fewer calls than these, the slowest alone would be their percentile.
_LEAST_FOR = {95: 20, 99: 100}


@dataclass(frozen=True)
class _Call:
    """A compiled call, and the inputs that take turns."""

    backend: Backend
    begin: Callable[[Any], list[Any]]
    inputs: Iterator[Any]

    def __call__(self) -> float:
        """Answers the next input, and returns the seconds that it took."""
        given = next(self.inputs)
        begun = time.perf_counter()
        self.backend.fetch(self.begin(given))
        return time.perf_counter() - begun

    def round(self, batches: int) -> float:
        """The seconds that so many inputs took, two at most being under way at a time."""
        begun, before = time.perf_counter(), None
        for given in itertools.islice(self.inputs, batches):
            now = self.begin(given)
            if before is not None:
                self.backend.fetch(before)
            before = now
        self.backend.fetch(before or [])
        return time.perf_counter() - begun


def tell(
    backend: Backend, model: Any, job: Job, inputs: Callable[[], Any], batch: int | None, say: Say
) -> None:
    """Says how fast the model answers, or why that could not be measured, where a job asks for it.

    The training stands, whatever becomes of this.

    inputs: makes what the model is called with: arrays in any structure, a row an example.
    batch: examples of a batch; None for as many as there are.
    """
    if job.inference is None:
        return
    say(Phase(INFERENCE_WARM_UP))
    try:
        say(_measured(backend, model, job, inputs(), batch, say))
    except Exception as error:
        say(Unmeasured(faults.in_short(error)))


def _measured(
    backend: Backend, model: Any, job: Job, inputs: Any, batch: int | None, say: Say
) -> Inference:
    import numpy as np

    assert job.inference is not None
    each = job.inference / 2
    inputs = backend.map_structure(np.asarray, inputs)
    batch = batch or len(backend.flatten(inputs)[0])
    begun = time.perf_counter()
    one, first = _call(backend, model, job, inputs, 1)
    several, _ = _call(backend, model, job, inputs, batch)
    _warm_up(one, _WARM_UP * each)
    batches = max(1, round(each / _PARTS / _warm_up(several, _WARM_UP * each)))
    say(Phase(INFERENCE))
    ready = time.perf_counter()
    calls = _until(one, each)
    rounds = _until(lambda: several.round(batches) / batches, each)
    return Inference(
        program=PROGRAM,
        begun=begun,
        ready=ready,
        ended=time.perf_counter(),
        latency=Latency(
            calls=len(calls),
            first=first,
            median=statistics.median(calls),
            p95=_percentile(calls, 95),
            p99=_percentile(calls, 99),
            parts=_medians(calls),
        ),
        throughput=Throughput(batch=batch, batches=batches, rounds=tuple(rounds)),
    )


def _call(backend: Backend, model: Any, job: Job, inputs: Any, batch: int) -> tuple[_Call, float]:
    """A call for a batch of so many, and the seconds of its first answer, compiling included."""
    leaves = backend.flatten(inputs)
    size = sum(array[:1].nbytes for array in leaves) * batch
    picks = _picks(len(leaves[0]), batch)[: max(1, int(_BYTES / max(1, size)))]
    made = [_rows(backend, inputs, rows) for rows in picks]
    begun = time.perf_counter()
    call = _Call(backend, backend.compiled_call(model, made[0], job), itertools.cycle(made))
    call()
    return call, time.perf_counter() - begun


def _picks(rows: int, batch: int) -> list[list[int]]:
    """The rows of each batch: of all whole ones, or of one that repeats its examples."""
    starts = range(0, rows - batch + 1, batch)[:_MOST]
    whole = [list(range(at, at + batch)) for at in starts]
    return whole or [[at % rows for at in range(batch)]]


def _rows(backend: Backend, inputs: Any, rows: list[int]) -> Any:
    """Some rows in arrays of their own, in the type that `fit` would give the model."""

    def chosen(array: NDArray[Any]) -> NDArray[Any]:
        picked = array[rows]
        return picked.astype("float32") if picked.dtype.kind == "f" else picked

    return backend.map_structure(chosen, inputs)


def _warm_up(call: _Call, seconds: float) -> float:
    """Answers for so long, and returns what an answer takes by then, in s."""
    took = _until(call, seconds)
    return statistics.median(took[len(took) // 2 :])


def _until(measure: Callable[[], float], seconds: float) -> list[float]:
    """What it measured, again and again for so long, and a few times at least."""
    ended = time.perf_counter() + seconds
    found: list[float] = []
    while time.perf_counter() < ended or len(found) < _LEAST_CALLS:
        found.append(measure())
    return found


def _percentile(calls: Sequence[float], percent: int) -> float | None:
    """What so many of 100 calls did not exceed; None of too few."""
    if len(calls) < _LEAST_FOR[percent]:
        return None
    return sorted(calls)[-(-percent * len(calls) // 100) - 1]


def _medians(calls: Sequence[float]) -> tuple[float, ...]:
    """The medians of consecutive parts, as even as they can be."""
    parts = min(_PARTS, len(calls))
    ends = [len(calls) * number // parts for number in range(parts + 1)]
    return tuple(statistics.median(calls[a:b]) for a, b in itertools.pairwise(ends))
