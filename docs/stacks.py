"""Makes docs/stacks.md from the rows of the matrix alone, by `python -m docs.stacks`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from plugins.plugin_utils.gpu_stack import fresh
from plugins.plugin_utils.gpu_stack.load import load
from plugins.plugin_utils.gpu_stack.matrix import Generation, Matrix, listed
from plugins.plugin_utils.gpu_stack.options import Options, RefusedError
from plugins.plugin_utils.gpu_stack.resolve import resolve
from plugins.plugin_utils.gpu_stack.table import driver_cell
from plugins.plugin_utils.host_facts import Gpu
from plugins.plugin_utils.versions import numbers

PAGE = Path(__file__).with_suffix(".md")
ROWS = Path(__file__).parents[1] / "roles/plan/vars/main"

_HEAD = """\
# What fits what

Made by `python -m docs.stacks` from `roles/plan/vars/main/`, where every row names its source. The
rule: **the newest stack that takes all GPUs of the host**, with one driver from one origin. Where
nothing fits, `site.yml` stops before it has changed anything, with one line that says what was
found, what was expected and the nearest thing that works. `ansible-playbook playbooks/plan.yml`
shows what it would be on yours; `tests/unit/plans/hosts.yml` records many unlike hosts, with what
comes of each.
"""
_OPTIONS = """\
## What you can ask for

| variable | |
|---|---|
| `plan_tensorflow` | a version, such as `2.19`; empty for the newest that fits |
| `plan_python` | such as `3.12`; empty for the system's, where TensorFlow takes it |
| `plan_driver` | a branch, such as `580`; `keep` what is there; `skip`: do not look at it |
| `plan_driver_origin` | `distribution`, or `nvidia` for NVIDIA's repository |
| `plan_cuda` | `wheels`, `system` for NVIDIA's repository, `none` for TensorFlow on the CPU |
| `plan_reboot` | `false`: never |
"""
_DRIVER = """\
A driver that works stays, whoever installed it: the loaded module and the libraries are of one
version, its branch and its module drive every GPU, and CUDA takes it. One that does not fit is
replaced within its origin. What a `.run` file or a PPA has installed is not touched: the refusal
has the command that removes it. Where a branch is installed and still fits, it is not upgraded.

The driver's packages are put on hold. Where the distribution compiles the module for each kernel,
the kernel's own package is held with them: a newer kernel would boot without a module.
`apt-mark unhold` them to upgrade both.
"""
_FRESH = """\
## What a fresh host gets

One GPU of a generation in a fresh server: the stack, and the driver to install. The number is its
compute capability: the lowest of the generation that a stack has kernels for.
"""

_ADDING = """\
## Adding to it

A new TensorFlow is a lock in `roles/tensorflow/files/` and a row in `stacks.yml`. A new version of
a system is its number in `systems.yml`, with what a fresh host of it has, and in the rows of
`drivers.yml` and `repositories.yml` for it. A new generation of GPUs is a row in `gpus.yml`, with
the PCI ids of its chips. Each names its `source`. A row that contradicts another is refused in one
line. Then run `python -m docs.stacks`.
"""


def rows(folder: Path = ROWS) -> dict[str, Any]:
    """The matrix's lists by name, as `load` takes them."""
    told: dict[str, Any] = {}
    for path in sorted(folder.glob("*.yml")):
        told |= yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: told[f"plan_{name}"] for name in told["plan_matrix"]}


def page(matrix: Matrix) -> str:
    """The whole text."""
    parts = [
        _HEAD,
        "## Stacks, the newest first\n",
        _stacks(matrix),
        "## GPUs\n",
        _generations(matrix),
        _FRESH,
        _fresh(matrix),
        "## Drivers\n",
        _DRIVER,
        _drivers(matrix),
        _OPTIONS,
        _ADDING,
    ]
    return "\n".join(parts)


def _table(heads: list[str], cells: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *cells]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _stacks(matrix: Matrix) -> str:
    cells = []
    for row in matrix.stacks:
        gpu = row.gpu
        cells.append(
            [
                f"`{row.name}`" + (", when asked for" if row.pinned else ""),
                row.tensorflow,
                " to ".join(gpu.capabilities) if gpu else "CPU",
                gpu.cuda if gpu else "none",
                f"{gpu.cudnn_installed} (built with {gpu.cudnn})" if gpu else "none",
                f"from {gpu.driver}" if gpu else "none",
                f"{row.pythons[0]} to {row.pythons[-1]}",
                ", ".join(row.architectures),
            ]
        )
    heads = ["stack", "TensorFlow", "compute capability", "CUDA", "cuDNN", "driver", "Python", "on"]
    return _table(heads, cells)


def _generations(matrix: Matrix) -> str:
    cells = [
        [row.name, " or ".join(row.modules), row.first or "any", row.last or "the newest"]
        for row in matrix.generations
    ]
    return _table(["generation", "kernel module", "first branch", "last branch"], cells)


def _drivers(matrix: Matrix) -> str:
    cells = []
    for row in matrix.drivers:
        every = ", ".join(row.precompiled.kernels) if row.precompiled else ""
        kernels = every.replace("{version}", "VERSION")
        cells.append(
            [
                f"{row.system.capitalize()} {', '.join(row.versions)}".strip(),
                "NVIDIA's repository" if row.origin == "nvidia" else "the distribution",
                ", ".join(f"{branch} ({module})" for branch, module in row.branches.items()),
                f"compiled for {kernels}; else by DKMS" if kernels else "by DKMS",
            ]
        )
    return _table(["system", "from", "branch (module preferred)", "module"], cells)


def _fresh(matrix: Matrix) -> str:
    """Generations against systems, and below them why some get nothing."""
    systems = [(row, version) for row in matrix.systems for version in row.versions or ("",)]
    cells = []
    refusals: dict[str, list[str]] = {}
    for gpu in map(_gpu(matrix), reversed(matrix.generations)):
        title = f"{gpu.generation} ({gpu.compute_capability})"
        line = [title]
        for system, version in systems:
            try:
                record = resolve(fresh.host(system, version, [gpu]), Options(), matrix).record
                line.append(f"`{record.stack}`, {driver_cell(record)}")
            except RefusedError as refused:
                line.append("refused")
                where = f"{title} in {system.name} {version}".rstrip()
                refusals.setdefault(str(refused), []).append(where)
        cells.append(line)
    heads = ["", *(f"{row.name} {version}".strip() for row, version in systems)]
    said = [f"- {listed(where, 'and')}: {text}\n" for text, where in refusals.items()]
    return _table(heads, cells) + "\nRefused, with the nearest that works:\n\n" + "".join(said)


def _gpu(matrix: Matrix) -> Callable[[Generation], Gpu]:
    """The oldest GPU of a generation that a stack has kernels for, else the oldest of all."""
    lowest = [row.gpu.capabilities[0] for row in matrix.stacks if row.gpu]
    starts = [(numbers(capability), capability) for capability in lowest]
    spans = {row.name: (start, end) for row, start, end in matrix.spans()}

    def gpu(row: Generation) -> Gpu:
        start, end = spans[row.name]
        within = [(start, row.capability), *(each for each in starts if start < each[0] < end)]
        return Gpu(
            name="a GPU", generation=row.name, compute_capability=min(within[1:] or within)[1]
        )

    return gpu


if __name__ == "__main__":
    PAGE.write_text(page(load(rows())), encoding="utf-8")
