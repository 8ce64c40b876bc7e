"""Facts + options + matrix -> a plan or a refusal.  Pure functions: nothing is read or run.

The facts are what the module gpu_info finds, the options are the role plan's inputs, and the matrix
is that role's `vars/main/`.
"""

from __future__ import annotations

from ..host_facts import HostFacts
from ..versions import numbers
from . import cuda, driver, floors, gpus, install, stacks
from .matrix import Matrix, Stack
from .nearest import nearest
from .options import Options, RefusedError
from .plan import (
    UV,
    InstallDriver,
    Plan,
    PlannedGpu,
    PlannedHost,
    Record,
    SystemCuda,
    TensorFlowPlan,
    WheelsCuda,
)
from .python import interpreter
from .request import Request, seen

_BOOT_MB = 200  # an initramfs with NVIDIA's modules beside the one that it replaces


def resolve(facts: HostFacts, options: Options, matrix: Matrix) -> Plan:
    """The newest stack that fits the host and the options.

    Raises:
        RefusedError: none does; it names the nearest that would.
    """
    try:
        return _resolve(facts, options, matrix)
    except RefusedError as refused:
        if not refused.nearest:
            raise
        advice = nearest(facts, options, lambda found, other: _resolve(found, other, matrix))
        raise refused.with_advice(advice) from None


def _resolve(found: HostFacts, options: Options, matrix: Matrix) -> Plan:
    options.check()
    request = seen(found, options, matrix)
    facts = request.facts
    stack = stacks.choose(request)
    version, base, reason = interpreter(request, stack)
    planned_driver = driver.decide(request, stack)
    planned_cuda = cuda.decide(request, stack)
    lock = stack.lock
    if stack.gpu and isinstance(planned_cuda, SystemCuda):
        lock = stack.gpu.system_lock
    planned = _tensorflow(request, stack, version, reason)
    cudnn = planned_cuda.installed_cudnn if isinstance(planned_cuda, WheelsCuda) else ""
    environment = _environment(facts, stack, planned, base, cudnn)
    if environment:
        _must_have_room(request, stack)
    seed, venv = facts.python3, request.system.venv_package
    packages = (venv,) if venv and seed and not seed.ensurepip else ()
    driver_changes = install.changes(request, planned_driver)
    by_manager = [
        *driver_changes,
        *cuda.changes(request, planned_cuda),
        *(f"install the package {name}" for name in packages),
    ]
    if by_manager:
        _must_be_free(facts)
    if isinstance(planned_driver, InstallDriver) and by_manager:
        _must_have_room_to_boot(facts)
    record = Record(
        stack=stack.name,
        host=PlannedHost(request.system_title, facts.architecture, facts.kernels.next),
        gpus=tuple(PlannedGpu.of(gpu, used=gpu in request.gpus) for gpu in facts.gpus),
        driver=planned_driver,
        cuda=planned_cuda,
        tensorflow=planned,
    )
    return Plan(
        record=record,
        base=base,
        lock=lock,
        seed=seed.path if seed else "",
        packages=packages,
        changes=(*by_manager, *environment),
        driver_changes=tuple(driver_changes),
    )


def _tensorflow(request: Request, stack: Stack, python: str, reason: str) -> TensorFlowPlan:
    folder = f"{request.options.prefix.rstrip('/')}/tensorflow"
    compiled = floors.compiled(stack, request.gpus)
    return TensorFlowPlan(
        version=stack.tensorflow,
        gpu=stack.gpu is not None,
        python=python,
        prefix=folder,
        interpreter=f"{folder}/bin/python",
        reason=reason,
        compiled=gpus.chips([gpu for gpu, _ in compiled]),
        confirmed=all(row.confirmed for _, row in compiled),
        ptxas=max((row.ptxas for _, row in compiled), key=numbers, default=""),
        known=stack.known.strip(),
    )


def _environment(
    facts: HostFacts, stack: Stack, planned: TensorFlowPlan, base: str, cudnn: str
) -> list[str]:
    """What is not as planned of the environment, a phrase each."""
    there, folder = facts.environment, planned.prefix
    same = (there.python, there.tensorflow) == (planned.python, planned.version)
    if same and there.cudnn in (None, cudnn):
        return []
    bring = [f"install Python {planned.python} by uv"] if base == UV else []
    if not there.tensorflow:
        size = stack.disk_mb / 2000  # one to use, beside one that replaces it later
        return [*bring, f"make {folder}: {size:.1f} GB"]
    old = f"Python {there.python or 'no longer there'}, TensorFlow {there.tensorflow}"
    old += f", cuDNN {there.cudnn}" if there.cudnn else ""
    return [*bring, f"replace {folder}, which holds {old}"]


def _must_have_room(request: Request, stack: Stack) -> None:
    free = request.facts.free_mb
    if free < stack.disk_mb:
        raise RefusedError(
            f"{free / 1000:.1f} GB free for {request.options.prefix}",
            f"{stack.disk_mb / 1000:.1f} GB for TensorFlow",
            "free some, or set plan_prefix to a folder on a larger disk",
        )


def _must_have_room_to_boot(facts: HostFacts) -> None:
    free = facts.free_boot_mb
    if free is not None and free < _BOOT_MB:
        raise RefusedError(
            f"{free} MB free for /boot",
            f"{_BOOT_MB} MB for the initramfs with the driver",
            "remove an old kernel (apt autoremove), then run the same command again",
        )


def _must_be_free(facts: HostFacts) -> None:
    """An interrupted package manager is somebody's, unless a run of ours was killed."""
    if facts.owned.open:
        return
    finished = "a package manager that has finished its work"
    half = facts.packages.half_installed
    if half:
        do = "run `dpkg --configure -a`, then the same command again"
        raise RefusedError(f"{', '.join(half)} half installed", finished, do)
    if facts.packages.locked:
        do = "run `rm /var/lib/pacman/db.lck`, then the same command again"
        raise RefusedError("pacman's lock without a pacman", finished, do)
