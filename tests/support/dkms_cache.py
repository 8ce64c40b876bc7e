"""NVIDIA's module as DKMS has built it, kept for the tests that are not about its build.

A build takes five minutes of a processor.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.support.cache import cache_folder, locked, remove_stale
from tests.support.roots import Root

NAME = "nvidia-current"  # what Debian calls it
MODULES = ("nvidia", "nvidia-uvm", "nvidia-modeset", "nvidia-drm", "nvidia-peermem")
BESIDES = MODULES[1:]  # what hangs on the first, and is most of the build
_BUILD = "srv/build-modules"
# Modules of NVIDIA's names, versions and licence that do nothing, in a folder of their own.
_BUILD_MODULES = """#!/bin/sh
set -e
kernel=$1
shift
version=$(sed -n 's/^PACKAGE_VERSION="\\(.*\\)"$/\\1/p' dkms.conf)
if [ "$*" != "$ALL" ]; then
    make "-j$(nproc)" modules "KERNEL_UNAME=$kernel" "NV_EXCLUDE_KERNEL_MODULES=$*"
fi
mkdir empty
for name; do
    echo '#include <linux/module.h>' >"empty/empty-$name.c"
    echo "MODULE_LICENSE(\\"NVIDIA\\"); MODULE_VERSION(\\"$version\\");" >>"empty/empty-$name.c"
    echo "obj-m += $name.o" >>empty/Kbuild
    echo "$name-y := empty-$name.o" >>empty/Kbuild
done
make -C "/lib/modules/$kernel/build" "M=$PWD/empty" modules
mv empty/*.ko .
rm -r empty
"""
LOCK = "nvidia-module"  # held by who builds it, so that others wait and take what was built


def leave_empty(root: Root, *modules: str) -> None:
    """Has DKMS build next to nothing of those modules: NVIDIA's own take minutes."""
    (root.path / _BUILD).write_text(_BUILD_MODULES, encoding="utf-8")
    (root.path / "etc/dkms").mkdir(exist_ok=True)
    override = root.path / f"etc/dkms/{NAME}.conf"
    command = f"ALL='{' '.join(MODULES)}' sh /{_BUILD} $kernelver {' '.join(modules)}"
    override.write_text(f'MAKE[0]="{command}"\n', encoding="utf-8")


def keep(root: Root) -> None:
    """Keeps what DKMS has built in `root`; the caller holds `LOCK`."""
    for built in _tree(root).glob("[0-9]*/*/x86_64"):
        folder = _folder(built)
        if not folder.exists():
            remove_stale(f"built-{NAME}-*")
            part = folder.with_name(f"{NAME}.part")
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(built, part)
            part.rename(folder)
        os.utime(folder)  # it is in use


def install(root: Root, version: str, kernel: str) -> None:
    """Has DKMS install the module, of which it has the source, in `root`; it builds what it must.

    DKMS takes what lies built in its tree for its own work.
    """
    built = _tree(root) / version / kernel / "x86_64"
    root.command("dkms", "add", f"{NAME}/{version}")
    with locked(LOCK):
        if _folder(built).exists():
            shutil.copytree(_folder(built), built)
        else:
            leave_empty(root, *BESIDES)
        root.command("dkms", "install", f"{NAME}/{version}", "-k", kernel)
        keep(root)


def _tree(root: Root) -> Path:
    return root.path / "var/lib/dkms" / NAME


def _folder(built: Path) -> Path:
    """Where the build is kept that lies in DKMS's own tree as VERSION/KERNEL/x86_64."""
    return cache_folder() / "-".join(["built", NAME, *built.parts[-3:-1]])
