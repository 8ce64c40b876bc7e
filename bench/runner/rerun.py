"""What a run was told, as words: advice that leaves one out trains something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.errors import shown
from bench.runner.option_table import OPTIONS

# These name the row, which the advice does itself, or are not about a training.
_OF_THE_ROW = {
    *("--device", "--workload", "--mode", "--backend", "--batch", "--precision", "--xla"),
    *("--steps-per-execution", "--design", "--input", "--time-to-target"),
    *("--cluster", "--cluster-index", "--cluster-batch"),
    *("--like", "--processes", "--against", "--html", "--no-plots", "--no-page", "--save-models"),
}


def words(chosen: Mapping[str, Any]) -> tuple[str, ...]:
    """The options that are not as they are by themselves: `--seed=7`, `--synthetic`.

    chosen: what was parsed, by attribute.
    """
    return tuple(
        word
        for name, attributes in OPTIONS.items()
        if name not in _OF_THE_ROW
        for word in _words(name, chosen.get(attribute(name)), attributes)
    )


def attribute(option: str) -> str:
    """What argparse calls an option: `no_page` of `--no-page`."""
    return option[2:].replace("-", "_")


def _words(name: str, value: Any, attributes: Mapping[str, Any]) -> Iterator[str]:
    if value in (None, False, attributes.get("default")):
        return
    for each in value if isinstance(value, (list, tuple)) else (value,):
        yield name if each is True else f"{name}={shown(each)}"
