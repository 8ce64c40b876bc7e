"""Hosts as folders of files: what `gpu_info` would read on each."""

from __future__ import annotations

import struct
from pathlib import Path

Host = dict[str, str]  # path -> text; a text that begins with "->" is a link's target


def python(version: str, *, default: bool = True, ensurepip: bool = True) -> Host:
    """An interpreter as a distribution installs it."""
    files = {f"usr/bin/python{version}": "", f"usr/lib/python{version}/venv/__init__.py": ""}
    if ensurepip:
        files[f"usr/lib/python{version}/ensurepip/__init__.py"] = ""
    if default:
        files["usr/bin/python3"] = f"->python{version}"
    return files


def system(name: str, identity: str, version: str, glibc: str = "2.39") -> Host:
    """A distribution on x86_64."""
    release = f'NAME="{name}"\nID={identity}\n' + (f'VERSION_ID="{version}"\n' if version else "")
    return {
        "etc/os-release": release,
        "proc/sys/kernel/osrelease": "6.12.0-1-amd64\n",
        "proc/sys/kernel/arch": "x86_64\n",
        "usr/lib/x86_64-linux-gnu/libc.so.6": f"stable release version {glibc}.",
    }


def device(address: str, vendor: str, number: str, kind: str) -> Host:
    """A device on the PCI bus."""
    folder = f"sys/bus/pci/devices/{address}"
    return {
        f"{folder}/vendor": f"{vendor}\n",
        f"{folder}/device": f"{number}\n",
        f"{folder}/class": f"{kind}\n",
    }


DEBIAN_12 = system("Debian GNU/Linux", "debian", "12", "2.36") | python("3.11")
DEBIAN_12_WITHOUT_VENV = system("Debian GNU/Linux", "debian", "12", "2.36") | python(
    "3.11", ensurepip=False
)
DEBIAN_13 = system("Debian GNU/Linux", "debian", "13", "2.41") | python("3.13")
UBUNTU_2204 = system("Ubuntu", "ubuntu", "22.04", "2.35") | python("3.10")
UBUNTU_2604 = system("Ubuntu", "ubuntu", "26.04", "2.43") | python("3.14")
ARCH = {
    "etc/os-release": 'NAME="Arch Linux"\nID=arch\nBUILD_ID=rolling\n',
    "proc/sys/kernel/osrelease": "6.18.1-arch1-1\n",
    "proc/sys/kernel/arch": "x86_64\n",
    "usr/lib/libc.so.6": "stable release version 2.42.",
} | python("3.14")
ARCH_WITH_312 = ARCH | python("3.12", default=False)
FEDORA = system("Fedora Linux", "fedora", "43") | python("3.14")
RISCV = DEBIAN_13 | {"proc/sys/kernel/arch": "riscv64\n"}
AARCH64 = DEBIAN_13 | {"proc/sys/kernel/arch": "aarch64\n"}
OLD_GLIBC = DEBIAN_12 | {"usr/lib/x86_64-linux-gnu/libc.so.6": "stable release version 2.24."}
WITH_GPU = UBUNTU_2204 | {
    **device("0000:01:00.0", "0x10de", "0x2204", "0x030000"),
    **device("0000:01:00.1", "0x10de", "0x1aef", "0x040300"),  # the GPU's own sound
    **device("0000:00:02.0", "0x8086", "0x4680", "0x030000"),  # Intel's graphics
}
WSL = UBUNTU_2204 | {"proc/sys/kernel/osrelease": "5.15.153.1-microsoft-standard-WSL2\n"}


def debs(*told: str) -> Host:
    """dpkg's status: each `name version`, and what differs, as `Status: hold ok installed`."""
    stanzas = ["Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.22"]
    for each in told:
        first, *fields = each.split("\n")
        name, _, version = first.partition(" ")
        usual = {"Status": "install ok installed", "Architecture": "amd64", "Version": version}
        for field in fields:
            key, _, usual[key] = field.partition(": ")
        stanzas.append("\n".join([f"Package: {name}", *(f"{k}: {v}" for k, v in usual.items())]))
    return {"var/lib/dpkg/status": "\n\n".join(stanzas) + "\n"}


def arch_packages(*told: str, validation: str = "pgp") -> Host:
    """pacman's local database: each `name version`."""
    entries = [each.split(" ") for each in told]
    return {
        f"var/lib/pacman/local/{name}-{version}/desc": (
            f"%NAME%\n{name}\n\n%VERSION%\n{version}\n\n%VALIDATION%\n{validation}\n"
        )
        for name, version in entries
    }


def kernel(release: str, *, headers: bool = False) -> Host:
    """A kernel as Debian and Ubuntu install it; the link to its headers is absolute."""
    files = {f"boot/vmlinuz-{release}": "", f"lib/modules/{release}/modules.dep": ""}
    if headers:
        files[f"lib/modules/{release}/build"] = f"->/usr/src/linux-headers-{release}"
        files[f"usr/src/linux-headers-{release}/Makefile"] = ""
    return files


def arch_kernel(release: str, base: str = "linux") -> Host:
    """A kernel as Arch installs it."""
    folder = f"usr/lib/modules/{release}"
    return {f"{folder}/vmlinuz": "", f"{folder}/pkgbase": f"{base}\n", "lib": "->usr/lib"}


def module(version: str, licence: str) -> str:
    """NVIDIA's module: an ELF file whose strings lie before the section .modinfo that counts."""
    strings = b"version=%s\0license=%u\0\0version=9.9\0\0license=GPL\0"
    info = (
        f"firmware=nvidia/gsp.bin\0alias=char-major-195-*\0version={version}\0"
        f"supported=external\0license={licence}\0srcversion=4A5DFC\0vermagic=6.1 SMP\0"
    ).encode()
    names = b"\0.rodata\0.modinfo\0.shstrtab\0"
    content = bytes(64) + strings + info + names
    sections = struct.pack("<IIQQQQIIQQ", *10 * [0])
    for name, part in ((1, strings), (9, info), (18, names)):
        place = content.index(part)
        sections += struct.pack("<IIQQQQIIQQ", name, 1, 0, 0, place, len(part), 0, 0, 1, 0)
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header += struct.pack("<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, len(content), 0, 64, 0, 0, 64, 4, 3)
    return (header + content[64:] + sections).decode("latin-1")


OPEN, PROPRIETARY = "Dual MIT/GPL", "NVIDIA"


def merged(*parts: Host) -> Host:
    """One host of several parts."""
    return {name: content for part in parts for name, content in part.items()}


def write(root: Path, host: Host) -> Path:
    """Lays the host's files below `root`."""
    for name, content in host.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content.startswith("->"):
            path.symlink_to(content[2:])
        else:
            path.write_bytes(content.encode("latin-1" if content.startswith("\x7f") else "utf-8"))
    return root
