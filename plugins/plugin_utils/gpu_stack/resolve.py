"""Facts + wishes + matrix -> a plan or a refusal.  Pure functions: nothing is read or run.

The facts are the module gpu_info' `found`, the wishes are the role plan's inputs, and the matrix
is that role's `vars/main.yml`.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from . import cuda, driver, install, stacks
from .host import Host, seen
from .model import GRINDSTONE, UV, Facts, Matrix, Plan, Record, RefusedError, Row, Wishes, listed
from .python import default, interpreter

# What is tried in turn for a host and wishes that nothing fits: the least change first.
_NEAREST: list[dict[str, str]] = [
    {"driver_origin": "nvidia"},
    {"driver_origin": "distribution"},
    {"tensorflow": ""},
    {"python": ""},
    {"driver": ""},
    {"cuda": "wheels"},
    {"tensorflow": "", "python": ""},
    {"driver": "", "driver_origin": "nvidia"},
    {"driver": "", "driver_origin": "distribution"},
    {"cuda": "none"},
    {"cuda": "none", "driver": ""},
    {"cuda": "none", "driver_origin": "nvidia"},
    {"cuda": "none", "driver": "", "driver_origin": "nvidia"},
    {"cuda": "none", "tensorflow": "", "python": ""},
    {"driver": "keep"},
    {"cuda": "none", "driver": "skip"},
    {"cuda": "none", "driver": "skip", "tensorflow": "", "python": ""},
]


def resolve(found: Facts, wishes: Wishes, matrix: Matrix) -> Plan:
    """The newest stack that fits the host and the wishes.

    Raises:
        RefusedError: none does; it names the nearest that would.
    """
    try:
        return _resolve(found, wishes, matrix)
    except RefusedError as refused:
        if not refused.nearest:
            raise
        raise refused.with_advice(_nearest(found, wishes, matrix)) from None


def _nearest(found: Facts, wishes: Wishes, matrix: Matrix) -> str:
    """The least change of the wishes with which something fits.

    The disk and an interrupted package manager are another matter.
    """
    packages = {**found.get("packages", {}), "half_installed": [], "locked": False}
    found = {**found, "packages": packages, "free_mb": sys.maxsize, "free_boot_mb": None}
    for change in _NEAREST:
        other = replace(wishes, **change)  # type: ignore[arg-type]
        if other == wishes:
            continue
        try:
            plan = _resolve(found, other, matrix)
        except RefusedError:
            continue
        steps = [key for key, value in change.items() if getattr(wishes, key) != value]
        setting = [f"plan_{key}={change[key]}" for key in steps if change[key]]
        leaving = [f"plan_{key}" for key in steps if not change[key]]
        said = [f"set {listed(setting, 'and')}"] if setting else []
        said += [f"leave {listed(leaving, 'and')} empty"] if leaving else []
        return f"{' and '.join(said)} for {plan.record['stack']}"
    return ""


def _resolve(found: Facts, wishes: Wishes, matrix: Matrix) -> Plan:
    _must_be_wishes(wishes)
    host = seen(found, wishes, matrix)
    found = host.found
    stack = stacks.choose(host, wishes, matrix)
    version, base, reason = interpreter(found, wishes, stack, host.system)
    planned_driver = driver.decide(host, wishes, matrix, stack)
    planned_cuda = cuda.decide(host, wishes, matrix, stack)
    lock = stack["system_lock"] if planned_cuda["action"] == "system" else stack["lock"]
    folder = f"{wishes.prefix.rstrip('/')}/tensorflow"
    cudnn = planned_cuda["installed_cudnn"] if planned_cuda["action"] == "wheels" else ""
    environment = _environment(found, stack, version, base, folder, cudnn)
    if environment:
        _must_have_room(found, wishes, stack)
    seed = default(found)
    lacks_pip = seed is not None and not seed["ensurepip"]
    venv = host.system["venv_package"]
    packages = [venv] if lacks_pip and venv else []
    driver_changes = install.changes(host, planned_driver)
    by_manager = [
        *driver_changes,
        *cuda.changes(host, planned_cuda),
        *(f"install the package {name}" for name in packages),
    ]
    if by_manager:
        _must_be_free(host)
    if planned_driver["action"] == "install" and by_manager:
        _must_have_room_to_boot(host)
    record = {
        "schema": 1,
        "grindstone": GRINDSTONE,
        "stack": stack["name"],
        "host": {
            "distribution": f"{host.system['name']} {found['distribution']['version']}".strip(),
            "architecture": found["architecture"],
            "kernel": found["kernels"]["next"],
        },
        "gpus": [_lasting(gpu, host) for gpu in found["gpus"]],
        "driver": planned_driver,
        "cuda": planned_cuda,
        "tensorflow": _tensorflow(stack, version, folder, reason),
    }
    return Plan(
        record=record,
        base=base,
        lock=lock,
        seed=seed["path"] if seed else "",
        packages=packages,
        changes=by_manager + environment,
        driver_changes=driver_changes,
    )


def _tensorflow(stack: Row, version: str, folder: str, reason: str) -> Record:
    return {
        "version": stack["tensorflow"],
        "gpu": bool(stack["capabilities"]),
        "mend": stack.get("mend", ""),
        "python": version,
        "prefix": folder,
        "interpreter": f"{folder}/bin/python",
        "reason": reason,
    }


def _lasting(gpu: Row, host: Host) -> Row:
    """What does not change when the driver does, or the host's list of names."""
    keys = ("address", "device", "chip", "generation", "compute_capability")
    return {**{key: gpu[key] for key in keys}, "used": gpu in host.gpus}


def _must_be_wishes(wishes: Wishes) -> None:
    if not wishes.prefix.startswith("/"):
        raise RefusedError(
            f"plan_prefix=«{wishes.prefix}»",
            f"an absolute path, such as {Wishes.prefix}",
            "name one that starts with /",
        )
    for name, value, taken in (
        ("cuda", wishes.cuda, ("wheels", "system", "none")),
        ("driver_origin", wishes.driver_origin, ("distribution", "nvidia")),
    ):
        if value not in taken:
            raise RefusedError(f"plan_{name}={value}", " or ".join(taken), "name one of these")
    if wishes.driver not in driver.WISHES and not wishes.driver.isdigit():
        raise RefusedError(
            f"plan_driver={wishes.driver}",
            "keep, skip, or a branch such as 580",
            "name one of these, or leave it empty",
        )


def _must_have_room(found: Facts, wishes: Wishes, stack: Row) -> None:
    if found["free_mb"] < stack["disk_mb"]:
        raise RefusedError(
            f"{found['free_mb'] / 1000:.1f} GB free for {wishes.prefix}",
            f"{stack['disk_mb'] / 1000:.1f} GB for TensorFlow",
            "free some, or set plan_prefix to a folder on a larger disk",
        )


BOOT_MB = 200  # an initramfs with NVIDIA's modules beside the one that it replaces


def _must_have_room_to_boot(host: Host) -> None:
    free = host.found["free_boot_mb"]
    if free is not None and free < BOOT_MB:
        raise RefusedError(
            f"{free} MB free for /boot",
            f"{BOOT_MB} MB for the initramfs with the driver",
            "remove an old kernel (apt autoremove), then run the same command again",
        )


def _must_be_free(host: Host) -> None:
    """An interrupted package manager is somebody's, unless a run of ours was killed."""
    packages = host.found["packages"]
    if host.found["owned"]["open"]:
        return
    if packages["half_installed"]:
        raise RefusedError(
            f"{', '.join(packages['half_installed'])} half installed",
            "a package manager that has finished its work",
            "run `dpkg --configure -a`, then the same command again",
        )
    if packages["locked"]:
        raise RefusedError(
            "pacman's lock without a pacman",
            "a package manager that has finished its work",
            "run `rm /var/lib/pacman/db.lck`, then the same command again",
        )


def _environment(
    found: Facts, stack: Row, version: str, base: str, folder: str, cudnn: str
) -> list[str]:
    there = found["environment"]
    same = (there["python"], there["tensorflow"]) == (version, stack["tensorflow"])
    if same and there["cudnn"] in (None, cudnn):
        return []
    bring = [f"install Python {version} by uv"] if base == UV else []
    if not there["tensorflow"]:
        size = stack["disk_mb"] / 2000
        return [*bring, f"make {folder}: {size:.1f} GB"]
    old = f"Python {there['python'] or 'no longer there'}, TensorFlow {there['tensorflow']}"
    old += f", cuDNN {there['cudnn']}" if there["cudnn"] else ""
    return [*bring, f"replace {folder}, which holds {old}"]
