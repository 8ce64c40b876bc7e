# Copyright: The Grindstone authors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is on this host?  Files only, the standard library only, nothing is changed.

It runs on the host with any Python from 3.8 on.  Every path is looked up below `sysroot`, so that a
test is a folder of files.
"""

from __future__ import annotations

DOCUMENTATION = """
module: gpu_info
short_description: Gathers facts on a host's GPUs, driver and CUDA
description:
  - Reads the distribution, its kernels and packages, the GPUs on the PCI bus, the driver, CUDA,
    Secure Boot, the Python interpreters and what Grindstone has already made, from files only.
  - A GPU's generation and compute capability come from its PCI id; no driver has to be there.
  - It changes nothing, in check mode or not.
author: The Grindstone authors (@grindstone)
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
- name: Gather facts
  grindstone.grindstone.gpu_info:
  register: plan_facts
"""

RETURN = """
found:
  description: What was found, in the shape that the filter gpu_stack takes.
  returned: always
  type: dict
  contains:
    distribution:
      description: >-
        Its C(id), C(name), C(version) and C(codename); what it is C(like), and the
        C(base_codename) of that.
      type: dict
    architecture: {description: As C(uname -m) says., type: str}
    kernel: {description: The running kernel's release., type: str}
    boot_id: {description: Another one after each boot., type: str}
    wsl: {description: Whether it is Windows' Linux., type: bool}
    container: {description: "What contains it, or nothing.", type: str}
    machine: {description: "C(Jetson), C(DGX) or nothing.", type: str}
    firmware: {description: "What it says of itself: C(vendor), C(product), C(tag).", type: dict}
    laptop: {description: Whether the chassis is one that is carried., type: bool}
    desktop: {description: Whether it boots to a screen., type: bool}
    glibc: {description: The C library's version., type: str}
    gpus:
      description: >-
        NVIDIA's display devices: C(address), C(device), C(chip), C(generation),
        C(compute_capability), C(name), the driver that they are C(bound) to, whether they can have
        a C(display), and whether they are C(virtual), a share of a GPU that a virtual machine has.
      type: list
    other_gpus: {description: "The others: C(address), C(vendor), C(device).", type: list}
    switches: {description: "NVSwitches: C(address), C(vendor), C(device).", type: list}
    kernels:
      description: >-
        The C(running) release, the C(next) to boot, what else is to boot in C(other_system), and
        those C(installed), each with C(release), C(package), C(flavour), the C(metas) that keep it
        up to date, whether it is C(foreign), C(realtime) or has C(headers), and its C(nvidia)
        module's C(version), C(flavour) and C(path).
      type: dict
    driver:
      description: >-
        What is C(loaded), the C(loaded_flavour), the version of the C(libraries), C(nouveau) and
        C(nouveau_blacklisted), the file that has NVIDIA's module C(blacklisted), whether the unit
        of the C(fabric_manager) is enabled, whether there is a
        C(subnet_manager) and a C(vgpu_manager), C(origin), C(branch), C(packages), C(devices),
        C(uvm).
      type: dict
    processes: {description: "Who holds a GPU: C(pid), C(name), C(kind).", type: list}
    secure_boot: {description: "C(state), C(key), C(enrolled) and C(staged).", type: dict}
    cuda: {description: "Toolkits: C(version), C(path), C(origin).", type: list}
    cudnn: {description: "Libraries: C(version), C(path), C(origin).", type: list}
    library_path: {description: "Settings that lead elsewhere: C(path), C(file).", type: list}
    packages:
      description: >-
        The C(manager), what is C(held) or C(half_installed), with dpkg's status of each in
        C(unfinished), whether it is C(locked), foreign C(repositories) with their
        C(repository_files), all C(suites), those of the C(archives) that have drivers with their
        C(host), the C(pins) of apt's preferences with the C(file),
        C(packages), C(pin) and C(priority) of each, and C(unattended_upgrades).
      type: dict
    containers:
      description: >-
        The C(engines), each with its C(name), C(version) and C(package); the version of NVIDIA's
        container C(toolkit), the file of a C(repository) for it that is not Grindstone's, the
        file that describes the GPUs to containers, C(cdi), and the C(images) that are trained in,
        each with the engine that Grindstone has fetched it with.
      type: dict
    reboot_required: {description: Whether the system asks for one., type: bool}
    owned:
      description: "Ledgers that are C(open), C(packages) of Grindstone's, and all its C(prefixes)."
      type: dict
    pythons: {description: The system's interpreters., type: list}
    environment:
      description: "Its C(python), C(tensorflow), C(jax), C(torch), C(cudnn), and an own C(wheel)."
      type: dict
    verified:
      description: "What the last verification passed with: C(tensorflow), and C(compiled) GPUs."
      type: dict
    free_mb: {description: Free space for the prefix in MB., type: int}
    free_boot_mb: {description: Free space for C(/boot) in MB., type: int}
"""

import os
import re
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import (
    host_containers,
    host_cuda,
    host_driver,
    host_firmware,
    host_gpus,
    host_kernels,
    host_packages,
    own_prefixes,
)
from ..module_utils.gpu_chips import TEGRA
from ..module_utils.sysroot import OPTIONS, exists, inside, json_object, names, text

REBOOT_REQUIRED = ("/run/reboot-required", "/var/run/reboot-required")
VERIFIED = ("tensorflow", "compiled")
BASES = {"UBUNTU_CODENAME": "ubuntu", "DEBIAN_CODENAME": "debian"}
CONTAINERS = {
    "docker": ".dockerenv",
    "podman": "run/.containerenv",
    "kubernetes": "run/secrets/kubernetes.io",  # what containerd and CRI-O leave is no mark
}


def distribution(root: Path) -> dict[str, Any]:
    """The distribution by os-release(5): its `id`, its `name` and its `version`, "" if it rolls.

    like: those that it is made from, the nearest first; base_codename: which version of the first.
    """
    said = text(root / "etc/os-release") or text(root / "usr/lib/os-release")
    lines = [line for line in said.splitlines() if "=" in line and not line.startswith("#")]
    fields = dict(line.split("=", 1) for line in lines)
    values = {key: value.strip("\"'") for key, value in fields.items()}
    name = values.get("NAME", "an unknown system").replace(" GNU/Linux", "").replace(" Linux", "")
    below = [name for key, name in BASES.items() if values.get(key)]
    return {
        "id": values.get("ID", ""),
        "name": name,
        "version": values.get("VERSION_ID", ""),
        "codename": values.get("VERSION_CODENAME", ""),
        "like": [*below, *values.get("ID_LIKE", "").split()],
        "base_codename": next((values[key] for key in BASES if values.get(key)), ""),
    }


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
        default = inside(root, f"/{prefix}/bin/python3")
        for path in folder.glob("python3.*"):
            if re.fullmatch(r"python3\.\d+", path.name) and path.is_file():
                library = root / prefix / "lib" / path.name
                found.append(
                    {
                        "path": "/" + str(path.relative_to(root)),
                        "version": path.name[len("python") :],
                        "whole": (library / "venv/__init__.py").is_file(),
                        "ensurepip": (library / "ensurepip/__init__.py").is_file(),
                        "default": prefix == "usr"
                        and inside(root, f"/{prefix}/bin/{path.name}") == default,
                    }
                )
    return sorted(found, key=lambda python: (int(python["version"][2:]), python["path"]))


def container(root: Path) -> str:
    """What contains this system, as far as it says so itself; "" on a machine of its own."""
    told = text(root / "run/systemd/container")
    if told:
        return told
    return next((name for name, mark in CONTAINERS.items() if exists(root / mark)), "")


def environment(root: Path, folder: str) -> dict[str, str]:
    """The virtual environment in `folder`: its Python, what trains, and cuDNN, "" where not.

    wheel: the SHA-256 of a TensorFlow that is not the lock's, by the text that it was made of.
    """
    path = inside(root, folder)
    own = re.search(
        r"^tensorflow @ .*\n.*--hash=sha256:(\w+)", text(path / "requirements.txt"), re.MULTILINE
    )
    match = re.search(r"version_info = (3\.\d+)", text(path / "pyvenv.cfg"))
    python = inside(root, f"{folder}/bin/python")  # often a link to the system's, from the root
    return {
        "python": match.group(1) if match and exists(python) else "",
        "tensorflow": wheel(path, "(?:tensorflow|tf_nightly)"),
        "jax": wheel(path, "jax"),
        "torch": wheel(path, "torch"),
        "wheel": own.group(1) if own else "",
        "cudnn": wheel(path, r"nvidia_cudnn_cu\d+"),
    }


def verified(root: Path) -> dict[str, str]:
    """What the last verification passed with on the GPUs, "" where it has not.

    tensorflow: its version; compiled: the GPUs that its kernels were compiled for.
    """
    told = json_object(root / "etc/grindstone/verify.json")
    found = {key: told.get(key) if told.get("ok") is True else "" for key in VERIFIED}
    return {key: value if isinstance(value, str) else "" for key, value in found.items()}


def wheel(environment: Path, name: str) -> str:
    """The version of an installed wheel, by a pattern of its name; "" where there is none."""
    for folder in names(environment / "lib"):
        for each in names(environment / "lib" / folder / "site-packages"):
            match = re.match(rf"{name}-(.+)\.dist-info$", each)
            if match:
                return match.group(1)
    return ""


def free_mb(path: Path) -> int:
    """Free space for what goes to `path`, which need not be there yet, in MB (10^6 bytes)."""
    while not exists(path):
        path = path.parent
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize // 1_000_000


def owned(root: Path) -> dict[str, list[str]]:
    """What Grindstone's ledgers say: the `open` ones, and the `packages` that it has added.

    A ledger that is open is of a run that was killed, or goes on; one that is damaged counts as
    open, so that the role comes to it and says so.  Only root may read them.
    """
    folder = root / "var/lib/grindstone/ledger"
    # host_ledger writes a file beside the ledger first, whose name begins with a dot.
    files = [name for name in names(folder) if re.match(r"[a-z][a-z0-9_]*\.json$", name)]
    told = {name[: -len(".json")]: json_object(folder / name) for name in files}
    packages = {package for ledger in told.values() for package in _names(ledger)}
    return {
        "open": [name for name, ledger in told.items() if ledger.get("state", "open") == "open"],
        "packages": sorted(packages),
        "prefixes": own_prefixes.prefixes(root),
    }


def _names(ledger: dict[str, Any]) -> list[str]:
    added = ledger.get("added")
    return [each for each in added if isinstance(each, str)] if isinstance(added, list) else []


def library_path(root: Path) -> list[dict[str, str]]:
    """The settings that make every program look elsewhere for CUDA: `path` and the `file`."""
    found = []
    files = ["etc/environment", "etc/profile", "etc/bash.bashrc"]
    for folder in ("etc/profile.d", "etc/ld.so.conf.d"):
        files += [f"{folder}/{name}" for name in names(root / folder)]
    for name in files:
        said = text(root / name)
        if name.startswith("etc/ld.so.conf.d"):
            paths = re.findall(r"^\s*(/\S*(?:cuda|cudnn)\S*)", said, re.MULTILINE)
        else:
            paths = re.findall(r"^[^#\n]*\bLD_LIBRARY_PATH=[\"']?([^\s\"']+)", said, re.MULTILINE)
        found += [{"path": path, "file": f"/{name}"} for path in paths]
    return found


def look(root: Path, prefix: str) -> dict[str, Any]:
    """Everything above, and what module_utils/host_*.py look at, in one dictionary."""
    running = text(root / "proc/sys/kernel/osrelease") or os.uname().release
    known = host_packages.known(root)
    packages = host_packages.installed(known)
    kernels = host_kernels.look(root, running, packages)
    gpus = host_gpus.gpus(root)
    tegra = any(gpu["chip"] == TEGRA for gpu in gpus)
    return {
        "distribution": distribution(root),
        "architecture": text(root / "proc/sys/kernel/arch") or os.uname().machine,
        "kernel": running,
        "boot_id": text(root / "proc/sys/kernel/random/boot_id"),
        "wsl": "microsoft" in running.lower(),
        "container": container(root),
        "machine": "Jetson" if tegra else host_firmware.machine(root),
        "firmware": host_firmware.firmware(root),
        "laptop": host_firmware.laptop(root),
        "desktop": host_firmware.desktop(root),
        "glibc": glibc(root),
        "gpus": gpus,
        "other_gpus": host_gpus.other_gpus(root),
        "switches": host_gpus.switches(root),
        "kernels": kernels,
        "driver": host_driver.look(root, kernels, packages),
        "processes": host_driver.processes(root),
        "secure_boot": host_firmware.secure_boot(root),
        "cuda": host_cuda.cuda(root, packages),
        "cudnn": host_cuda.cudnn(root, packages),
        "library_path": library_path(root),
        "packages": host_packages.look(root, known),
        "containers": host_containers.look(root, packages),
        "reboot_required": any(exists(inside(root, path)) for path in REBOOT_REQUIRED),
        "owned": owned(root),
        "pythons": pythons(root),
        "environment": environment(root, prefix + "/tensorflow"),
        "verified": verified(root),
        "free_mb": free_mb(inside(root, prefix)),
        "free_boot_mb": free_mb(inside(root, "/boot")),
    }


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    module.exit_json(
        changed=False, found=look(Path(module.params["sysroot"]), module.params["prefix"])
    )


if __name__ == "__main__":
    main()
