"""The recorded hosts: what gpu_info told of each, what was asked for, and what the resolver says.

`hosts.yml` and `hosts_*.yml` are the table that a person reads; `systems.yml` and `gpus.yml` hold
what its rows share, and what they leave out is filled in here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from plugins.plugin_utils import row_files
from plugins.plugin_utils.gpu_stack.load import load
from plugins.plugin_utils.gpu_stack.options import Options, RefusedError
from plugins.plugin_utils.gpu_stack.plan import (
    ContainerPlan,
    InstallDriver,
    Plan,
    SystemCuda,
    WheelsCuda,
)
from plugins.plugin_utils.gpu_stack.resolve import resolve
from plugins.plugin_utils.host_facts import parse
from plugins.plugin_utils.typed import encode

HERE = Path(__file__).parent
MATRIX = load(row_files.matrix())
GPUS = row_files.parsed((HERE / "gpus.yml").read_text(encoding="utf-8"))
SYSTEMS = row_files.parsed((HERE / "systems.yml").read_text(encoding="utf-8"))
# Where CUDA comes from, by the stack of a plan that does not say.
CUDA = {
    "turing": "wheels 12.5, cuDNN 9.28.0.42",
    "pascal": "wheels 12.5, cuDNN 9.10.2.21",
    "maxwell": "wheels 12.3, cuDNN 8.9.7.29",
    "kepler": "wheels 11.8, cuDNN 8.7.0.84",
    "jax": "wheels 13.0, cuDNN 9.28.1.4",
    "torch": "wheels 13.2, cuDNN 9.26.0.51",
    "container": "image",
    "cpu": "none",
}


@dataclass(frozen=True)
class Recorded:
    """A host, its options, and what is expected: fields of the plan, or the refusal."""

    name: str
    found: dict[str, Any]
    options: Options
    expected: dict[str, Any] = field(default_factory=dict)
    refused: str = ""

    def __str__(self) -> str:
        return self.name


def system(name: str) -> dict[str, Any]:
    """A fresh host, as gpu_info tells it."""
    said = SYSTEMS[name]
    version = said["python"]
    kernels = [_kernel(release, flavour) for release, flavour in said["kernels"].items()]
    return {
        "distribution": said["distribution"],
        "architecture": "x86_64",
        "kernel": said["kernel"],
        "wsl": False,
        "container": "",
        "glibc": said["glibc"],
        "pythons": [
            {
                "path": f"/usr/bin/python{version}",
                "version": version,
                "whole": True,
                "ensurepip": True,
                "default": True,
            }
        ],
        "environment": {"python": "", "tensorflow": ""},
        "free_mb": 200_000,
        "free_boot_mb": 700,
        "gpus": [],
        "driver": {},
        "cuda": [],
        "cudnn": [],
        "packages": {},
        "kernels": {"running": said["kernel"], "next": said["kernel"], "installed": kernels},
        "secure_boot": {"state": "disabled", "key": "", "enrolled": False, "staged": False},
    }


def _kernel(release: str, flavour: str) -> dict[str, Any]:
    """A kernel of the distribution's, with what keeps it up to date: nothing without a flavour."""
    package, meta = f"linux-image-{release}", f"linux-image-{flavour}"
    if flavour.startswith("linux"):
        package, meta = flavour, ""
    elif release.endswith("-pve"):
        package, meta = f"proxmox-kernel-{release}-signed", f"proxmox-kernel-{flavour}"
    return {
        "release": release,
        "package": package,
        "flavour": flavour,
        "metas": [meta] if flavour and meta else [],
        "headers": False,
        "nvidia": {},
    }


def gpu(name: str, place: int, **more: str) -> dict[str, Any]:
    """A GPU, as gpu_info tells it; `place` is its number on the bus."""
    return {
        "address": f"0000:{place + 1:02x}:00.0",
        "name": name,
        "bound": "",
        **GPUS[name],
        **more,
    }


def merged(found: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """`found` with `more` laid over it, dictionaries into dictionaries."""
    result = dict(found)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


@cache
def hosts() -> tuple[Recorded, ...]:
    """All of `hosts.yml` and the files beside it."""
    files = [HERE / "hosts.yml", *sorted(HERE.glob("hosts_*.yml"))]
    rows = [row for path in files for row in row_files.parsed(path.read_text("utf-8"))]
    named = {row["host"]: row for row in rows}
    return tuple(_recorded(row, named) for row in rows)


def _plan(row: dict[str, Any], named: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What a row expects: another's plan and its own, with the CUDA that goes without saying."""
    if "refused" in row:
        return {}
    plan = _plan(named[row["plan_of"]], named) if "plan_of" in row else {}
    plan |= row.get("plan", {})
    return {"cuda": CUDA.get(plan["stack"]), **plan}


def _each(words: list[str]) -> list[str]:
    """Those of them that are several, as "8 × H100", so many times."""
    several = [word.rpartition(" × ") for word in words]
    return [word for times, _, word in several for _ in range(int(times or 1))]


def _driver(said: dict[str, Any]) -> dict[str, Any]:
    """A driver's facts.  version: of the module that is loaded, and of the libraries.

    flavour: the loaded module's.  packages: each its name and version, from where the driver is.
    """
    names = {"version": "loaded", "flavour": "loaded_flavour"}
    facts = {names.get(key, key): value for key, value in said.items()}
    if "version" in said:
        facts["libraries"] = said["version"]
    if "origin" in said:
        facts["branch"] = facts["libraries"].partition(".")[0]
    if "packages" in said:
        origin = said.get("origin", "distribution")
        parts = [package.split() for package in said["packages"]]
        facts["packages"] = [{"name": n, "version": v, "origin": origin} for n, v in parts]
    return facts


def _switch(place: int, device: str) -> dict[str, str]:
    """An NVSwitch on the bus, by its `device` or `vendor:device`."""
    vendor, _, number = device.rpartition(":")
    said = {"address": f"0000:{0x84 + place:02x}:00.0", "device": number}
    return {**said, "vendor": vendor} if vendor else said


def _facts(said: dict[str, Any]) -> dict[str, Any]:
    """What a host's row tells, as gpu_info does.

    A kernel that is named, or is the only one, runs and boots next.
    """
    facts = dict(said)
    installed = said.get("kernels", {}).get("installed")
    if isinstance(installed, dict) and len(installed) == 1:
        facts.setdefault("kernel", *installed)
    if "kernel" in facts:
        boots = {"running": facts["kernel"], "next": facts["kernel"]}
        facts["kernels"] = boots | said.get("kernels", {})
    if isinstance(installed, dict):
        each = [_kernel(release, flavour) for release, flavour in installed.items()]
        facts["kernels"] = {**facts["kernels"], "installed": each}
    if "driver" in said:
        facts["driver"] = _driver(said["driver"])
    if "switches" in said:
        switches = enumerate(_each(said["switches"]))
        facts["switches"] = [_switch(place, device) for place, device in switches]
    return facts


def _recorded(row: dict[str, Any], named: dict[str, dict[str, Any]]) -> Recorded:
    bound = row.get("bound", {})
    fresh, _, several = row["machine"].partition(" with ")
    each = enumerate(_each(several.split(", ") if several else []))
    gpus = [gpu(name, place, bound=bound.get(place, "")) for place, name in each]
    found = merged(system(fresh) | {"gpus": gpus}, _facts(row.get("facts", {})))
    return Recorded(
        name=row["host"],
        found=found,
        options=Options(**row.get("options", {})),
        expected=_plan(row, named),
        refused=row.get("refused", ""),
    )


def outcome(host: Recorded) -> Plan | str:
    """The plan, or the line of the refusal."""
    try:
        return resolve(parse(host.found), host.options, MATRIX)
    except RefusedError as refused:
        return str(refused)


def summary(plan: Plan) -> dict[str, Any]:
    """A plan in the few words that `hosts.yml` has for it."""
    driver, cuda = plan.record.driver, plan.record.cuda
    action = encode(driver)["action"]
    said: dict[str, Any] = {"stack": plan.record.stack, "cuda": encode(cuda)["action"]}
    if isinstance(driver, InstallDriver):
        said["driver"] = f"{driver.branch} {driver.flavour}, {driver.method}, {driver.origin}"
        said["packages"] = " ".join([*driver.first, *driver.packages])
        because = driver.reason.partition("; ")[2]
        if because:
            said["because"] = because
        if driver.remove:
            said["remove"] = " ".join(driver.remove)
        if driver.secure_boot != "off":
            said["secure_boot"] = driver.secure_boot
    else:
        said["driver"] = f"{action}: {driver.reason}"
    if isinstance(cuda, (WheelsCuda, SystemCuda)):
        said["cuda"] += f" {cuda.version}, cuDNN {cuda.installed_cudnn}"
    tensorflow = plan.record.tensorflow
    if tensorflow.compiled:
        said["compiled"] = tensorflow.compiled
        said["compiled"] += "" if tensorflow.confirmed else ", not yet confirmed"
    if tensorflow.wheel:
        said["wheel"] = f"{tensorflow.version}, Python {tensorflow.python}: {tensorflow.known}"
    inside = plan.record.container
    if isinstance(inside, ContainerPlan):
        source = " and NVIDIA's repository" if inside.repository else ""
        said["container"] = f"{inside.engine}, {inside.reason}: {' '.join(inside.packages)}{source}"
    if cuda.leaves:
        said["leaves"] = list(cuda.leaves)
    return said


def hold(plan: Plan) -> str:
    """What is put on hold, which a row of `hosts.yml` tells where it matters."""
    driver = plan.record.driver
    return " ".join(driver.hold) if isinstance(driver, InstallDriver) else ""
