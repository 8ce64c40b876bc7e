"""Drivers as hosts have them, and the facts of a host after its plan was carried out."""

from __future__ import annotations

from typing import Any

Plan = dict[str, Any]  # as the roles read it


def parts(names: str, version: str, origin: str) -> list[dict[str, str]]:
    return [{"name": name, "version": version, "origin": origin} for name in names.split()]


def there(origin: str, names: str, version: str, flavour: str = "", loaded: str = "") -> Plan:
    """A driver that is installed and, where it has a flavour, loaded."""
    module = {"loaded": loaded or version, "loaded_flavour": flavour} if flavour else {}
    known = {"libraries": version, "origin": origin, "branch": version.split(".")[0]}
    return {**module, **known, "packages": parts(names, version, origin)}


def staying(found: dict[str, Any], gone: list[str]) -> list[dict[str, str]]:
    """The driver's packages but for those of the names."""
    return [each for each in found["driver"].get("packages", []) if each["name"] not in gone]


def contained(before: dict[str, Any], plan: Plan, own: list[str]) -> dict[str, Any]:
    """What containers run by, once the packages of our own are installed."""
    engines = [{"name": plan["engine"], "version": "29.1", "package": name} for name in own]
    return {
        **before,
        "engines": [*engines, *before.get("engines", [])],
        "toolkit": "1.20.0",
        "cdi": "/var/run/cdi/nvidia.yaml",
        "images": {plan["image"]: plan["engine"]},
    }


def applied(found: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """The facts after the plan has been carried out and the host rebooted."""
    tensorflow, driver, cuda = (plan["record"][part] for part in ("tensorflow", "driver", "cuda"))
    wheels = cuda["action"] == "wheels"
    cudnn = cuda["installed_cudnn"] if wheels else ""
    versions = {"python": tensorflow["python"], "tensorflow": tensorflow["version"]}
    after = found | {
        "environment": {
            **versions,
            "cudnn": cudnn,
            "wheel": tensorflow.get("wheel", "").rpartition("=")[2],
        },
        "pythons": [{**python, "ensurepip": True} for python in found["pythons"]],
        "owned": {"open": [], "packages": list(plan["packages"])},
    }
    if "container" in plan["record"]:
        inside = plan["record"]["container"]
        *own, _toolkit = inside["packages"]
        after["owned"]["packages"] += own
        after["containers"] = contained(found.get("containers", {}), inside, own)
    if cuda["action"] == "system":
        prefix = {"version": cuda["version"], "path": cuda["prefix"], "origin": "nvidia"}
        after["cuda"] = [*found["cuda"], prefix]
        after["cudnn"] = [{"version": cuda["installed_cudnn"], "path": "/usr/lib/libcudnn.so.9"}]
        after["owned"]["packages"] += list(cuda["packages"])
    if driver["action"] == "install":
        version = "590.48.01" if driver["branch"] == "rolling" else f"{driver['branch']}.95.05"
        installed = [*driver["first"], *driver["packages"]]
        new = there(driver["origin"], " ".join(installed), version, driver["flavour"])
        new["packages"] += staying(found, [*driver["remove"], *installed])
        after["driver"] = new | {"nouveau_blacklisted": True, "devices": ["/dev/nvidia0"]}
        after["driver"]["subnet_manager"] = "subnet_manager" in driver
        after["owned"]["packages"] += installed
        after["packages"] = {**found["packages"], "held": driver["hold"], "half_installed": []}
        state = found["secure_boot"]
        enrolled = driver["secure_boot"] in ("enrolled", "stage") or state["enrolled"]
        after["secure_boot"] = {**state, "enrolled": enrolled}
        module = {"path": "/lib/modules/nvidia.ko", "version": version}
        built, boots = {"headers": True, "nvidia": module}, found["kernels"]["next"]
        # Nothing is built for what an upgrade has left behind.
        kernels = [
            {**each, **built}
            if each["headers"] or each["package"] or each["release"] == boots
            else each
            for each in found["kernels"]["installed"]
        ]
        after["kernels"] = {**found["kernels"], "installed": kernels}
    return after
