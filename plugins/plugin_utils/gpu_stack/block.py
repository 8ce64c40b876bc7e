"""The plan as a block of text, for one host."""

from __future__ import annotations

import textwrap

from . import gpus
from .facts import normalised
from .install import reboot_because
from .model import UV, Facts, Plan, Record, Row

WIDTH = 88


def describe(plan: Plan, found: Facts, host: str) -> str:
    """The plan as a block of text, at most 88 columns wide."""
    found = normalised(found)
    record = plan.record
    tensorflow = record["tensorflow"]
    system = record["host"]
    where = ", under WSL2" if found["wsl"] else ""
    where += f", in a container ({found['container']})" if found["container"] else ""
    base = "brought by uv" if plan.base == UV else plan.base
    purpose = "with CUDA" if tensorflow["gpu"] else "for the CPU"
    rows = [
        (
            "system",
            f"{system['distribution']}, {system['architecture']}, kernel {system['kernel']}{where}",
        ),
        *_gpu_rows(found, record),
        ("TensorFlow", f"{tensorflow['version']} {purpose}, in {tensorflow['prefix']}"),
        ("Python", f"{tensorflow['python']}, {base}: {tensorflow['reason']}"),
    ]
    if plan.changes:
        rows += [("will change", plan.changes[0]), *(("", change) for change in plan.changes[1:])]
    else:
        rows += [("will change", "nothing: all of it is there already")]
    lines = [f"Plan for {host}: {record['stack']}"]
    for label, value in rows:
        lines += textwrap.wrap(
            value,
            width=WIDTH,
            initial_indent=f"  {label:<13}",
            subsequent_indent=" " * 15,
            break_on_hyphens=False,
            break_long_words=False,
        )
    return "\n".join(lines)


def _gpu_rows(found: Facts, record: Record) -> list[tuple[str, str]]:
    if not found["gpus"] and record["driver"]["reason"] == "no NVIDIA GPU found":
        return [("GPU", "no NVIDIA GPU found: driver and CUDA are not needed here"), *_left(record)]
    named = [_gpu(gpu) for gpu in found["gpus"]] or [
        "not on the PCI bus, but its libraries are here"
    ]
    rows = [("GPU", named[0]), *(("", name) for name in named[1:])]
    return rows + _driver_rows(found, record) + _cuda_rows(record) + _left(record)


def _gpu(gpu: Row) -> str:
    capability = gpu["compute_capability"]
    said = f", compute capability {capability}" if capability else ""
    passed = ", passed through (vfio-pci)" if gpu["bound"] == "vfio-pci" else ""
    return f"{gpus.called(gpu)} at {gpu['address']}{said}{passed}"


def _left(record: Record) -> list[tuple[str, str]]:
    return [("stays as is", left) for left in record["cuda"]["leaves"]]


def _driver_rows(found: Facts, record: Record) -> list[tuple[str, str]]:
    driver = record["driver"]
    if driver["action"] != "install":
        named = {
            "none": "none",
            "keep": f"{driver.get('version', '')} stays",
            "skip": "not touched",
        }
        return [("driver", f"{named[driver['action']]}: {driver['reason']}")]
    origin = "the distribution" if driver["origin"] == "distribution" else "NVIDIA's repository"
    how = {
        "precompiled": "compiled and signed by the distribution",
        "package": "compiled by the distribution",
        "dkms": "compiled here by DKMS",
    }[driver["method"]]
    what = f"{driver['branch']} from {origin}, {driver['flavour']} module"
    rows = [
        ("driver", f"{what}, {how}: {driver['reason']}"),
        ("packages", " ".join([*driver["first"], *driver["packages"]])),
        ("on hold", " ".join(driver["hold"])),
    ]
    if driver["secure_boot"] != "off":
        rows.append(("Secure Boot", _SECURE_BOOT[driver["secure_boot"]]))
    if driver["remove"]:
        rows.append(("will remove", " ".join(driver["remove"])))
    because = reboot_because(found, driver)
    if driver["reboot"] == "never":
        because = f"never, as plan_reboot asks{': do it yourself, ' + because if because else ''}"
    elif because:
        because = f"yes, {because}"
    rows.append(("reboot", because or "only if the module cannot be loaded without"))
    if found["laptop"] and found["other_gpus"]:
        rows.append(("desktop", "stays on the laptop's other GPU: this one is there on demand"))
    training = [f"{each['name']} ({each['pid']})" for each in foreign(found)]
    if training:
        rows.append(("in use", f"by {', '.join(training)}: no reboot while they run"))
    return rows


def foreign(found: Facts) -> list[Row]:
    """The processes that compute on the GPUs."""
    return [each for each in found["processes"] if each.get("kind", "compute") == "compute"]


_SECURE_BOOT = {
    "signed": "on: the modules are signed by the distribution",
    "enrolled": "on: the modules are signed by this host's enrolled key",
    "stage": "on: this host's key is staged, and MokManager asks for it at the next boot",
}


def _cuda_rows(record: Record) -> list[tuple[str, str]]:
    cuda = record["cuda"]
    if cuda["action"] == "none":
        return [("CUDA", f"none: {cuda['reason']}")]
    version = f"{cuda['version']} with cuDNN {cuda['installed_cudnn']} (built with {cuda['cudnn']})"
    return [("CUDA", f"{version}, {cuda['reason']}")]
