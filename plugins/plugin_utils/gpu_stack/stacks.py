"""Which line-up of TensorFlow, CUDA and cuDNN: the newest that takes all GPUs."""

from __future__ import annotations

from . import gpus
from .host import Host
from .model import Matrix, RefusedError, Row, Wishes, listed, numbers

NGC = "nvcr.io/nvidia/tensorflow:25.02-tf2-py3"


def choose(host: Host, wishes: Wishes, matrix: Matrix) -> Row:
    """The stack's row.

    Raises:
        RefusedError: none fits the host's GPUs, its architecture, its C library or the wishes.
    """
    _must_be_whole(wishes, matrix)
    for_gpu = host.has_gpu and wishes.cuda != "none"
    rows = [row for row in matrix.stacks if bool(row["capabilities"]) == for_gpu]
    named = [row for row in rows if _asked(row, wishes)]
    if not named:
        raise _no_such_version(host, wishes, rows, matrix)
    _must_have_wheels(host, named[0])
    if not for_gpu:
        return named[0]
    fitting = [row for row in named if takes(row, host)]
    if not fitting:
        raise _no_kernels(host, wishes, rows, named, matrix)
    return fitting[0]


def takes(stack: Row, host: Host) -> bool:
    """Whether the stack has kernels for every GPU.

    One that is not seen on the bus, as under WSL2, is served by what takes Pascal and all after it.
    """
    if host.unseen:
        return numbers(stack["capabilities"][0]) <= [6, 0]
    return not any(gpus.out_of_stack(gpu, stack) for gpu in host.gpus)


def limit(host: Host, stack: Row, matrix: Matrix) -> str:
    """The GPUs that keep the others from a newer stack, for the record; "" if none does."""
    newer = matrix.stacks[: matrix.stacks.index(stack)]
    newer = [row for row in newer if row["capabilities"] and not row.get("pinned")]
    holding = [gpu for gpu in host.gpus if any(gpus.out_of_stack(gpu, row) for row in newer)]
    if not holding or len(holding) == len(host.gpus):
        return ""
    return f"{gpus.all_chips(holding)} is the limit in this host"


def _asked(row: Row, wishes: Wishes) -> bool:
    if not wishes.tensorflow:
        return not row.get("pinned")
    return f"{row['tensorflow']}.".startswith(f"{wishes.tensorflow}.")


def _must_be_whole(wishes: Wishes, matrix: Matrix) -> None:
    for row in matrix.broken:
        if row["tensorflow"] == wishes.tensorflow:
            raise RefusedError(
                f"plan_tensorflow={wishes.tensorflow}",
                f"a release that works: {row['reason']}",
                f"ask for {row['instead']}",
                nearest=True,
            )


def _no_such_version(host: Host, wishes: Wishes, rows: list[Row], matrix: Matrix) -> RefusedError:
    offered = listed(list(dict.fromkeys(row["tensorflow"] for row in rows)), "or")
    known = [row for row in matrix.stacks if _asked(row, wishes)]
    if known and not host.has_gpu:
        why = f"TensorFlow {offered}, as {host.without}"
    elif known:
        why = f"TensorFlow {offered} with plan_cuda=none, which is for the CPU"
    else:
        why = f"a version that Grindstone has locked, {offered}"
    return RefusedError(f"plan_tensorflow={wishes.tensorflow}", why, nearest=True)


def _must_have_wheels(host: Host, stack: Row) -> None:
    found = host.found
    tensorflow = f"TensorFlow {stack['tensorflow']}"
    if found["architecture"] not in stack["architectures"]:
        built = listed(stack["architectures"], "or")
        for_gpu = bool(stack["capabilities"])
        raise RefusedError(
            f"the architecture {found['architecture']}",
            f"{built}, for which {tensorflow} is built{' with GPUs' if for_gpu else ''}",
            "" if for_gpu and found["architecture"] == "aarch64" else "use a machine of these",
            nearest=for_gpu,
        )
    if not found["glibc"] or numbers(found["glibc"]) < numbers(stack["glibc"]):
        raise RefusedError(
            f"glibc {found['glibc']}" if found["glibc"] else "no glibc",
            f"glibc {stack['glibc']} or newer, which {tensorflow} needs",
            "use a newer system",
        )


def _no_kernels(
    host: Host, wishes: Wishes, rows: list[Row], named: list[Row], matrix: Matrix
) -> RefusedError:
    """Why no stack takes the GPUs, and which GPU it is."""
    strange = [gpu for gpu in host.gpus if gpus.unknown(gpu, matrix)]
    if strange:
        last = matrix.generations[-2]["name"]
        return RefusedError(
            f"{gpus.all_called(strange)}, newer than Grindstone's table",
            f"GPUs from Kepler to {last}, which TensorFlow's wheels have kernels for",
            f"use the newest container of NVIDIA's, {NGC} or later",
            nearest=True,
        )
    highest = max(numbers(row["capabilities"][1]) for row in rows)
    new = [gpu for gpu in host.gpus if numbers(gpu["compute_capability"]) > highest]
    if new:
        return RefusedError(
            f"{gpus.all_called(new)}, compute capability {_capabilities(new)}",
            f"at most {highest[0]}.{highest[1]}, the last with kernels in TensorFlow's wheels",
            listed([f"use the container {NGC}", *_without(host, new)], "or"),
            nearest=True,
        )
    asked = f"TensorFlow {wishes.tensorflow}" if wishes.tensorflow else "any TensorFlow here"
    lowest = min((row["capabilities"][0] for row in named), key=numbers)
    old = [gpu for gpu in host.gpus if numbers(gpu["compute_capability"]) < numbers(lowest)]
    return RefusedError(
        f"{gpus.all_called(old)}, compute capability {_capabilities(old)}",
        f"at least {lowest}, which {asked} has kernels for",
        *_without(host, old),
        nearest=True,
    )


def _without(host: Host, few: list[Row]) -> list[str]:
    """What else to do where other GPUs are left."""
    return ["bind it to vfio-pci"] if len(few) < len(host.gpus) else []


def _capabilities(several: list[Row]) -> str:
    return listed(list(dict.fromkeys(gpu["compute_capability"] for gpu in several)), "and")
