"""The plans of many hosts as one table of text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from ..host_facts import HostFacts
from ..terminal import wrapped
from . import gpus
from .install import reboots
from .matrix import Matrix
from .plan import ImageCuda, InstallDriver, KeepDriver, NoCuda, NoDriver, Plan, Record, SystemCuda

_HEADS = ("host", "GPU", "driver", "CUDA", "TensorFlow", "changes")
_GAP = "  "
_WIDTH = 79
_CELL = 16  # the widest cell; a longer one goes on below


def row(plan: Plan, facts: HostFacts, matrix: Matrix) -> list[str]:
    """A plan's cells, but for the host's name."""
    record = plan.record
    tensorflow = record.tensorflow
    named = tensorflow.version if tensorflow.framework == "tensorflow" else tensorflow.title
    reboot = " + reboot" if reboots(facts, record.driver) else ""
    return [
        gpus.titles(matrix.identified(facts).gpus) or "none",
        driver_cell(record),
        cuda_cell(record),
        f"{named or 'container'}{'' if tensorflow.gpu else ' CPU'}",
        f"{len(plan.changes)}{reboot}" if plan.changes else "none",
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
    if isinstance(cuda, ImageCuda):
        return "the image's"
    how = "system" if isinstance(cuda, SystemCuda) else "wheels"
    return f"{cuda.version} {how}"


def table(results: dict[str, dict[str, Any]]) -> list[str]:
    """All hosts: the count, a row for each plan, and the line of each refusal below them.

    results: by host, what the filter gpu_stack has returned; {} for one that was not reached.
    """
    planned = [[host, *result["row"]] for host, result in results.items() if result.get("row")]
    refused = {host: result["refusal"] for host, result in results.items() if result.get("refusal")}
    missed = [host for host, result in results.items() if not result]
    counts = [f"{len(planned)} planned", f"{len(refused)} refused"]
    lines = [f"Plans: {', '.join(counts + ([f'{len(missed)} not reached'] if missed else []))}"]
    if planned:
        lines += ["", *_rows([list(_HEADS), *planned])]
    if refused or missed:
        lines.append("")
    for host, refusal in refused.items():
        lines += wrapped(f"{host}  refused: {refusal}", _WIDTH, indent=4)
    for host in missed:
        said = f"{host}  not reached, or its facts could not be gathered"
        lines += wrapped(said, _WIDTH, indent=4)
    return lines


def _rows(rows: list[list[str]]) -> Iterator[str]:
    """The rows, each as high as its highest cell."""
    cells = [[textwrap.wrap(cell, _CELL, break_long_words=False) for cell in row] for row in rows]
    columns = zip(*cells, strict=True)
    widths = [max(len(part) for cell in column for part in cell) for column in columns]
    for each in cells:
        for parts in zip_longest(*each, fillvalue=""):
            yield _GAP.join(map(str.ljust, parts, widths)).rstrip()
