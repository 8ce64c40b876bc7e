"""Packages that stand for kernels and drivers.

They have the names, versions, dependencies and conflicts of the real ones (mock_ubuntu_packages.py,
mock_arch.py), and next to nothing inside: a kernel is its file in /boot, a kernel module is an ELF
file with no more than its `.modinfo`.
"""

from __future__ import annotations

import gzip
import io
import shutil
import struct
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

MADE = 1_760_000_000  # when the files of all packages were made
Files = dict[str, bytes | str]
# In a package's script: waits while a test holds it there.
WAIT = "[ ! -p /srv/wait-{0} ] || read -r _ < /srv/wait-{0}"


@dataclass(frozen=True)
class Package:
    """A package that stands for a real one.

    relations: `Depends`, `Conflicts`, `Provides` … (a .deb's names) or `depend`, `conflict`,
        `provides`, `group` … (pacman's), each a list.
    files: what is in it by path; a value that begins with "->" is a link's target, and one that
        begins with "#!" is executable.
    scripts: `postinst`, `prerm` … of a .deb, or the functions `post_install` … for pacman.
    """

    name: str
    version: str
    relations: dict[str, list[str]] = field(default_factory=dict)
    files: Files = field(default_factory=dict)
    scripts: dict[str, str] = field(default_factory=dict)


# What `dkms` and its hooks do, as far as anyone looks: builds for each kernel with headers.
DKMS = """#!/bin/sh
# Stands for DKMS: «builds» /usr/src/NAME-VERSION for every kernel that has its headers.
set -e
case $1 in
status)
    for built in /var/lib/dkms/*/*/*/x86_64; do
        [ -d "$built" ] || continue
        set -- $(echo "$built" | cut -d/ -f5-7 | tr / ' ')
        echo "$1/$2, $3, x86_64: installed"
    done ;;
autoinstall)
    failed=0
    for source in /usr/src/*/dkms.conf; do
        [ -e "$source" ] || continue
        source=$(basename "$(dirname "$source")")
        for kernel in /lib/modules/*/build; do
            [ -d "$kernel" ] || continue
            kernel=$(basename "$(dirname "$kernel")")
            tree=/var/lib/dkms/${source%%-*}/${source#*-}
            target=/lib/modules/$kernel/updates/dkms
            [ ! -e "$tree/$kernel" ] || continue
            echo "Building module for $source and $kernel"
            [ ! -p /srv/wait-dkms ] || read -r _ < /srv/wait-dkms
            case $kernel in
            $(cat "/usr/src/$source/fails-for" 2>/dev/null || echo -))
                mkdir -p "$tree/build"
                cat > "$tree/build/make.log" <<END
DKMS make.log for $source for kernel $kernel (x86_64)
make: Entering directory '/usr/src/linux-headers-$kernel'
$tree/build/nvidia/nv-pci.c:237:9: error: too few arguments to function 'pci_resize_resource'
make: *** [Makefile:1] Error 2
END
                echo "Error! Bad return status for module build on kernel: $kernel (x86_64)" >&2
                echo "Consult $tree/build/make.log for more information." >&2
                failed=10
                continue ;;
            esac
            mkdir -p "$tree/$kernel/x86_64/module" "$target"
            cp /usr/src/$source/nvidia.ko* "$tree/$kernel/x86_64/module"
            cp /usr/src/$source/nvidia.ko* "$target"
        done
    done
    exit $failed ;;
remove)
    rm -rf "/var/lib/dkms/$2"
    find /lib/modules -path '*/updates/dkms/nvidia.ko*' -delete
    find /lib/modules -path '*/updates*' -type d -empty -delete ;;
esac
"""


def kernel_module(version: str, flavour: str) -> bytes:
    """An ELF file with the `.modinfo` of NVIDIA's module, `open` or `proprietary`."""
    licence = "Dual MIT/GPL" if flavour == "open" else "NVIDIA"
    info = f"license={licence}\0version={version}\0supported=external\0name=nvidia\0".encode()
    names = b"\0.modinfo\0.shstrtab\0"
    start = 64 + len(info) + len(names)

    def section(name: int, kind: int, offset: int, size: int) -> bytes:
        return struct.pack("<IIQQQQIIQQ", name, kind, 0, 0, offset, size, 0, 0, 1, 0)

    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, start, 0, 64, 0, 0, 64, 3, 2)
    sections = section(0, 0, 0, 0) + section(1, 1, 64, len(info))
    sections += section(10, 3, 64 + len(info), len(names))
    return identity + header + info + names + sections


def deb(package: Package, pool: Path) -> None:
    """Builds the package in `pool`."""
    tree = pool / package.name
    _lay_out(package.files, tree)
    control = tree / "DEBIAN"
    control.mkdir()
    fields = {
        "Package": package.name,
        "Version": package.version,
        "Architecture": "amd64",
        "Maintainer": "Mock packages <mock@lists.ubuntu.com>",  # whose kernels are Ubuntu's
        "Section": "restricted/kernel",
        **{name: ", ".join(values) for name, values in package.relations.items()},
        "Description": "stands for the real package of this name",
    }
    lines = [f"{name}: {value}\n" for name, value in fields.items()]
    (control / "control").write_text("".join(lines), encoding="utf-8")
    configuration = [f"/{path}\n" for path in package.files if path.startswith("etc/")]
    (control / "conffiles").write_text("".join(configuration), encoding="utf-8")
    for name, body in package.scripts.items():
        (control / name).write_text(f"#!/bin/sh\nset -e\n{body}\n", encoding="utf-8")
        (control / name).chmod(0o755)
    name = f"{package.name}_{package.version.replace(':', '%3a')}_amd64.deb"
    command = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(tree), str(pool / name)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    shutil.rmtree(tree)


def _lay_out(files: Files, tree: Path) -> None:
    tree.mkdir()
    for name, content in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        if data.startswith(b"->"):
            path.symlink_to(data[2:].decode())
            continue
        path.write_bytes(data)
        path.chmod(0o755 if data.startswith(b"#!") else 0o644)


def arch_package(package: Package) -> bytes:
    """The package as pacman takes it."""
    base = package.relations.get("pkgbase", [package.name])
    info = [("pkgname", package.name), ("pkgbase", base[0]), ("pkgver", package.version)]
    info += [
        ("pkgdesc", "stands for the real package of this name"),
        ("url", "https://example.org"),
    ]
    info += [("builddate", str(MADE)), ("packager", "Mock packages <mock@example.org>")]
    info += [("size", "4096"), ("arch", "x86_64"), ("license", "custom")]
    for name, values in package.relations.items():
        info += [(name, value) for value in values if name != "pkgbase"]
    functions = [f"{name}() {{\n{body}\n}}\n" for name, body in package.scripts.items()]
    files: Files = {".PKGINFO": "".join(f"{name} = {value}\n" for name, value in info)}
    if functions:
        files[".INSTALL"] = "".join(functions)
    folders = {str(parent) for path in package.files for parent in Path(path).parents} - {"."}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in files:
            archive.addfile(*_member(name, files[name]))
        for name in sorted(folders):
            member = tarfile.TarInfo(name)
            member.type, member.mode, member.mtime = tarfile.DIRTYPE, 0o755, MADE
            archive.addfile(member)
        for name in sorted(package.files):
            archive.addfile(*_member(name, package.files[name]))
    return gzip.compress(buffer.getvalue(), compresslevel=1, mtime=MADE)


def _member(name: str, content: bytes | str) -> tuple[tarfile.TarInfo, io.BytesIO]:
    data = content.encode() if isinstance(content, str) else content
    member = tarfile.TarInfo(name)
    member.mtime = MADE
    if data.startswith(b"->"):
        member.type, member.linkname, data = tarfile.SYMTYPE, data[2:].decode(), b""
    member.mode = 0o755 if data.startswith(b"#!") else 0o644
    member.size = len(data)
    return member, io.BytesIO(data)
