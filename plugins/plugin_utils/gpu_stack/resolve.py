"""Facts + options + matrix -> a plan or a refusal.  Pure functions: nothing is read or run.

The facts are what the module gpu_info finds, the options are the role plan's inputs, and the matrix
is that role's `vars/main/`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..host_facts import HostFacts
from ..requirements import msgspec
from ..versions import numbers
from . import (
    container,
    cuda,
    driver,
    gpus,
    install,
    kernels,
    left_out,
    obstacles,
    stacks,
    wheel,
)
from .matrix import Matrix
from .minimum_driver import compiled_gpus
from .nearest import nearest
from .options import Options, RefusedError
from .plan import (
    UV,
    ContainerPlan,
    CudaPlan,
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
from .request import Request, request_of
from .stack_rows import Stack


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
        releases = [row.tensorflow for row in matrix.stacks if row.gpu and not row.is_nightly]
        every = list(dict.fromkeys(filter(None, releases)))
        advice = nearest(facts, options, every, lambda found, other: _resolve(found, other, matrix))
        raise refused.with_advice(advice) from None


def _resolve(found: HostFacts, options: Options, matrix: Matrix) -> Plan:
    options.check()
    request = request_of(found, options, matrix)
    whole = _attempt(request, found)
    for other in left_out.without_display_gpus(request):
        plan = _attempt(other, found)
        if isinstance(plan, RefusedError):
            continue
        out = [gpu for gpu in request.gpus if gpu not in other.gpus]
        better = isinstance(whole, RefusedError) or left_out.is_newer(plan, whole)
        if better and left_out.passes_over(plan, request.facts, matrix, out):
            return plan
    if isinstance(whole, RefusedError):
        raise whole
    return whole


def _attempt(request: Request, found: HostFacts) -> Plan | RefusedError:
    try:
        return _planned(request, found)
    except RefusedError as refused:
        return refused


@dataclass(frozen=True)
class _Built:
    """Where TensorFlow is: an environment to be made, or an image.

    base, lock, seed, packages: as in a plan.
    by_manager, others: what is not as planned yet, by the package manager and otherwise.
    """

    cuda: CudaPlan
    tensorflow: TensorFlowPlan
    by_manager: list[str]
    others: list[str]
    base: str = ""
    lock: str = ""
    seed: str = ""
    packages: tuple[str, ...] = ()


def _planned(request: Request, found: HostFacts) -> Plan:
    facts = request.facts
    if driver.is_to_be_installed(request):
        kernels.must_be_driven(request)
    inside = container.decide(request)
    stack = container.stack(request) if inside else wheel.fitted(request, stacks.choose(request))
    planned_driver = driver.decide(request, stack)
    built = _contained(request, inside) if inside else _environment(request, stack)
    driver_changes = install.changes(request, planned_driver)
    by_manager = [*driver_changes, *built.by_manager]
    if by_manager:
        obstacles.must_have_finished_packages(facts)
    if isinstance(planned_driver, InstallDriver) and by_manager:
        obstacles.must_have_room_in_boot(request)
    if install.reboots(facts, planned_driver):
        obstacles.must_boot_this(request)
    record = Record(
        stack=stack.name,
        host=PlannedHost(_title(request, found), facts.architecture, facts.kernels.next),
        gpus=tuple(
            PlannedGpu.of(gpu, used=gpu in request.gpus, left_out=request.left.get(gpu.address, ""))
            for gpu in facts.gpus
        ),
        driver=planned_driver,
        cuda=built.cuda,
        tensorflow=built.tensorflow,
        container=inside or msgspec.UNSET,
    )
    return Plan(
        record=record,
        base=built.base,
        lock=built.lock,
        seed=built.seed,
        packages=built.packages,
        changes=(*by_manager, *built.others),
        driver_changes=tuple(driver_changes),
        system=facts.distribution,
    )


def _contained(request: Request, inside: ContainerPlan) -> _Built:
    """TensorFlow in an image."""
    by_manager, others = container.changes(request, inside)
    return _Built(container.cuda(request), container.tensorflow(request), by_manager, others)


def _environment(request: Request, stack: Stack) -> _Built:
    """TensorFlow in an environment of its own.

    Raises:
        RefusedError: the host has no room, or no Python or CUDA for it.
    """
    facts = request.facts
    version, base, reason = interpreter(request, stack)
    planned_cuda = cuda.decide(request, stack)
    lock = stack.lock
    if stack.gpu and isinstance(planned_cuda, SystemCuda):
        lock = stack.gpu.system_lock
    planned = _tensorflow(request, stack, version, reason)
    cudnn = planned_cuda.installed_cudnn if isinstance(planned_cuda, WheelsCuda) else ""
    others = _unlike(facts, stack, planned, base, cudnn)
    if others:
        obstacles.must_have_room(request, stack)
    seed, venv = facts.python3, request.system.venv_package
    packages = (venv,) if venv and seed and not seed.ensurepip else ()
    missing = [f"install the package {name}" for name in packages]
    return _Built(
        cuda=planned_cuda,
        tensorflow=planned,
        by_manager=[*cuda.changes(request, planned_cuda), *missing],
        others=others,
        base=base,
        lock=lock,
        seed=seed.path if seed else "",
        packages=packages,
    )


def _title(request: Request, found: HostFacts) -> str:
    """The system; of a derivative what is beneath it, too."""
    beneath = found.distribution.id != request.system.id
    title = request.system_title
    return f"{found.distribution}, as {title}" if beneath else title


def _tensorflow(request: Request, stack: Stack, python: str, reason: str) -> TensorFlowPlan:
    folder = f"{request.options.prefix.rstrip('/')}/tensorflow"
    compiled = compiled_gpus(stack, request.gpus)
    return TensorFlowPlan(
        version=stack.version,
        framework=stack.framework,
        gpu=stack.gpu is not None,
        python=python,
        prefix=folder,
        interpreter=f"{folder}/bin/python",
        reason=reason,
        compiled=gpus.chips([gpu for gpu, _row in compiled]),
        partly=bool(compiled) and all(row.partly for _gpu, row in compiled),
        confirmed=all(row.confirmed for _gpu, row in compiled),
        ptxas=max((row.ptxas for _gpu, row in compiled), key=numbers, default=""),
        known=stack.known.strip(),
        wheel=str(wheel.parse(asked)) if (asked := request.options.tensorflow_wheel) else "",
    )


def _unlike(
    facts: HostFacts, stack: Stack, planned: TensorFlowPlan, base: str, cudnn: str
) -> list[str]:
    """What is not as planned of the environment, a phrase each."""
    there, folder = facts.environment, planned.prefix
    trains = there.trains
    same = (there.python, trains) == (planned.python, planned.title)
    same = same and there.wheel == planned.wheel.rpartition("=")[2]
    if same and there.cudnn in (None, cudnn):
        return []
    bring = [f"install Python {planned.python} by uv"] if base == UV else []
    if not trains:
        size = stack.disk_mb / 2000  # one to use, beside one that replaces it later
        return [*bring, f"make {folder}: {size:.1f} GB"]
    old = f"Python {there.python or 'no longer there'}, {trains}"
    old += f", cuDNN {there.cudnn}" if there.cudnn else ""
    return [*bring, f"replace {folder}, which holds {old}"]
