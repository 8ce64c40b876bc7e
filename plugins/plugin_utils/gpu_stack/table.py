"""The plans of many hosts as one table of text."""

from __future__ import annotations

import textwrap
from typing import Any

from ..host_facts import HostFacts
from . import gpus
from .install import reboot_because
from .matrix import Matrix
from .plan import InstallDriver, KeepDriver, NoCuda, NoDriver, Plan, Record, SystemCuda

_HEADS = ("host", "system", "GPU", "driver", "CUDA", "TensorFlow", "Python", "to do", "reboot")
_GAP = "  "


def row(plan: Plan, facts: HostFacts, matrix: Matrix) -> list[str]:
    """A plan's cells, but for the host's name."""
    record = plan.record
    driver, tensorflow = record.driver, record.tensorflow
    never = isinstance(driver, InstallDriver) and driver.reboot == "never"
    reboots = plan.changes and reboot_because(facts, driver) and not never
    return [
        record.host.distribution,
        gpus.titles(matrix.identified(facts).gpus) or "none",
        driver_cell(record),
        cuda_cell(record),
        f"{tensorflow.version}{'' if tensorflow.gpu else ' CPU'}",
        tensorflow.python,
        str(len(plan.changes)) if plan.changes else "nothing",
        "yes" if reboots else "no",
    ]


def driver_cell(record: Record) -> str:
    """A driver in a word or four."""
    driver = record.driver
    if isinstance(driver, InstallDriver):
        source = " of NVIDIA's" if driver.origin == "nvidia" else ""
        return f"{driver.branch}{source} {driver.flavour}, {driver.method}"
    if isinstance(driver, KeepDriver):
        return f"keep {driver.version}".strip()
    return "none" if isinstance(driver, NoDriver) else "skip"


def cuda_cell(record: Record) -> str:
    """CUDA in a word or four."""
    cuda = record.cuda
    if isinstance(cuda, NoCuda):
        return "none"
    how = "system" if isinstance(cuda, SystemCuda) else "wheels"
    return f"{cuda.version} {how}, cuDNN {cuda.installed_cudnn}"


def table(results: dict[str, dict[str, Any]]) -> str:
    """All hosts: a row for each plan, and the line of each refusal below them.

    results: by host, what the filter gpu_stack has returned; {} for one that was not reached.
    """
    planned = [[host, *result["row"]] for host, result in results.items() if result.get("row")]
    widths = [max(map(len, column)) for column in zip(_HEADS, *planned, strict=True)]
    lines = [_line(cells, widths) for cells in [list(_HEADS), *planned]] if planned else []
    widest = max([len(line) for line in lines] or [0])
    for host, result in results.items():
        if not result.get("row"):
            said = result.get("refusal") or "not reached, or it could not be looked at"
            word = "refused: " if result.get("refusal") else ""
            lines += _wrapped(host, word + said, max(widest, 100), widths[0] if planned else 0)
    refused = sum(bool(result.get("refusal")) for result in results.values())
    missed = len(results) - len(planned) - refused
    counts = [f"{len(planned)} planned", f"{refused} refused"]
    return "\n".join([*lines, "", ", ".join(counts + ([f"{missed} not seen"] if missed else []))])


def _line(cells: list[str], widths: list[int]) -> str:
    return _GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _wrapped(host: str, said: str, width: int, first: int) -> list[str]:
    indent = " " * (max(first, len(host)) + len(_GAP))
    return textwrap.wrap(
        said,
        width=width,
        initial_indent=host.ljust(len(indent)),
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
