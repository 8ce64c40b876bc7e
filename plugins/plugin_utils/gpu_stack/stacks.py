"""Which stack of TensorFlow, or what else trains, CUDA and cuDNN: the newest for all GPUs."""

from __future__ import annotations

from collections.abc import Sequence

from ..host_facts import Gpu
from ..versions import dotted, numbers
from .container import could_be
from .gpus import capabilities, chips, modules, titles
from .offers import no_module_for_all, older
from .options import RefusedError
from .request import Request
from .rows import listed
from .stack_rows import TITLES, GpuSupport, Stack


def choose(request: Request) -> Stack:
    """The stack's row.

    Raises:
        RefusedError: none fits the host's GPUs, its architecture, its C library or the options.
    """
    _must_be_whole(request)
    for_gpu = request.has_gpu and request.options.cuda != "none"
    every = [row for row in request.matrix.stacks if row.framework == request.options.trains]
    rows = [row for row in every if (row.gpu is not None) == for_gpu]
    if not rows:
        raise _for_gpus_alone(request)
    named = [row for row in rows if _asked(row, request)]
    if not named:
        raise _no_such_version(request, rows)
    _must_have_wheels(request, named[0])
    fitting = [row for row in named if row.gpu is None or _takes(row.gpu, request)]
    if not fitting:
        raise _no_kernels(request, named)
    return fitting[0]


def _takes(support: GpuSupport, request: Request) -> bool:
    """Whether there are kernels for every GPU.

    One that is not seen on the bus may be any that WSL2 has.
    """
    if request.unseen:
        return support.lowest <= request.matrix.oldest_under_wsl
    return all(map(support.takes, request.gpus))


def limit(request: Request, stack: Stack) -> str:
    """The GPUs that keep the others from a newer stack, and which that is; "" if none does."""
    every = [row for row in request.matrix.stacks if row.framework == stack.framework]
    rows = [row for row in every if row.gpu and not row.pinned]
    best = {gpu: _best(rows, [gpu]) for gpu in request.gpus}
    last = max(map(rows.index, filter(None, best.values())), default=0)
    holding = [gpu for gpu, row in best.items() if row is rows[last]]
    others = [gpu for gpu in request.gpus if gpu not in holding]
    if not (holding and others):
        return ""
    said = f"{chips(holding)} is the limit in this host"
    newer = _best(rows, others)
    if not newer or request.options.tensorflow or newer.version == stack.version:
        return said
    left = ",".join(gpu.address for gpu in holding)
    return f"{said}, without which it is {newer.title} (plan_ignore_gpus={left})"


def _best(rows: Sequence[Stack], gpus: Sequence[Gpu]) -> Stack | None:
    """The newest of the stacks for all of the GPUs."""
    return next((row for row in rows if row.gpu and all(map(row.gpu.takes, gpus))), None)


def _asked(row: Stack, request: Request) -> bool:
    wanted = request.options.tensorflow
    named = f"{row.tensorflow}.".startswith(f"{wanted}.") or row.name == wanted
    return named if wanted else not row.pinned


def _must_be_whole(request: Request) -> None:
    for row in request.matrix.broken:
        if row.tensorflow == request.options.tensorflow and row.concerns(request.gpus):
            on = f" on {titles(request.gpus)}" if row.capabilities else ""
            raise RefusedError(
                f"plan_tensorflow={row.tensorflow}{on}",
                f"a release that works: {row.reason}",
                f"ask for {row.instead}",
                nearest=True,
            )


def _for_gpus_alone(request: Request) -> RefusedError:
    why = request.without or f"plan_cuda={request.options.cuda}"
    return RefusedError(
        f"plan_framework={request.options.framework}, and {why}",
        f"a GPU for {TITLES[request.options.trains]}, which is locked for GPUs alone",
        nearest=True,
    )


def _no_such_version(request: Request, rows: Sequence[Stack]) -> RefusedError:
    offered = listed([row.tensorflow for row in rows], "or")
    known = any(_asked(row, request) for row in request.matrix.stacks)
    if known and not request.has_gpu:
        why = f"TensorFlow {offered}, as {request.without}"
    elif known:
        why = f"TensorFlow {offered} with plan_cuda=none, which is for the CPU"
    else:
        why = f"a version that Grindstone has locked, {offered}"
    return RefusedError(f"plan_tensorflow={request.options.tensorflow}", why, nearest=True)


def _must_have_wheels(request: Request, stack: Stack) -> None:
    facts, for_gpu = request.facts, stack.gpu is not None
    trains = stack.title
    lacking = [r for r in request.matrix.without_cuda if r.architecture == facts.architecture]
    if for_gpu and lacking and stack.framework == "tensorflow":
        raise RefusedError(
            f"{titles(request.gpus) or 'a GPU'} on {facts.architecture}, for which TensorFlow's "
            "wheels have no CUDA",
            f"{listed(stack.architectures, 'or')}, for which {trains} is built with GPUs",
            f"set {lacking[0].instead}",
            nearest=True,
        )
    if facts.architecture not in stack.architectures:
        for_cpu = {each for row in request.matrix.stacks for each in row.architectures}
        raise RefusedError(
            f"the architecture {facts.architecture}",
            f"{listed(stack.architectures, 'or')}, for which {trains} is built"
            + (" with GPUs" if for_gpu else ""),
            "" if for_gpu and facts.architecture in for_cpu else "use a machine of these",
            nearest=for_gpu,
        )
    if not facts.glibc or numbers(facts.glibc) < numbers(stack.glibc):
        raise RefusedError(
            f"glibc {facts.glibc}" if facts.glibc else "no glibc",
            f"glibc {stack.glibc} or newer, which {trains} needs",
            "use a newer system",
        )


def _no_kernels(request: Request, named: Sequence[Stack]) -> RefusedError:
    """Why no stack takes the GPUs, and which GPU it is."""
    strange = [gpu for gpu in request.gpus if not request.matrix.knows(gpu)]
    if strange:
        return _unknown(request, strange)
    wanted = request.options.tensorflow
    of_tensorflow = named[0].framework == "tensorflow"
    newest_here = "any TensorFlow here" if of_tensorflow else named[0].title
    asked = f"TensorFlow {wanted}" if wanted else newest_here
    supports = [row.gpu for row in named if row.gpu]
    newest, oldest = max(row.highest for row in supports), min(row.lowest for row in supports)
    new = [gpu for gpu in request.gpus if (gpu.capability or ()) > newest]
    old = [gpu for gpu in request.gpus if (gpu.capability or ()) < oldest]
    if not (new or old):
        return _no_one_stack(request, named)
    limit = f"at most {dotted(newest)}" if new else f"at least {dotted(oldest)}"
    aur = older(request, old) if old and not new else ""
    do = [*_without(request, new or old), *([f"for its driver alone {aur}"] if aur else [])]
    return RefusedError(
        f"{titles(new or old)}, compute capability {capabilities(new or old)}",
        f"{limit}, which {asked} has kernels for",
        ", or ".join(do),
        nearest=True,
    )


def _no_one_stack(request: Request, named: Sequence[Stack]) -> RefusedError:
    """Each GPU has a stack, and no stack has them all."""
    if request.unseen:
        supports = [row.gpu for row in named if row.gpu]
        lowest = dotted(min(support.lowest for support in supports))
        return RefusedError(
            "a GPU that is not on the PCI bus, and may be of "
            f"{dotted(request.matrix.oldest_under_wsl)}",
            f"kernels for any, and {named[0].title} has them from {lowest} on",
            nearest=True,
        )
    if not (request.borrowed or modules(request.gpus, request.matrix)):
        return no_module_for_all(request)
    return RefusedError(
        titles(request.gpus),
        f"GPUs that one release of {TITLES[request.options.trains]} has kernels for",
        "take one of them out, or bind it to vfio-pci",
        nearest=True,
    )


def _unknown(request: Request, strange: Sequence[Gpu]) -> RefusedError:
    matrix = request.matrix
    rows = [row for row in matrix.stacks if row.framework == request.options.trains]
    supports = [row.gpu for row in rows if row.gpu]
    each = {row.name for support in supports for row in matrix.taken(support)}
    taken = [row for row in matrix.generations if row.name in each]
    return RefusedError(
        f"{titles(strange)}, newer than Grindstone's table",
        f"GPUs from {taken[0].name} to {taken[-1].name}, "
        f"which {TITLES[request.options.trains]}'s wheels have kernels for",
        "name an image that has some for it with plan_container" if could_be(request) else "",
        nearest=True,
    )


def _without(request: Request, few: Sequence[Gpu]) -> list[str]:
    """What else to do where other GPUs are left."""
    return ["bind it to vfio-pci"] if len(few) < len(request.gpus) else []
