"""The plan as a block of text, for one host."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from ..host_facts import Gpu, HostFacts
from .install import reboot_because
from .matrix import Matrix
from .plan import UV, InstallDriver, KeepDriver, NoCuda, NoDriver, Plan, Record

WIDTH = 88
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


def describe(plan: Plan, facts: HostFacts, matrix: Matrix, host: str) -> str:
    """The plan as a block of text, at most 88 columns wide."""
    facts = matrix.identified(facts)
    record = plan.record
    system, tensorflow = record.host, record.tensorflow
    where = ", under WSL2" if facts.wsl else ""
    where += f", in a container ({facts.container})" if facts.container else ""
    purpose = "with CUDA" if tensorflow.gpu else "for the CPU"
    base = "brought by uv" if plan.base == UV else plan.base
    changes = plan.changes or ("nothing: all of it is there already",)
    rows: Lines = [
        (
            "system",
            f"{system.distribution}, {system.architecture}, kernel {system.kernel}{where}",
        ),
        *_gpu_rows(facts, record),
        *[("stays as is", left) for left in record.cuda.leaves],
        ("TensorFlow", f"{tensorflow.version} {purpose}, in {tensorflow.prefix}"),
        ("Python", f"{tensorflow.python}, {base}: {tensorflow.reason}"),
        *_under("will change", changes),
    ]
    lines = [f"Plan for {host}: TensorFlow {tensorflow.version} (stack {record.stack})"]
    for label, text in rows:
        lines += textwrap.wrap(
            text,
            width=WIDTH,
            initial_indent=f"  {label:<{_LABEL}}",
            subsequent_indent=" " * (_LABEL + 2),
            break_on_hyphens=False,
            break_long_words=False,
        )
    return "\n".join(lines)


def _under(label: str, texts: Iterable[str]) -> Lines:
    """The label stands before the first."""
    return [(label if number == 0 else "", text) for number, text in enumerate(texts)]


def _gpu_rows(facts: HostFacts, record: Record) -> Lines:
    driver = record.driver
    if not facts.gpus and isinstance(driver, NoDriver) and driver.reason.startswith("no NVIDIA"):
        return [("GPU", f"{driver.reason}: driver and CUDA are not needed here")]
    named = [_gpu(gpu) for gpu in facts.gpus] or ["not on the PCI bus, but its libraries are here"]
    return [*_under("GPU", named), *_driver_rows(facts, record), _cuda_row(record)]


def _gpu(gpu: Gpu) -> str:
    capability = gpu.compute_capability
    said = f", compute capability {capability}" if capability else ""
    passed = ", passed through (vfio-pci)" if gpu.passed_through else ""
    return f"{gpu.title} at {gpu.address}{said}{passed}"


def _driver_rows(facts: HostFacts, record: Record) -> Lines:
    driver = record.driver
    if isinstance(driver, KeepDriver):
        return [("driver", f"{driver.version} stays: {driver.reason}")]
    if not isinstance(driver, InstallDriver):
        left = "none" if isinstance(driver, NoDriver) else "not touched"
        return [("driver", f"{left}: {driver.reason}")]
    what = f"{driver.branch} from {_ORIGIN[driver.origin]}, {driver.flavour} module"
    rows = [
        ("driver", f"{what}, {_COMPILED[driver.method]}: {driver.reason}"),
        ("packages", " ".join([*driver.first, *driver.packages])),
        ("on hold", " ".join(driver.hold)),
    ]
    if driver.secure_boot != "off":
        rows.append(("Secure Boot", _SECURE_BOOT[driver.secure_boot]))
    if driver.remove:
        rows.append(("will remove", " ".join(driver.remove)))
    rows.append(("reboot", _reboot(facts, driver)))
    if facts.laptop and facts.other_gpus:
        rows.append(("desktop", "stays on the laptop's other GPU: this one is there on demand"))
    if facts.computing:
        training = ", ".join(f"{each.name} ({each.pid})" for each in facts.computing)
        rows.append(("in use", f"by {training}: no reboot while they run"))
    return rows


def _reboot(facts: HostFacts, driver: InstallDriver) -> str:
    because = reboot_because(facts, driver)
    if driver.reboot == "never":
        return f"never, as plan_reboot asks{': do it yourself, ' + because if because else ''}"
    return f"yes, {because}" if because else "only if the module cannot be loaded without"


def _cuda_row(record: Record) -> tuple[str, str]:
    cuda = record.cuda
    if isinstance(cuda, NoCuda):
        return ("CUDA", f"none: {cuda.reason}")
    version = f"{cuda.version} with cuDNN {cuda.installed_cudnn} (built with {cuda.cudnn})"
    return ("CUDA", f"{version}, {cuda.reason}")
