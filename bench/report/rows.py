"""The figures of a run compared: one result a row, speed-ups, gains, scaling."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from bench.record.ending import word
from bench.record.head import Device
from bench.record.inference import Inference
from bench.record.measured import Measured, known
from bench.record.model import Finished, Record, Result, TargetResult
from bench.record.timing import spread

# A row: workload, device, mode, side.
Name = tuple[str, str, str, str]


def outcome(record: Record, result: Result | TargetResult) -> str:
    """Its word; of an experiment's training that diverged `DIVERGED`: there it is an answer."""
    if record.settings.experiment and isinstance(result, Finished):
        return word(result) if result.quality.value is not None else "DIVERGED"
    return word(result)


def finished(results: Iterable[Result]) -> list[Finished]:
    """Those that came to their end."""
    return [result for result in results if isinstance(result, Finished)]


def counted(results: Iterable[Result]) -> list[Finished]:
    """Those of them that learned what they should: without quality there is no speed."""
    return [result for result in finished(results) if result.quality.ok]


def by_row(results: Iterable[Result]) -> list[list[Result]]:
    """The repeats of each row, in the order they were trained; side A before side B."""
    rows: dict[Name, list[Result]] = {}
    for result in results:
        name = (result.workload, result.device.id, str(result.way), result.side or "")
        rows.setdefault(name, []).append(result)
    first = {name[:3]: index for index, name in reversed(list(enumerate(rows)))}
    return [rows[name] for name in sorted(rows, key=lambda name: (first[name[:3]], name[3]))]


def one_a_row(results: Iterable[Result]) -> list[Result]:
    """Each row's middle repeat, and the first that failed.

    The spread of the middle one is that of the repeats' medians, in s: it is what another run of
    the same would differ by.  A repeat that missed its floor stands for its row, whatever its
    time, so that the table shows the miss.
    """
    chosen: list[Result] = []
    for row in by_row(results):
        ended = finished(row)
        chosen += [_middle(ended)] if len(ended) > 1 else ended
        chosen += [result for result in row if not isinstance(result, Finished)][:1]
    return chosen


def _middle(repeats: Sequence[Finished]) -> Finished:
    missed = [result for result in repeats if not result.quality.ok]
    ordered = sorted(repeats, key=_median)
    middle = missed[0] if missed else ordered[(len(ordered) - 1) // 2]
    of_medians = spread(list(map(_median, repeats)))
    return replace(
        middle,
        epochs=replace(middle.epochs, spread=of_medians),
        inference=_middle_answers(repeats) or middle.inference,
    )


def _middle_answers(repeats: Sequence[Finished]) -> Measured[Inference] | None:
    """The middle of the repeats' latencies and of their throughputs, with their spreads."""
    every = [each.inference.value for each in repeats if each.inference]
    told = [each for each in every if each]
    if not told:
        return None
    middle = sorted(told, key=lambda each: each.latency.median)[(len(told) - 1) // 2]
    among = sorted((each.throughput for each in told), key=lambda each: each.median)
    one = spread([each.latency.median for each in told])
    many = spread([each.median for each in among])
    if len(told) == 1:  # whose parts and rounds tell more
        one, many = middle.latency.spread, middle.throughput.spread
    return known(
        replace(
            middle,
            latency=replace(middle.latency, spread=one),
            throughput=replace(among[(len(told) - 1) // 2], spread=many),
        )
    )


def on_cpu(result: Result, results: Iterable[Result]) -> Finished | None:
    """The same training on the CPU as on a GPU; None where not both learned."""
    if not isinstance(result, Finished) or not (result.device.is_gpu and result.quality.ok):
        return None
    cpus = (other for other in counted(results) if not other.device.is_gpu)
    return next((other for other in cpus if alike(other, result)), None)


def speed_up(result: Result, results: Iterable[Result]) -> float | None:
    """How many times as fast as the CPU a GPU trained the same; None where not both did."""
    cpu = on_cpu(result, results)
    return _median(cpu) / _median(result) if cpu and isinstance(result, Finished) else None


def tuning_gains(results: Iterable[Result]) -> dict[str, dict[str, float]]:
    """How many times as fast as stock each workload is tuned, by device and side."""
    ended = counted(results)
    gains: dict[str, dict[str, float]] = {}
    for stock in ended:
        for tuned in ended:
            same = (stock.workload, stock.device, stock.side, stock.variant)
            same_training = same == (tuned.workload, tuned.device, tuned.side, tuned.variant)
            if same_training and (stock.mode, tuned.mode) == ("stock", "tuned"):
                device = " ".join(filter(None, (stock.device.id, stock.side)))
                gain = _median(stock) / _median(tuned)
                name = ", ".join([stock.workload, *stock.way.variant.words()])
                gains.setdefault(device, {})[name] = gain
    return gains


def scaling(result: Finished, results: Iterable[Result]) -> float | None:
    """How many times as fast one network trains over several GPUs as on the best of them alone."""
    if result.device.group != "gpus":
        return None
    return _gain_over_alone(result, results, lambda device: device.index is not None)


def machines_gain(result: Finished, results: Iterable[Result]) -> float | None:
    """How many times as fast one network trains over several machines as on the first alone."""
    if result.machines is None:
        return None
    variant = replace(result.way.variant, machines=None, scaled=None)
    for other in counted(results):
        same = (other.workload, other.device, other.side, other.mode)
        if same == (result.workload, result.device, result.side, result.mode) and (
            other.way.variant == variant
        ):
            return result.images_per_second / other.images_per_second
    return None


def communication_share(result: Finished) -> float:
    """The share of an epoch that went into communication and into waiting for one another."""
    assert result.machines is not None
    return max(0.0, 1.0 - max(result.machines.compute) / _median(result))


def concurrent_pace(result: Finished, results: Iterable[Result]) -> float | None:
    """The share of its speed alone that a GPU keeps while others train at the same time."""
    if result.concurrent is None:
        return None
    own = (result.device.index, result.device.slice)
    return _gain_over_alone(result, results, lambda device: (device.index, device.slice) == own)


def _gain_over_alone(
    result: Finished, results: Iterable[Result], counts: Callable[[Device], bool]
) -> float | None:
    """Its speed over the best of the same training alone, on the devices that count."""
    alone = [
        _median(other)
        for other in counted(results)
        if alike(other, result) and counts(other.device) and not other.concurrent
    ]
    return min(alone) / _median(result) if alone else None


def alike(one: Finished, other: Finished) -> bool:
    """Whether they are the same training, on whatever device."""
    return (one.workload, one.way, one.side) == (other.workload, other.way, other.side)


def _median(result: Finished) -> float:
    return result.epochs.median
