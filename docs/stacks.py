"""Makes docs/stacks.md from the rows of the matrix alone, by `python -m docs.stacks`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from plugins.plugin_utils.gpu_stack import fresh
from plugins.plugin_utils.gpu_stack.load import load
from plugins.plugin_utils.gpu_stack.matrix import Matrix
from plugins.plugin_utils.gpu_stack.options import Options, RefusedError
from plugins.plugin_utils.gpu_stack.resolve import resolve
from plugins.plugin_utils.gpu_stack.rows import DriverOffer, Generation, listed
from plugins.plugin_utils.gpu_stack.stack_rows import GpuSupport
from plugins.plugin_utils.gpu_stack.table import driver_cell
from plugins.plugin_utils.host_facts import Gpu
from plugins.plugin_utils.matrix_files import rows
from plugins.plugin_utils.versions import numbers

PAGE = Path(__file__).with_suffix(".md")

_HEAD = """\
# Which GPU gets which stack?

Made by `python -m docs.stacks` from `roles/plan/vars/main/`, where every row names its source. The
rule: **the newest stack that takes all GPUs of the host**, with one driver from one origin. Where
nothing fits, `site.yml` stops before it has changed anything, with one line that says what was
found, what was expected and the nearest thing that works. `ansible-playbook playbooks/plan.yml`
shows what it would be on yours; `tests/unit/plans/hosts.yml` records many unlike hosts, with what
comes of each.
"""
_OPTIONS = """\
## What you can ask for

The variables of the role [plan](roles.md#plan): a TensorFlow, a Python, a driver and its origin, a
container, another framework, and which GPUs are left out.
"""
_DRIVER = """\
A driver that works stays, whoever installed it: the loaded module and the libraries are of one
version, its branch and its module drive every GPU, and CUDA takes it. One that does not fit is
replaced within its origin. Where the distribution's are too old for the GPUs, or have no fabric
manager for NVSwitches, and nobody has set `plan_driver_origin`, NVIDIA's repository is taken, and
the plan says why. What a `.run` file or a PPA has installed is not touched: the refusal has the
command that removes it. Nor is what is part of another system: the driver of a DGX is DGX OS's,
whose own update the refusal names. Where a branch is installed and still fits, it is not upgraded.

The driver's packages are put on hold. Where the distribution compiles the module for each kernel,
the kernel's own package is held with them: a newer kernel would boot without a module.
`apt-mark unhold` them to upgrade both. A kernel that another package keeps up to date, such
as `aws-lts-24.04`, gets the module of its own release; Ubuntu's `kvm` gets DKMS, as no package with
its modules is known. A kernel that a module is known not to build for is refused; one that nobody
has told of is tried, which the plan says, and all is put back where it fails.
"""
_OTHERS = """\
TensorFlow's wheels for aarch64 have no CUDA. On request (`plan_framework`), and never by itself, an
environment gets Keras on JAX or on PyTorch in its place, whose wheels have it; the benchmark trains
the same networks there. Neither has been seen on a GPU by this project. Ubuntu has the driver for
aarch64; elsewhere the one that is there stays (as DGX OS brings it), or `plan_driver=skip`. The
role, its folder and the member of plan.json keep the name `tensorflow`. A Jetson is refused.
"""
_FRESH = """\
## By GPU, the newest first

What a fresh server with one GPU of a generation gets: the stack, and the driver to install. The
number is a compute capability: the lowest of the generation that a stack runs on. Where it
is refused, nothing is changed, and the line names the nearest that works.
"""
_COMPILED = """\
A GPU that a stack's wheel has no kernels for has them compiled, from PTX, by its driver when
TensorFlow first starts on it: once, and for minutes where it has none at all. Where it lacks but
the MLIR kernels, as for Hopper, each is compiled at its first use, which takes seconds. The plan
says so, `verify` and the benchmark have it done before anything is timed, and the environment keeps
what was compiled. The oldest driver for it is in the table, by the compute capability that it
counts from.
"""

_CONTAINERS = """\
By request, with `plan_container`, TensorFlow is in an image: by an engine of the system's own that
gives it the GPUs (CDI) by NVIDIA's container toolkit. One that is on the host is taken, where it
is new enough; else the first of these.
"""
_ADDING = """\
## Adding to it

A new TensorFlow is a lock in `roles/tensorflow/files/` and a row in `stacks.yml`. A new version of
a system is its number in `systems.yml`, with what a fresh host of it has, and in the rows of
`drivers.yml` and `repositories.yml` for it. A new generation of GPUs is a row in `gpus.yml`, with
the PCI ids of its chips. Each names its `source`. A row that contradicts another is refused in one
line. Then run `python -m docs.stacks`.
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
                f"`{row.name}`" + (", when asked for" if row.pinned or not row.tensorflow else ""),
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
        every = ", ".join(row.precompiled.kernels) if row.precompiled else ""
        kernels = every.replace("{version}", "VERSION")
        cells.append(
            [
                f"{row.system.capitalize()} {', '.join(row.versions)}".strip(),
                "NVIDIA's repository" if row.origin == "nvidia" else "the distribution",
                ", ".join(f"{branch} ({module})" for branch, module in row.branches.items()),
                f"compiled for {kernels}; else by DKMS" if kernels else "by DKMS",
                _ceilings(row),
            ]
        )
    heads = ["system", "from", "branch (module preferred)", "module", "kernels by DKMS"]
    return _table(heads, cells)


def _ceilings(row: DriverOffer) -> str:
    """The kernels that its modules build for: "470 before 6.12; 580 before 7.3, then not known"."""
    parts: dict[str, None] = {}
    for each in row.ceilings:
        branch = f"{each.branch} {each.module}".strip()
        then = "" if each.known else ", then not known"
        parts[f"{branch} before {each.kernel}{then}"] = None
    return "; ".join(parts) or "any"


def _containers(matrix: Matrix) -> str:
    """The engines of each system, with those that are too old."""
    floors = {row.engine: row.version for row in matrix.engines}
    cells = []
    for row in matrix.containers:
        engines = []
        for name, its in row.engines.items():
            old = its.version and numbers(its.version) < numbers(floors[name])
            less = f", less than {floors[name]}: not taken" if old else ""
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
                got = f"refused: {refused.expected}: {refused.do}"
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
    PAGE.write_text(page(load(rows())), encoding="utf-8")
