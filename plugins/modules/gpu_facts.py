"""What is on this host?  Files only, the standard library only, nothing is changed.

It runs on the host with any Python from 3.8 on.  Every path is looked up below `sysroot`, so that a
test is a folder of files.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: gpu_facts
short_description: Looks at a host that is to train on GPUs
description:
  - Reads the distribution, the kernel, the NVIDIA GPUs on the PCI bus, the Python interpreters, the
    free disk and what Grindstone has already made, from files only.
  - It changes nothing, in check mode or out of it.
author: Grindstone's authors
options:
  prefix:
    description: The folder that everything is installed below.
    type: path
    default: /opt/grindstone
  sysroot:
    description: The folder to take for the root of the host.
    type: path
    default: /
"""

EXAMPLES = """
- name: Look at the host
  grindstone.grindstone.gpu_facts:
  register: plan_facts
"""

RETURN = """
found:
  description: What was found, in the shape that the filter gpu_stack takes.
  returned: always
  type: dict
"""

NVIDIA = "0x10de"
DISPLAY = "0x03"  # PCI class: VGA and 3D controllers


def text(path: Path) -> str:
    """The file's text without its last newline, or nothing where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def distribution(root: Path) -> dict[str, str]:
    """The distribution by os-release(5): its `id`, its `name` and its `version`, "" if it rolls."""
    said = text(root / "etc/os-release") or text(root / "usr/lib/os-release")
    lines = [line for line in said.splitlines() if "=" in line and not line.startswith("#")]
    fields = dict(line.split("=", 1) for line in lines)
    values = {key: value.strip("\"'") for key, value in fields.items()}
    name = values.get("NAME", "an unknown system").replace(" GNU/Linux", "").replace(" Linux", "")
    return {"id": values.get("ID", ""), "name": name, "version": values.get("VERSION_ID", "")}


def gpus(root: Path) -> list[dict[str, str]]:
    """NVIDIA's display devices on the PCI bus, in bus order (compare `lspci -nn -d 10de:`)."""
    devices = sorted((root / "sys/bus/pci/devices").glob("*"))
    return [
        {"address": device.name, "device": text(device / "device")}
        for device in devices
        if text(device / "vendor") == NVIDIA and text(device / "class").startswith(DISPLAY)
    ]


def glibc(root: Path) -> str:
    """The version of the C library, "" where it is another one (compare `ldd --version`)."""
    for folder in ("lib", "lib64", "usr/lib", "usr/lib64"):
        multiarch = (root / folder).glob("*-linux-gnu/libc.so.6")
        for library in [*multiarch, root / folder / "libc.so.6"]:
            if library.is_file():
                match = re.search(rb"release version (\d+\.\d+)", library.read_bytes())
                return match.group(1).decode() if match else ""
    return ""


def pythons(root: Path) -> list[dict[str, Any]]:
    """The system's Python interpreters, oldest first.

    `whole`: the standard library is all there; `ensurepip`: it can fill a virtual environment (on
    Debian and Ubuntu both are packages of their own); `default`: it is what `python3` means.
    """
    found = []
    for prefix in ("usr", "usr/local"):
        folder = root / prefix / "bin"
        default = os.path.realpath(folder / "python3")
        for path in folder.glob("python3.*"):
            if re.fullmatch(r"python3\.\d+", path.name) and path.is_file():
                library = root / prefix / "lib" / path.name
                found.append(
                    {
                        "path": "/" + str(path.relative_to(root)),
                        "version": path.name[len("python") :],
                        "whole": (library / "venv/__init__.py").is_file(),
                        "ensurepip": (library / "ensurepip/__init__.py").is_file(),
                        "default": prefix == "usr" and os.path.realpath(path) == default,
                    }
                )
    return sorted(found, key=lambda python: (int(python["version"][2:]), python["path"]))


def container(root: Path) -> str:
    """What contains this system, as far as it says so itself; "" on a machine of its own."""
    told = text(root / "run/systemd/container")
    if told:
        return told
    marks = {"docker": ".dockerenv", "podman": "run/.containerenv"}
    return next((name for name, mark in marks.items() if (root / mark).exists()), "")


def environment(root: Path, folder: str) -> dict[str, str]:
    """The virtual environment in `folder`: its Python and TensorFlow, "" for what is not there."""
    path = root / folder.lstrip("/")
    match = re.search(r"version_info = (3\.\d+)", text(path / "pyvenv.cfg"))
    wheels = path.glob("lib/python3.*/site-packages/tensorflow-*.dist-info")
    versions = [wheel.name[len("tensorflow-") : -len(".dist-info")] for wheel in wheels]
    return {
        "python": match.group(1) if match and (path / "bin/python").exists() else "",
        "tensorflow": versions[0] if versions else "",
    }


def free_mb(path: Path) -> int:
    """Free space for what goes to `path`, which need not be there yet, in MB (10^6 bytes)."""
    while not path.exists():
        path = path.parent
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize // 1_000_000


def look(root: Path, prefix: str) -> dict[str, Any]:
    """Everything above in one dictionary."""
    kernel = text(root / "proc/sys/kernel/osrelease") or os.uname().release
    return {
        "distribution": distribution(root),
        "architecture": text(root / "proc/sys/kernel/arch") or os.uname().machine,
        "kernel": kernel,
        "wsl": "microsoft" in kernel.lower(),
        "container": container(root),
        "glibc": glibc(root),
        "gpus": gpus(root),
        "pythons": pythons(root),
        "environment": environment(root, prefix + "/tensorflow"),
        "free_mb": free_mb(root / prefix.lstrip("/")),
    }


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "prefix": {"type": "path", "default": "/opt/grindstone"},
            "sysroot": {"type": "path", "default": "/"},
        },
        supports_check_mode=True,
    )
    module.exit_json(
        changed=False, found=look(Path(module.params["sysroot"]), module.params["prefix"])
    )


if __name__ == "__main__":
    main()
