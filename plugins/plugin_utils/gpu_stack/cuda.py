"""CUDA and cuDNN: from wheels, from the system's repository, or none."""

from __future__ import annotations

from .host import Host
from .model import Matrix, Record, RefusedError, Row, Wishes
from .repositories import entry, row_for
from .stacks import limit

SYSTEM_CUDNN = "libcudnn9-cuda-12"


def decide(host: Host, wishes: Wishes, matrix: Matrix, stack: Row) -> Record:
    """The plan's `cuda`.

    Raises:
        RefusedError: it is wished for from a repository that does not have it.
    """
    if not host.has_gpu:
        return {"action": "none", "reason": host.without, "leaves": _leaves(host, "")}
    if wishes.cuda == "none":
        reason = "as plan_cuda asks: TensorFlow is for the CPU"
        return {"action": "none", "reason": reason, "leaves": _leaves(host, "")}
    if wishes.cuda == "system":
        return _system(host, matrix, stack)
    return {
        "action": "wheels",
        "reason": _reason(host, matrix, stack, "inside TensorFlow's own environment"),
        "version": stack["cuda"],
        "cudnn": stack["cudnn"],
        "installed_cudnn": stack["cudnn_installed"],
        "leaves": _leaves(host, ""),
    }


def _reason(host: Host, matrix: Matrix, stack: Row, where: str) -> str:
    if host.unseen:
        return f"{where}; the GPU is not on the bus, so that what takes most of them is taken"
    holding = limit(host, stack, matrix)
    return f"{where}; {holding}" if holding else where


def _system(host: Host, matrix: Matrix, stack: Row) -> Record:
    row = row_for(host, matrix)
    packages = row["cuda"].get(stack["cuda"]) if row else None
    if row is None or not packages or not stack["system_lock"] or host.found["wsl"]:
        here = f"{host.system['name']} {host.found['distribution']['version']}".strip()
        here += " under WSL2" if host.found["wsl"] else ""
        raise RefusedError(
            f"plan_cuda=system on {here} for TensorFlow {stack['tensorflow']}",
            f"a system whose repository has its CUDA {stack['cuda']} and cuDNN {stack['cudnn']}",
            nearest=True,
        )
    prefix = f"/usr/local/cuda-{stack['cuda']}"
    _must_have_one_cudnn(host, packages)
    return {
        "action": "system",
        "reason": _reason(host, matrix, stack, "from NVIDIA's repository, as plan_cuda asks"),
        "version": stack["cuda"],
        "cudnn": stack["cudnn"],
        "installed_cudnn": packages[SYSTEM_CUDNN].rsplit("-", 1)[0],
        "repository": entry(row),
        "packages": packages,
        "prefix": prefix,
        "leaves": _leaves(host, prefix),
    }


def _must_have_one_cudnn(host: Host, packages: Row) -> None:
    """Another cuDNN 9 of the system's would have to be replaced, and it is somebody's."""
    planned = packages[SYSTEM_CUDNN].rsplit("-", 1)[0]
    if SYSTEM_CUDNN in host.found["owned"]["packages"]:
        return
    for other in host.found["cudnn"]:
        in_system = other["path"].startswith("/usr/lib")
        if in_system and other["version"].startswith("9") and not _same(other["version"], planned):
            raise RefusedError(
                f"cuDNN {other['version']} at {other['path']}",
                f"cuDNN {planned}, or none, where the system's packages bring it",
                nearest=True,
            )


def _same(version: str, planned: str) -> bool:
    """Whether they agree as far as both are known."""
    return f"{planned}.".startswith(f"{version}.") or f"{version}.".startswith(f"{planned}.")


def _leaves(host: Host, prefix: str) -> list[str]:
    """The CUDA that is there and stays untouched."""
    return [
        f"{cuda['path']} (CUDA {cuda['version']}, not TensorFlow's)"
        for cuda in host.found["cuda"]
        if cuda["path"] != prefix
    ]


def changes(host: Host, planned: Record) -> list[str]:
    """What is not as planned yet, a phrase each."""
    if planned["action"] != "system":
        return []
    if any(cuda["path"] == planned["prefix"] for cuda in host.found["cuda"]) and any(
        _same(cudnn["version"], planned["installed_cudnn"]) for cudnn in host.found["cudnn"]
    ):
        return []
    names = " ".join(f"{name}={version}" for name, version in planned["packages"].items())
    return [f"install {names} from NVIDIA's repository"]
