"""Numbers and names as a person reads them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.record.model import Training
from bench.workloads.workload import Metric

# What a device's name says besides its model.
_NOISE = re.compile(r"\((R|TM|C)\)|\b(NVIDIA|CPU|Processor|\d+-Core)\b|@.*")


def seconds(value: float) -> str:
    """A time with three significant digits: `83.2 ms`, `1.31 s`, `12,346 s`."""
    if value < 0.9995:  # from there on it would round to 1000 ms
        return f"{1000 * value:.3g} ms"
    return f"{value:.3g} s" if value < 999.5 else f"{value:,.0f} s"


def joules(value: float) -> str:
    """An energy: `620 J`, `1.23 kJ`."""
    return f"{value:.3g} J" if value < 999.5 else f"{value / 1000:,.3g} kJ"


def accuracy(value: float) -> str:
    """An accuracy: `98.12 %`."""
    return f"{100 * value:.2f} %"


def squares(value: float) -> str:
    """An MSE without its unit: `52.1`, `127,250`."""
    return f"{value:.1f}" if value < 1000 else f"{value:,.0f}"


def quality(metric: Metric, value: float | None) -> str:
    """A quality with its unit: `98.12 %`, `59.0 s²`; `n/a` where the training diverged."""
    if value is None:
        return "n/a"
    return accuracy(value) if metric == "accuracy" else f"{squares(value)} s²"


def share(value: float) -> str:
    """A part of a whole: `6.7 %`, `12 %`."""
    return f"{100 * value:.0f} %" if value >= 0.095 else f"{100 * value:.1f} %"


def times(ratio: float) -> str:
    """A ratio with two digits: `0.52`, `4.0`, `40`."""
    if ratio < 0.995:
        return f"{ratio:.2f}"
    return f"{ratio:.1f}" if ratio < 9.95 else f"{ratio:,.0f}"


def count(value: float) -> str:
    """A number of things: `7,537`."""
    return f"{value:,.0f}"


def megabytes(value: float) -> str:
    """A size: `14.2 MB`."""
    return f"{value / 1e6:.1f} MB"


def one_or_range(least: str, most: str) -> str:
    """`12`, `12 to 40`."""
    return least if least == most else f"{least} to {most}"


def and_so(items: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


def short_name(device: str) -> str:
    """A device's name by its model alone: `H100 80GB HBM3`, `Intel Xeon`."""
    return " ".join(_NOISE.sub(" ", device).split()) or device


class Names:
    """What tells a training from the others of its run: `mlp`, `mlp (gpu:0, tuned, side B)`."""

    def __init__(self, results: Sequence[Training], time_to_target: Sequence[Training]) -> None:
        self._several_devices = len({each.device.id for each in (*results, *time_to_target)}) > 1
        self._to_target = time_to_target

    def __call__(self, training: Training) -> str:
        """The name of one; its device is in it where there are several."""
        details = [
            training.device.id if self._several_devices else "",
            "" if training.mode == "stock" else training.mode,
            f"side {training.side}" if training.side else "",
            "to target" if any(training is each for each in self._to_target) else "",
        ]
        told = ", ".join(filter(None, details))
        return f"{training.workload} ({told})" if told else training.workload
