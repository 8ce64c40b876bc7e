"""CUDA and cuDNN: from wheels, from the system's repository, or none."""

from __future__ import annotations

from ..versions import numbers
from .minimum_driver import compiled_gpus
from .options import RefusedError
from .plan import CudaPlan, NoCuda, RepositoryEntry, SystemCuda, WheelsCuda
from .request import Request
from .rows import CudaPackages, Repository
from .stack_rows import TITLES, GpuSupport, Stack
from .stacks import limit


def decide(request: Request, stack: Stack) -> CudaPlan:
    """The plan's `cuda`.

    Raises:
        RefusedError: it is asked for from a repository that does not have it.
    """
    if stack.gpu is None:
        asked = "as plan_cuda asks: TensorFlow is for the CPU"
        return NoCuda(request.without or asked, _leaves(request, ""))
    if request.options.cuda == "system":
        return _system(request, stack, stack.gpu)
    return WheelsCuda(
        reason=_reason(request, stack, f"inside {TITLES[stack.framework]}'s own environment"),
        version=stack.gpu.cuda,
        cudnn=stack.gpu.cudnn,
        installed_cudnn=stack.gpu.cudnn_installed,
        leaves=_leaves(request, ""),
    )


def entry(row: Repository) -> RepositoryEntry:
    """What the roles need of a repository's row."""
    return RepositoryEntry(row.distro, row.key_fingerprint)


def _reason(request: Request, stack: Stack, where: str) -> str:
    if request.unseen:
        return f"{where}; the GPU is not on the bus: the stack for most GPUs"
    holding = limit(request, stack)
    return f"{where}; {holding}" if holding else where


def _system(request: Request, stack: Stack, support: GpuSupport) -> SystemCuda:
    facts = request.facts
    row = request.matrix.repository(facts.distribution)
    offered = row.cuda.get(support.cuda) if row else None
    if row is None or offered is None or not support.system_lock or facts.wsl:
        here = request.system_title + (" under WSL2" if facts.wsl else "")
        raise RefusedError(
            f"plan_cuda=system on {here} for {stack.title}",
            f"a system whose repository has its CUDA {support.cuda}",
            nearest=True,
        )
    _must_compile(request, stack, support)
    packages = {**offered.packages, offered.cudnn: f"{support.system_cudnn}-1"}
    _must_have_one_cudnn(request, offered, support.system_cudnn)
    prefix = f"/usr/local/cuda-{support.cuda}"
    return SystemCuda(
        reason=_reason(request, stack, "from NVIDIA's repository, as plan_cuda asks"),
        version=support.cuda,
        cudnn=support.cudnn,
        installed_cudnn=support.system_cudnn,
        repository=entry(row),
        packages=packages,
        prefix=prefix,
        leaves=_leaves(request, prefix),
    )


def _must_compile(request: Request, stack: Stack, support: GpuSupport) -> None:
    """XLA compiles with the ptxas of this CUDA."""
    for gpu, row in compiled_gpus(stack, request.gpus):
        if row.ptxas and numbers(support.cuda) < numbers(row.ptxas):
            raise RefusedError(
                f"plan_cuda=system, whose ptxas is {support.cuda}, for {gpu.title}",
                f"ptxas {row.ptxas} or newer, which compiles for it",
                nearest=True,
            )


def _must_have_one_cudnn(request: Request, offered: CudaPackages, planned: str) -> None:
    """Another cuDNN of this major version would have to be replaced, and it is somebody's."""
    if offered.cudnn in request.facts.owned.packages:
        return
    for other in request.facts.cudnn:
        rival = other.version.split(".")[0] == planned.split(".")[0]
        if other.path.startswith("/usr/lib") and rival and not _same(other.version, planned):
            raise RefusedError(
                f"cuDNN {other.version} at {other.path}",
                f"cuDNN {planned}, or none, where the system's packages bring it",
                nearest=True,
            )


def _same(version: str, planned: str) -> bool:
    """Whether they agree as far as both are known."""
    return f"{planned}.".startswith(f"{version}.") or f"{version}.".startswith(f"{planned}.")


def _leaves(request: Request, prefix: str) -> tuple[str, ...]:
    """The CUDA that is there and stays untouched."""
    return tuple(
        f"{cuda.path} (CUDA {cuda.version}, not {TITLES[request.options.trains]}'s)"
        for cuda in request.facts.cuda
        if cuda.path != prefix
    )


def changes(request: Request, planned: CudaPlan) -> list[str]:
    """What is not as planned yet, a phrase each."""
    if not isinstance(planned, SystemCuda):
        return []
    facts = request.facts
    toolkit = any(cuda.path == planned.prefix for cuda in facts.cuda)
    if toolkit and any(_same(each.version, planned.installed_cudnn) for each in facts.cudnn):
        return []
    names = " ".join(f"{name}={version}" for name, version in planned.packages.items())
    return [f"install {names} from NVIDIA's repository"]
