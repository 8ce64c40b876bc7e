"""Makes docs/stacks.md from the rows of the matrix alone, by `python -m docs.stacks`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from plugins.plugin_utils import row_files
from plugins.plugin_utils.elsewhere import fresh
from plugins.plugin_utils.gpu_stack.load import load
from plugins.plugin_utils.gpu_stack.matrix import Matrix
from plugins.plugin_utils.gpu_stack.options import Options, RefusedError
from plugins.plugin_utils.gpu_stack.resolve import resolve
from plugins.plugin_utils.gpu_stack.rows import DriverOffer, Generation, listed
from plugins.plugin_utils.gpu_stack.stack_rows import GpuSupport
from plugins.plugin_utils.gpu_stack.table import driver_cell
from plugins.plugin_utils.host_facts import Gpu
from plugins.plugin_utils.versions import numbers

PAGE = Path(__file__).with_suffix(".md")
# What follows the name of a kernel's flavour: `-hwe-{version}`, `-[5-9].*`.
_OF_A_VERSION = re.compile(r"-(hwe-)?(\{version\}|\[5-9\]).*")

_HEAD = """\
# Which GPU gets which stack?

Made by `python -m docs.stacks` from `roles/plan/vars/main/`, where every row names its source. The
rule: **the newest stack that supports all GPUs of the host**, with one driver from one origin.
Where nothing fits, `site.yml` stops before it has changed anything, with one line that says what
was found, what was expected and the nearest thing that works. `./run plan` shows the plan of your
machine; `tests/unit/plans/hosts.yml` has the plans of many recorded hosts.
"""
_OPTIONS = """\
## What you can ask for

The variables of the role [plan](roles.md#plan): a TensorFlow, a Python, a driver and its origin, a
container, another framework, and which GPUs are left out.
"""
_DRIVER = """\
**A driver that works stays**, whoever installed it, and is not upgraded. It works if module and
libraries are of one version, drive every GPU, and CUDA supports them. A driver that does not fit is
replaced from the same origin. NVIDIA's repository is used where the distribution's drivers are too
old for the GPUs or have no fabric manager for NVSwitches, unless `plan_driver_origin` is set; the
plan says why. A driver from a `.run` file, a PPA or DGX OS is not touched: the refusal has the
command that removes or updates it.

**The driver's packages are put on hold.** Where the distribution compiles the module for each
kernel, the kernel's package is held, too, as a newer kernel would boot without a module. `apt-mark
unhold` them to upgrade both. A kernel that another package keeps up to date, such as
`aws-lts-24.04`, gets the module of its own release; Ubuntu's `kvm` gets DKMS, as no package with
its modules is known. A kernel that a module is known not to build for is refused. A kernel newer
than those known is tried, which the plan says, and rolled back if it fails.
"""
_OTHERS = """\
TensorFlow's wheels for aarch64 have no CUDA. On request `plan_framework` installs
[Keras on JAX or PyTorch](provisioning.md#keras-on-jax-or-pytorch) instead. Neither has been seen on
a GPU by this project.
"""
_FRESH = """\
## By GPU, the newest first

The stack and the driver that a fresh server with one GPU gets. The number is the generation's
lowest compute capability that a stack runs on. A refused host is not changed.
"""
_COMPILED = """\
Where a stack's wheel has no kernels for a GPU, the driver compiles them from PTX when TensorFlow
first starts on it: once, for minutes. Where only the MLIR kernels are missing, as for Hopper, each
is compiled at its first use, in seconds. The plan says so, `verify` and the benchmark have it done
before anything is timed, and the environment keeps the result. The table has the oldest driver that
can do it, by compute capability.
"""

_CONTAINERS = """\
With `plan_container`, TensorFlow runs [in a container](provisioning.md#tensorflow-in-a-container).
The engine is the one that is on the host, if it is new enough; else the first of these.
"""
_ADDING = """\
## Adding to it

* A TensorFlow: a lock in `roles/tensorflow/files/` and a row in `stacks.yml`.
* A version of a system: its number in `systems.yml`, with what a fresh host of it has, and in the
  rows of `drivers.yml` and `repositories.yml`.
* A generation of GPUs: a row in `gpus.yml`, with the PCI ids of its chips.

Each row names its `source`. A row that contradicts another is refused in one line. Then run
`python -m docs.stacks`.
"""


def page(matrix: Matrix) -> str:
    """The whole text."""
    parts = [
        _HEAD,
        "## Stacks, the newest first\n",
        _stacks(matrix),
        _known(matrix),
        _COMPILED,
        _OTHERS,
        _FRESH,
        *_fresh(matrix),
        "## Drivers\n",
        _DRIVER,
        _drivers(matrix),
        "## Containers\n",
        _CONTAINERS,
        _containers(matrix),
        _images(matrix),
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
                f"`{row.name}`" + (", on request" if row.pinned or not row.tensorflow else ""),
                row.version if row.tensorflow else row.title,
                " to ".join(gpu.capabilities) if gpu else "CPU",
                gpu.cuda if gpu else "none",
                f"{gpu.cudnn_installed} (built with {gpu.cudnn})" if gpu else "none",
                _floors(gpu) if gpu else "none",
                " to ".join(dict.fromkeys((row.pythons[0], row.pythons[-1]))),
                ", ".join(row.architectures),
            ]
        )
    heads = ["stack", "TensorFlow", "compute capability", "CUDA", "cuDNN", "driver", "Python", "on"]
    return _table(heads, cells)


def _floors(gpu: GpuSupport) -> str:
    """The oldest drivers: "525.60.13; from 9.0: 555.42.02"."""
    rows = [f"from {row.capability}: {row.driver}" for row in gpu.compiled]
    return "; ".join([f"from {gpu.driver}", *rows])


def _known(matrix: Matrix) -> str:
    """What is known to be wrong with stacks and releases."""
    known: dict[str, list[str]] = {}
    for row in matrix.stacks:
        if row.known:
            known.setdefault(row.known.strip(), []).append(f"`{row.name}`")
    lines = [f"- {listed(names, 'and')}: {text}.\n" for text, names in known.items()]
    for broken in matrix.broken:
        on = f" on {listed(broken.capabilities, 'and')}" if broken.capabilities else ""
        lines.append(
            f"- TensorFlow {broken.tensorflow}{on} is refused: {broken.reason}; "
            f"take {broken.instead}.\n"
        )
    return "".join(lines)


def _drivers(matrix: Matrix) -> str:
    cells = []
    for row in matrix.drivers:
        flavours = row.precompiled.kernels if row.precompiled else ()
        kernels = ", ".join(dict.fromkeys(_OF_A_VERSION.sub("", each) for each in flavours))
        others = [each for each in row.architectures if each != "x86_64"]
        on = f" on {', '.join(others)}" if others else ""
        cells.append(
            [
                f"{row.system.capitalize()} {', '.join(row.versions)}".strip() + on,
                "NVIDIA's repository" if row.origin == "nvidia" else "the distribution",
                ", ".join(f"{branch} ({module})" for branch, module in row.branches.items()),
                f"compiled for {kernels}; else by DKMS" if kernels else "by DKMS",
                _ceilings(row),
            ]
        )
    heads = ["system", "from", "branch (module preferred)", "module", "kernels by DKMS"]
    return _table(heads, cells)


def _ceilings(row: DriverOffer) -> str:
    """The kernels that its modules build for: "470 below 6.12; 580 below 7.3 (newer: unknown)"."""
    parts: dict[str, None] = {}
    for each in row.ceilings:
        branch = f"{each.branch} {each.module}".strip()
        then = "" if each.known else " (newer: unknown)"
        parts[f"{branch} below {each.kernel}{then}"] = None
    return "; ".join(parts) or "any"


def _containers(matrix: Matrix) -> str:
    """The engines of each system, with those that are too old."""
    floors = {row.engine: row.version for row in matrix.engines}
    cells = []
    for row in matrix.containers:
        engines = []
        for name, its in row.engines.items():
            old = its.version and numbers(its.version) < numbers(floors[name])
            less = f" (too old: needs {floors[name]})" if old else ""
            engines.append(f"{name} {its.version}".strip() + less)
        system = f"{row.system.capitalize()} {', '.join(row.versions)}".strip()
        source = " from NVIDIA's repository" if row.repository else ""
        cells.append([system, "; ".join(engines), f"`{row.toolkit}`{source}"])
    return _table(["system", "engines", "toolkit"], cells)


def _images(matrix: Matrix) -> str:
    """Images to start with."""
    return "".join(
        f"One with kernels for {' to '.join(row.capabilities)}: `{row.name}` (TensorFlow "
        f"{row.tensorflow}).\n"
        for row in matrix.images
    )


def _fresh(matrix: Matrix) -> Iterator[str]:
    """A section for each generation: what drives it, and what each system gets."""
    for row in reversed(matrix.generations):
        gpu = _gpu(matrix)(row)
        yield f"### {row.name} (from {gpu.compute_capability})\n"
        yield f"{_needs(matrix, row, gpu)}\n"
        yield _table(["system", "gets"], _outcomes(matrix, gpu))


def _needs(matrix: Matrix, row: Generation, gpu: Gpu) -> str:
    """The driver that a generation takes, and whether its kernels are compiled at first."""
    parts = [f"Driver: {row.needs}."]
    supports = [stack.gpu for stack in matrix.stacks if stack.gpu and stack.gpu.takes(gpu)]
    compiled = supports[0].compiled_for(gpu) if supports else None
    if compiled:
        when = (
            "a part is compiled at the first use" if compiled.partly else "compiled at first start"
        )
        parts.append(f"Kernels: {when}, by {compiled.driver} or newer.")
        parts.append(f"{compiled.confirmed or 'Not yet confirmed on hardware'}.")
    return " ".join(parts)


def _outcomes(matrix: Matrix, gpu: Gpu) -> list[list[str]]:
    """The systems that get the same, and what it is."""
    every: dict[str, dict[str, list[str]]] = {}
    for system in matrix.systems:
        for version in system.versions or ("",):
            try:
                record = resolve(fresh.host(system, version, [gpu]), Options(), matrix).record
                got = f"`{record.stack}`, {driver_cell(record)}"
            except RefusedError as refused:
                got = f"refused: needs {refused.expected}; {refused.do}"
            every.setdefault(got, {}).setdefault(system.name, []).append(version)
    names = [
        "; ".join(f"{name} {listed(versions, 'and')}".rstrip() for name, versions in each.items())
        for each in every.values()
    ]
    return [[name, got] for name, got in zip(names, every, strict=True)]


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
    PAGE.write_text(page(load(row_files.matrix())), encoding="utf-8")
