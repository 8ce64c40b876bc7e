"""The plan of one host as lines of text: the verdict, the table, and what will change."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..host_facts import HostFacts
from ..terminal import wrapped
from . import gpus
from .install import reboot_because, reboots
from .left_out import PASSED_OVER
from .matrix import Matrix
from .plan import (
    UV,
    ContainerPlan,
    ImageCuda,
    InstallDriver,
    KeepDriver,
    NoCuda,
    NoDriver,
    Plan,
    Record,
    TensorFlowPlan,
)
from .stack_rows import TITLES

WIDTH = 79
_LABEL = 13
_SECURE_BOOT = {
    "signed": "on: the modules are signed by the distribution",
    "enrolled": "on: the modules are signed by this host's enrolled key",
    "stage": "on: this host's key is staged, and MokManager asks for it at the next boot",
}
_COMPILED = {
    "precompiled": "compiled and signed by the distribution",
    "package": "compiled by the distribution",
    "dkms": "compiled here by DKMS",
}
_ORIGIN = {"distribution": "the distribution", "nvidia": "NVIDIA's repository"}
Lines = list[tuple[str, str]]  # each a label and its text


def describe(plan: Plan, facts: HostFacts, matrix: Matrix, host: str) -> list[str]:
    """The plan as lines of text, the first of which says what there is to do."""
    derivative = facts.distribution.id != plan.system.id
    what = "" if host.endswith(str(facts.distribution)) else f"{facts.distribution} "
    taken_as = f", {what}taken as {plan.system}" if derivative else ""
    facts = matrix.identified(facts)
    record = plan.record
    system = record.host
    rows: Lines = [
        ("system", facts.title(system.distribution, system.kernel)),
        *_gpu_rows(facts, record),
        *_under("stays as is", record.cuda.leaves),
        *_tensorflow_rows(plan, facts, matrix),
        *_under("will change", plan.changes),
    ]
    lines = [f"Plan for {host}{taken_as}: {_verdict(plan, facts)}"]
    for label, text in rows:
        lines += wrapped(text, WIDTH, f"  {label:<{_LABEL}}", _LABEL + 2)
    return lines


def _tensorflow_rows(plan: Plan, facts: HostFacts, matrix: Matrix) -> Lines:
    record, tensorflow = plan.record, plan.record.tensorflow
    inside = record.container
    if isinstance(inside, ContainerPlan):
        return [
            ("container", f"{inside.engine}, {inside.reason}: {_short(inside.image)}"),
            ("TensorFlow", f"{tensorflow.reason}: {tensorflow.known}"),
        ]
    base = "brought by uv" if plan.base == UV else plan.base
    return [
        (TITLES[tensorflow.framework], f"{_stack(record, matrix)}, in {tensorflow.prefix}"),
        *_under("", filter(None, [_first_start(tensorflow, facts), tensorflow.known])),
        ("Python", f"{tensorflow.python}, {base}: {tensorflow.reason}"),
    ]


def _stack(record: Record, matrix: Matrix) -> str:
    """A stack with the compute capabilities that it is for: its name is the oldest's."""
    of_gpus = {row.name: row.gpu for row in matrix.stacks}.get(record.stack)
    reach = " to ".join(of_gpus.capabilities) if of_gpus else ""
    return f"stack {record.stack}" + (f" (GPUs {reach})" if reach else "")


def _short(image: str) -> str:
    """An image with the first digits of its digest; plan.json has all of them."""
    return re.sub(r"(@sha256:\w{12})\w+", r"\1…", image)


def _verdict(plan: Plan, facts: HostFacts) -> str:
    driver, cuda, tensorflow = plan.record.driver, plan.record.cuda, plan.record.tensorflow
    parts = [f"{tensorflow.title}{'' if tensorflow.gpu else ' for the CPU'}"]
    if isinstance(cuda, ImageCuda):
        parts = ["TensorFlow in a container"]
    elif not isinstance(cuda, NoCuda):
        parts.append(f"CUDA {cuda.version}")
    if isinstance(driver, InstallDriver):
        parts.append(f"driver {driver.branch}")
    count = f"{len(plan.changes)} change{'s' if plan.changes[1:] else ''}"
    reboot = ", with a reboot" if reboots(facts, driver) else ""
    left = {gpu.address for gpu in plan.record.gpus if gpu.left_out}
    out = [gpu for gpu in facts.gpus if gpu.address in left]
    without = f", without {gpus.titles(out)}" if out else ""
    does = count + reboot if plan.changes else "nothing to do"
    return f"{does}{without} ({', '.join(parts)})"


def _under(label: str, texts: Iterable[str]) -> Lines:
    """The label stands before the first."""
    return [(label if number == 0 else "", text) for number, text in enumerate(texts)]


def _gpu_rows(facts: HostFacts, record: Record) -> Lines:
    driver = record.driver
    if not facts.gpus and isinstance(driver, NoDriver) and driver.reason.startswith("no NVIDIA"):
        return [("GPU", driver.reason)]
    left = {gpu.address: gpu.left_out for gpu in record.gpus}
    named = _gpus(facts, left, screens=isinstance(driver, InstallDriver))
    named = named or ["not on the PCI bus, but its libraries are here"]
    return [*_under("GPU", named), *_driver_rows(facts, record), _cuda_row(record)]


def _gpus(facts: HostFacts, left: dict[str, str], *, screens: bool) -> list[str]:
    """Each with its address, equal ones together.  screens: whether nouveau is kept out."""
    places: dict[tuple[str, str], list[str]] = {}
    for gpu in facts.gpus:
        capability = gpu.compute_capability
        said = f", compute capability {capability}" if capability else ""
        said += f", passed through ({gpu.bound})" if gpu.passed_through else ""
        out = left.get(gpu.address, "")
        said += f", left out: {out}" if out else ""
        if screens and out == PASSED_OVER:
            said += "; a screen on it has the resolution that the firmware sets"
        places.setdefault((gpu.title, said), []).append(gpu.address)
    return [_equal(title, found) + said for (title, said), found in places.items()]


def _equal(title: str, addresses: list[str]) -> str:
    if len(addresses) == 1:
        return f"{title} at {addresses[0]}"
    word = "to" if addresses[2:] else "and"
    return f"{len(addresses)} × {title} at {addresses[0]} {word} {addresses[-1]}"


def _first_start(tensorflow: TensorFlowPlan, facts: HostFacts) -> str:
    """Which kernels are compiled on the host, and whether that takes minutes."""
    if not tensorflow.compiled:
        return ""
    seen = "" if tensorflow.confirmed else "; not yet confirmed on hardware"
    passed = (facts.verified.tensorflow, facts.verified.compiled)
    if seen and passed == (tensorflow.version, tensorflow.compiled):
        seen = "; confirmed on this host by its verification"
    chips = gpus.titles([g for g in facts.gpus if g.chip_title in tensorflow.compiled])
    return at_first_start(chips, partly=tensorflow.partly, seen=seen)


def at_first_start(which: str, *, partly: bool, seen: str) -> str:
    """What is compiled for those GPUs, and how long it takes; seen: what is added to that."""
    if partly:
        return f"some kernels are compiled for {which} at their first use, in seconds{seen}"
    return f"kernels are compiled for {which} once, at the first start, for minutes{seen}"


def _left(facts: HostFacts) -> str:
    """What there is where none is installed: another system's, or none."""
    if not (facts.wsl or facts.container):
        return "none"
    lent = facts.driver.loaded if facts.driver.devices else ""
    return lent or "nothing to install"


def _driver_rows(facts: HostFacts, record: Record) -> Lines:
    driver = record.driver
    if isinstance(driver, KeepDriver):
        return [("driver", f"{driver.version} stays: {driver.reason}")]
    if not isinstance(driver, InstallDriver):
        left = _left(facts) if isinstance(driver, NoDriver) else "not touched"
        return [("driver", f"{left}: {driver.reason}")]
    what = f"{driver.branch} from {_ORIGIN[driver.origin]}, {driver.flavour} module"
    rows = [("driver", f"{what}, {_COMPILED[driver.method]}: {driver.reason}")]
    if driver.secure_boot != "off":
        rows.append(("Secure Boot", _SECURE_BOOT[driver.secure_boot]))
    because = reboot_because(facts, driver)
    if because and driver.reboot == "never":
        rows.append(("reboot", f"not done, as plan_reboot asks: do it yourself, {because}"))
    if facts.laptop and facts.other_gpus:
        rows.append(("desktop", "stays on the laptop's other GPU: this one is there on demand"))
    if facts.computing:
        training = ", ".join(f"{each.name} ({each.pid})" for each in facts.computing)
        rows.append(("in use", f"by {training}: no reboot while they run"))
    return rows


def _cuda_row(record: Record) -> tuple[str, str]:
    cuda = record.cuda
    if isinstance(cuda, NoCuda):
        return ("CUDA", f"none: {cuda.reason}")
    if isinstance(cuda, ImageCuda):
        return ("CUDA", cuda.reason)
    built = "" if record.tensorflow.wheel else f" (built with {cuda.cudnn})"
    return ("CUDA", f"{cuda.version} with cuDNN {cuda.installed_cudnn}{built}, {cuda.reason}")
