"""A container in place of TensorFlow's environment, where the user names one by its digest."""

from __future__ import annotations

import re

from ..host_environment import ContainerEngine
from ..requirements import msgspec
from ..versions import numbers
from .container_rows import ContainerOffer, EngineName
from .options import RefusedError
from .plan import ContainerPlan, ImageCuda, TensorFlowPlan, ToolkitEntry
from .request import Request
from .rows import listed
from .stack_rows import Stack

STACK = "container"
ENGINES: tuple[EngineName, ...] = ("podman", "docker")
_OPTION = "plan_container"
# With its registry: podman knows none to take a short name from.
_IMAGE = re.compile(r"(?:[\w-]+\.[\w.-]+|localhost)(?::\d+)?/[\w.:/-]+@sha256:[0-9a-f]{64}")
_OF_ARM = re.compile(r"arm64|aarch64|sbsa|igpu|l4t", re.IGNORECASE)
# What an image brings itself.
_ITS_OWN = ("framework", "tensorflow", "tensorflow_wheel", "python")


def decide(request: Request) -> ContainerPlan | None:
    """The plan's `container`, None where none is asked for.

    Raises:
        RefusedError: none can be had on this host, or the image is not named by its digest.
    """
    options = request.options
    _must_be_known(options.container_engine)
    if not options.container:
        if options.container_engine:
            raise RefusedError(
                f"plan_container_engine={options.container_engine} without plan_container",
                "an image for it, IMAGE@sha256:…",
                "name one with plan_container",
                nearest=True,
            )
        return None
    _must_be_a_digest(request)
    offer = _offer(request)
    _must_be_alone(request)
    name, there, reason = _engine(request, offer)
    own = () if there else (offer.engines[name].package,)
    foreign = request.facts.containers.repository
    source = None if foreign else offer.repository
    return ContainerPlan(
        reason=reason,
        image=options.container,
        engine=name,
        packages=(*own, offer.toolkit),
        unit=offer.engines[name].unit,
        repository=ToolkitEntry(source.distro, source.key_fingerprint, source.arch, source.key)
        if source
        else None,
    )


def stack(request: Request) -> Stack:
    """The newest stack that takes the GPUs, for the driver: the image's own CUDA is not known.

    What the stack's wheel alone has to compile is not the image's.
    """
    stacks = request.matrix.stacks
    taking = [
        row
        for row in stacks
        if row.gpu
        and row.tensorflow
        and not row.pinned
        and all(row.gpu.takes(gpu) for gpu in request.gpus)
    ]
    newest = taking[0] if taking else next(row for row in stacks if row.gpu is None)
    gpu = newest.gpu and msgspec.structs.replace(newest.gpu, compiled=())
    return msgspec.structs.replace(newest, name=STACK, gpu=gpu)


def cuda(request: Request) -> ImageCuda:
    """The plan's `cuda`."""
    leaves = [f"{cuda.path} (CUDA {cuda.version})" for cuda in request.facts.cuda]
    return ImageCuda("the image's own", tuple(leaves))


def tensorflow(request: Request) -> TensorFlowPlan:
    """The plan's `tensorflow`: the image's, of which nothing is known."""
    folder = f"{request.options.prefix.rstrip('/')}/tensorflow"
    known = (
        "which TensorFlow it has, and for which GPUs and CUDA, is not known to Grindstone, and "
        "verify decides"
    )
    return TensorFlowPlan("", True, "", folder, "python3", "the image's own", known=known)


def changes(request: Request, planned: ContainerPlan) -> tuple[list[str], list[str]]:
    """What is not as planned yet, a phrase each: by the package manager, and otherwise."""
    there = request.facts.containers
    installed = {engine.package for engine in there.engines}
    *engine, toolkit = planned.packages
    packages = [f"install {name}" for name in engine if name not in installed]
    if not there.toolkit:
        source = " from NVIDIA's repository" if planned.repository else ""
        packages.append(f"install {toolkit}{source}")
    others = [] if there.cdi else ["describe the GPUs to containers (CDI)"]
    if planned.image not in there.images:
        others.append("fetch the image")
    return packages, others


def _must_be_known(engine: str) -> None:
    if engine not in ("", *ENGINES):
        raise RefusedError(
            f"plan_container_engine={engine}", listed(ENGINES, "or"), "name one of these"
        )


def _must_be_a_digest(request: Request) -> None:
    said = request.options.container
    if not _IMAGE.fullmatch(said):
        raise RefusedError(
            f"{_OPTION}={said}",
            "an image with its registry and its digest, HOST/NAME@sha256:…",
            f"take the digest that `skopeo inspect docker://NAME` tells of one{_known(request)}",
            nearest=True,
        )
    if _OF_ARM.search(said.partition("@")[0]):
        raise RefusedError(
            f"{_OPTION}={said}, an image for Arm",
            f"one for {request.facts.architecture}",
            "name another",
            nearest=True,
        )


def _known(request: Request) -> str:
    """An image whose TensorFlow has kernels for these GPUs, for who has none in mind."""
    for row in request.matrix.images:
        low, high = map(numbers, row.capabilities)
        every = [gpu.capability for gpu in request.gpus]
        if every and all(each and low <= each <= high for each in every):
            return f" for this GPU, such as {row.name} (TensorFlow {row.tensorflow})"
    return ""


def _offer(request: Request) -> ContainerOffer:
    """The system's row."""
    facts = request.facts
    if request.borrowed:
        where = "WSL2" if facts.wsl else f"a container ({facts.container})"
        raise RefusedError(
            f"{_OPTION} inside {where}",
            "a machine of its own, whose driver is Linux's",
            "use Docker Desktop there" if facts.wsl else "start the image where this one started",
            nearest=True,
        )
    if not request.has_gpu:
        raise RefusedError(
            f"{_OPTION}, and {request.without}",
            "a GPU: for the CPU there are TensorFlow's own wheels",
            nearest=True,
        )
    rows = _rows(request)
    for row in rows:
        if facts.architecture in row.architectures:
            return row
    every = [name for row in rows for name in row.architectures]
    raise RefusedError(
        f"{_OPTION} on {request.system_title}, {facts.architecture}",
        f"{listed(every, 'or')}, for which Grindstone knows how to set it up"
        if every
        else "a system on which Grindstone knows how to set it up",
        "set up an engine and NVIDIA's container toolkit by hand",
        nearest=True,
    )


def _rows(request: Request) -> list[ContainerOffer]:
    """The system's rows, of any architecture."""
    here = request.facts.distribution
    rows = [row for row in request.matrix.containers if row.system == here.id]
    return [row for row in rows if not row.versions or here.version in row.versions]


def could_be(request: Request) -> bool:
    """Whether an image is a way, for a GPU that no wheel is known to have kernels for."""
    architecture = request.facts.architecture
    fits = any(architecture in row.architectures for row in _rows(request))
    return fits and not (request.borrowed or request.options.container)


def _must_be_alone(request: Request) -> None:
    options = request.options
    named = [f"plan_{name}={value}" for name in _ITS_OWN if (value := getattr(options, name))]
    if options.cuda != "wheels":
        named.append(f"plan_cuda={options.cuda}")
    if named:
        raise RefusedError(
            f"{_OPTION} and {listed(named, 'and')}",
            "an image alone, which brings its own",
            "leave one of them out",
            nearest=True,
        )


def _engine(
    request: Request, offer: ContainerOffer
) -> tuple[EngineName, ContainerEngine | None, str]:
    """The engine, the one that is there if it is, and why it.

    The one that is asked for; else one that is there; else the first that the system has.
    """
    asked, owned = request.options.container_engine, request.facts.owned
    ours = "container" in owned.open
    floors = {row.engine: row.version for row in request.matrix.engines}
    why_not: list[str] = []
    ready: list[tuple[EngineName, ContainerEngine | None, str]] = []
    for name, its in offer.engines.items():
        there = next((e for e in request.facts.containers.engines if e.name == name), None)
        version = there.version if there else its.version
        # Its own is taken for what the system has, so that the plan stays as it was.
        if there and (ours or there.package in owned.packages):
            there = None
        if asked not in ("", name):
            continue
        if there and there.package == "snap":
            why_not.append(f"{name} from a snap, which sees no GPU by CDI")
        elif version and numbers(version) < numbers(floors[name]):
            why_not.append(f"{name} {version}, which has no CDI (from {floors[name]} on)")
        else:
            whose = "which is there" if there else f"{request.system.name}'s own"
            ready.append((name, there, "as plan_container_engine asks" if asked else whose))
    if not ready:
        raise RefusedError(
            f"{listed(why_not, 'and')} on {request.system_title}",
            "an engine that gives a container its GPUs",
            "" if asked else "install a newer one",
            nearest=True,
        )
    return next((each for each in ready if each[1]), ready[0])
