"""Which drivers and which stacks take all GPUs of a host."""

from __future__ import annotations

import re

from .model import Facts, Matrix, Row, listed, numbers


def with_capability(gpu: Row, matrix: Matrix) -> Row:
    """The GPU with a compute capability: its generation's lowest, where its own is not known."""
    known = re.fullmatch(r"\d+\.\d+", gpu["compute_capability"])
    if known or unknown(gpu, matrix):
        return gpu
    return {**gpu, "compute_capability": generation(gpu, matrix)["capability"]}


def here(found: Facts) -> list[Row]:
    """The GPUs that are this host's to use: not those passed through to a machine in it."""
    return [gpu for gpu in found["gpus"] if gpu["bound"] != "vfio-pci"]


def passed_through(found: Facts) -> list[Row]:
    """The others."""
    return [gpu for gpu in found["gpus"] if gpu["bound"] == "vfio-pci"]


def called(gpu: Row) -> str:
    """A GPU for people: «GeForce RTX 4090 (Ada)», or its number where nothing is known of it."""
    if not gpu["generation"]:
        return gpu["name"] or f"NVIDIA {gpu['device']}"
    return f"{gpu['name'] or gpu['chip'] or 'NVIDIA ' + gpu['device']} ({gpu['generation']})"


def chip(gpu: Row) -> str:
    """A GPU for the record, which the host's list of names must not change: «AD102 (Ada)»."""
    known = gpu["chip"] or f"NVIDIA {gpu['device']}"
    return f"{known} ({gpu['generation']})" if gpu["generation"] else known


def all_chips(gpus: list[Row]) -> str:
    """Several of them."""
    return listed(list(dict.fromkeys(chip(gpu) for gpu in gpus)), "and")


def all_called(gpus: list[Row]) -> str:
    """Several of them, equal ones counted."""
    names = [called(gpu) for gpu in gpus]
    each = list(dict.fromkeys(names))
    return listed([f"{names.count(n)} × {n}" if names.count(n) > 1 else n for n in each], "and")


def generation(gpu: Row, matrix: Matrix) -> Row:
    """A GPU's row in the matrix; one that the table does not know is newer, as the newest known."""
    rows = [row for row in matrix.generations if row["name"] == gpu["generation"]]
    return rows[0] if rows else matrix.generations[-1]


def unknown(gpu: Row, matrix: Matrix) -> bool:
    """Whether the GPU is newer than the table."""
    return gpu["generation"] not in [row["name"] for row in matrix.generations]


def modules(gpus: list[Row], matrix: Matrix) -> list[str]:
    """The kernel modules, «open» or «proprietary», that drive all of them."""
    rows = [generation(gpu, matrix) for gpu in gpus]
    return [name for name in ("open", "proprietary") if all(name in row["modules"] for row in rows)]


def out_of_branch(gpu: Row, branch: int, matrix: Matrix) -> bool:
    """Whether a driver's branch comes after the GPU's last, or before its first."""
    row = generation(gpu, matrix)
    too_new = row["last"] and branch > int(row["last"])
    return bool(too_new or (row["first"] and branch < int(row["first"])))


def out_of_stack(gpu: Row, stack: Row) -> bool:
    """Whether the stack has no kernels for the GPU.

    A GPU that is not seen on the bus, as under WSL2, is taken by what takes most of them.
    """
    if not gpu["compute_capability"]:
        return True
    lowest, highest = stack["capabilities"]
    return not numbers(lowest) <= numbers(gpu["compute_capability"]) <= numbers(highest)
