"""The matrix from its rows, checked: what is wrong is one line that names the file and the row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..requirements import msgspec
from ..typed import InvalidDataError, decode
from ..versions import numbers
from .container_rows import ContainerOffer, EngineFloor, Image
from .matrix import Matrix
from .rows import Cloud, Derivative, DriverOffer, Generation, Repository, Row, Switcher, System
from .stack_rows import Broken, GpuSupport, Stack, WithoutCuda

LOCKS = Path(__file__).parents[3] / "roles/tensorflow/files"
# The file of roles/plan/vars/main/ that each list stands in, and its rows' type.
_LISTS: dict[str, tuple[str, type[Row]]] = {
    "stacks": ("stacks.yml", Stack),
    "broken": ("stacks.yml", Broken),
    "without_cuda": ("stacks.yml", WithoutCuda),
    "generations": ("gpus.yml", Generation),
    "systems": ("systems.yml", System),
    "derivatives": ("systems.yml", Derivative),
    "switchers": ("systems.yml", Switcher),
    "clouds": ("systems.yml", Cloud),
    "drivers": ("drivers.yml", DriverOffer),
    "repositories": ("repositories.yml", Repository),
    "containers": ("containers.yml", ContainerOffer),
    "engines": ("containers.yml", EngineFloor),
    "images": ("containers.yml", Image),
}
# Of a template's braces.
_WORDS = dict.fromkeys(
    ["branch", "open", "server", "kernel", "release", "version", "package", "names"], ""
)


def load(rows: Mapping[str, Sequence[Mapping[str, Any]]], locks: Path = LOCKS) -> Matrix:
    """The matrix.

    rows: the role's lists by name, such as "stacks".  locks: the folder of the stacks' lock files.

    Raises:
        InvalidDataError: a row has another shape than its type, or contradicts another.
    """
    unknown = set(rows) ^ set(_LISTS)
    if unknown:
        raise InvalidDataError(f"plan_matrix: {', '.join(sorted(unknown))} missing or unknown")
    lists: dict[str, Any] = {
        name: tuple(
            decode(row, kind, _place(name, number, _named(row)))
            for number, row in enumerate(rows[name])
        )
        for name, (_file, kind) in _LISTS.items()
    }
    matrix = Matrix(**lists)
    for name in _LISTS:
        for number, row in enumerate(getattr(matrix, name)):
            wrong = next(iter(_faults(row, number, matrix, locks)), "")
            if wrong:
                title = _named(msgspec.structs.asdict(row))
                raise InvalidDataError(f"{_place(name, number, title)}: {wrong}")
    for_cpu = [row for row in matrix.stacks if row.tensorflow and row.gpu is None]
    if not any(not row.pinned for row in for_cpu):
        raise InvalidDataError(f"{_place('stacks', 0, '')}: no stack here is for the CPU")
    return matrix


def _place(name: str, number: int, title: str) -> str:
    said = f" ({title})" if title else ""
    return f"roles/plan/vars/main/{_LISTS[name][0]}: plan_{name}, row {number + 1}{said}"


def _named(row: Mapping[str, Any]) -> str:
    """What a person knows a row by, before it has a type."""
    keys = ("name", "system", "engine", "tensorflow", "architecture")
    return next((str(row[key]) for key in keys if key in row), "")


def _faults(row: Row, number: int, matrix: Matrix, locks: Path) -> Iterable[str]:
    """What is wrong with a row beside the others."""
    if isinstance(row, Stack):
        yield from _stack_faults(row, number, matrix, locks)
    elif isinstance(row, Broken):
        if row.instead not in [stack.tensorflow for stack in matrix.stacks]:
            yield f"TensorFlow {row.instead}, to be taken instead, is in no stack"
    elif isinstance(row, Generation):
        yield from _generation_faults(row, number, matrix)
    elif isinstance(row, System):
        for version in row.versions or ("",):
            if version not in row.fresh:
                yield f"a fresh host of version {version or 'none'} is not told"
        yield from _template_faults([row.foreign_headers, row.unhold, row.purge])
        for line in row.kernels:
            yield from _template_faults([line.headers, line.own_headers, *line.flavours])
            yield from _pattern_faults([line.releases, *line.aliases])
    elif isinstance(row, DriverOffer):
        yield from _system_faults(row.system, row.versions, matrix)
        yield from _offer_faults(row)
    elif isinstance(row, Repository):
        yield from _system_faults(row.system, (row.version,), matrix)
    elif isinstance(row, ContainerOffer):
        yield from _system_faults(row.system, row.versions, matrix)
        for name in set(row.engines) - {each.engine for each in matrix.engines}:
            yield f"since when {name} has CDI is not told"


def _stack_faults(row: Stack, number: int, matrix: Matrix, locks: Path) -> Iterable[str]:
    if row.name in [stack.name for stack in matrix.stacks[:number]]:
        yield "there is another stack of this name"
    if len([each for each in (row.tensorflow, row.jax, row.torch) if each]) != 1:
        yield "it has to have the version of one of tensorflow, jax and torch"
    if not row.pythons or not row.architectures:
        yield "it has no Python, or no architecture"
    for lock in filter(None, [row.lock, row.gpu.system_lock if row.gpu else ""]):
        if not (locks / lock).is_file():
            yield f"there is no lock file {lock}"
    if row.gpu:
        yield from _compiled_faults(row.gpu)
        if bool(row.gpu.system_lock) != bool(row.gpu.system_cudnn):
            yield "system_lock and system_cudnn go together"
        low, high = row.gpu.capabilities
        if row.gpu.lowest > row.gpu.highest:
            yield f"the compute capabilities from {low} to {high} are the wrong way round"
        elif not matrix.taken(row.gpu):
            yield f"the compute capabilities from {low} to {high} are of no generation"
        alike = [each for each in matrix.stacks[:number] if each.framework == row.framework]
        newer = [each.version for each in alike if each.gpu and not each.is_nightly]
        if newer and not row.is_nightly and numbers(newer[-1]) < numbers(row.version):
            yield f"{row.title} stands below {newer[-1]}: the newest comes first"


def _compiled_faults(support: GpuSupport) -> Iterable[str]:
    older: tuple[int, ...] = ()
    for row in support.compiled:
        capability = numbers(row.capability)
        if capability <= older:
            yield f"compiled: {row.capability} does not come after a lower compute capability"
        if not support.lowest <= capability <= support.highest:
            yield f"compiled: {row.capability} is not among its compute capabilities"
        older = capability


def _generation_faults(row: Generation, number: int, matrix: Matrix) -> Iterable[str]:
    older = matrix.generations[:number]
    if row.name in [each.name for each in older]:
        yield "there is another generation of this name"
    if older and numbers(older[-1].capability) >= numbers(row.capability):
        yield f"its compute capability is not above that of {older[-1].name}, which is older"
    if not row.modules:
        yield "no kernel module drives it"


def _system_faults(system: str, versions: tuple[str, ...], matrix: Matrix) -> Iterable[str]:
    known = [version for row in matrix.systems if row.id == system for version in row.versions]
    if system not in [row.id for row in matrix.systems]:
        yield f"there is no system {system}"
    for version in versions:
        if version not in known:
            yield f"there is no version {version} of {system}"


def _offer_faults(row: DriverOffer) -> Iterable[str]:
    ready = row.precompiled
    yield from _template_faults(
        [
            *row.first,
            *row.needs,
            *row.packages.desktop,
            *row.packages.headless,
            *row.module.values(),
            *(ready.packages.values() if ready else ()),
            row.older,
            row.fabric_manager,
        ]
    )
    for branch, module in row.branches.items():
        if not (branch.isdigit() or row.at_least):
            yield f"the branch {branch} is no number, and at_least is missing"
        if module not in row.module:
            yield f"the branch {branch} is to have the {module} module, which no package brings"
    for ceiling in row.ceilings:
        if ceiling.branch not in row.branches or ceiling.module not in ("", *row.module):
            yield f"a ceiling is of {ceiling.branch} {ceiling.module}, which is not offered"


def _template_faults(templates: Iterable[str]) -> Iterable[str]:
    for template in templates:
        try:
            template.format(**_WORDS)
        except (KeyError, ValueError, IndexError):
            yield f"{template} has a word in braces that is none of {', '.join(_WORDS)}"


def _pattern_faults(patterns: Iterable[str]) -> Iterable[str]:
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            yield f"{pattern} is no regular expression: {error}"
