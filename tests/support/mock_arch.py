"""Arch-like roots: the real pacman on Debian 12, with Arch's kernels and NVIDIA's packages.

Names and relations of the packages: archlinux.org/packages, and facts in roles/plan/vars/main/.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.support import roots
from tests.support.mock_archive import Keys, MockDistribution, cached, keys, pacman_repository
from tests.support.mock_packages import DKMS, MADE, WAIT, Files, Package, kernel_module

ARCH_NEEDS = ["pacman-package-manager", "gpg", "gpg-agent", "kmod", "zstd"]
NVIDIA = "590.48.01"
ARCH_KERNELS = {
    "linux": ("6.17.9.arch1-1", "6.17.9-arch1-1"),
    "linux-lts": ("6.12.58-1", "6.12.58-1-lts"),
    "linux-zen": ("6.17.9.zen1-1", "6.17.9-zen1-1-zen"),
}
NEWER_NVIDIA = "595.58.03"
NEWER_KERNELS = {
    "linux": ("6.18.2.arch2-1", "6.18.2-arch2-1"),
    "linux-lts": ("6.12.63-1", "6.12.63-1-lts"),
    "linux-zen": ("6.18.2.zen2-1", "6.18.2-zen2-1-zen"),
}

PACMAN_CONF = """[options]
HoldPkg     = pacman glibc
Architecture = auto
#IgnorePkg   =
SigLevel    = Required DatabaseOptional
LocalFileSigLevel = Optional

[core]
Include = /etc/pacman.d/mirrorlist

[extra]
Include = /etc/pacman.d/mirrorlist
"""
MKINITCPIO = """#!/bin/bash
# A mock mkinitcpio: an image holds its configuration's hooks and what keeps modules out.
set -e
[ ! -p /srv/wait-initramfs ] || read -r _ < /srv/wait-initramfs
echo "$*" >> /var/log/mkinitcpio.log
. /etc/mkinitcpio.conf
for drop_in in /etc/mkinitcpio.conf.d/*.conf; do
    [ ! -e "$drop_in" ] || . "$drop_in" || { echo "Failed to read $drop_in" >&2; exit 1; }
done
for hook in "${HOOKS[@]}"; do
    [ -n "$hook" ] || { echo "==> ERROR: Hook '' cannot be found" >&2; exit 1; }
done
for preset in /etc/mkinitcpio.d/*.preset; do
    cat /usr/lib/modprobe.d/*.conf /etc/modprobe.d/*.conf 2>/dev/null | sed "1iHOOKS ${HOOKS[*]}" \\
        > "/boot/initramfs-$(basename "$preset" .preset).img" || true
done
"""
HOOK = """[Trigger]
Operation = Install
Operation = Upgrade
Type = Path
{targets}

[Action]
Description = {description}
When = PostTransaction
Exec = {command}
"""
MKINITCPIO_HOOK = """#!/bin/bash
# As mkinitcpio's own: brings each kernel to /boot, and makes its image.
for folder in /usr/lib/modules/*/; do
    [ -e "$folder/vmlinuz" ] || continue
    base=$(cat "$folder/pkgbase")
    cp "$folder/vmlinuz" "/boot/vmlinuz-$base"
    echo "PRESETS=('default')" > "/etc/mkinitcpio.d/$base.preset"
done
mkinitcpio -P
"""


def zst(data: bytes) -> bytes:
    """The data as zstd compresses them: so Arch's modules are."""
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout


def arch_kernel(name: str, version: str, release: str) -> list[Package]:
    """A kernel and its headers."""
    folder = f"usr/lib/modules/{release}"
    return [
        Package(
            name,
            version,
            {"depend": ["mkinitcpio"]},
            {
                f"{folder}/vmlinuz": f"the kernel {release}\n",
                f"{folder}/pkgbase": f"{name}\n",
                f"{folder}/modules.builtin": "",
                f"{folder}/modules.order": "",
                f"{folder}/kernel/drivers/gpu/drm/nouveau/nouveau.ko.zst": zst(b"a module"),
            },
        ),
        Package(
            f"{name}-headers",
            version,
            {"pkgbase": [name]},
            {f"{folder}/build/include/config/kernel.release": f"{release}\n"},
        ),
    ]


def arch_driver(version: str, kernels: dict[str, tuple[str, str]]) -> list[Package]:
    """NVIDIA's packages in extra."""
    module = zst(kernel_module(version, "open"))
    utils = f"nvidia-utils={version}"
    one = {"provides": ["NVIDIA-MODULE"], "conflict": ["NVIDIA-MODULE"]}
    packages = [
        Package(
            "nvidia-utils",
            f"{version}-2",
            {"depend": ["egl-wayland"], "provides": ["opengl-driver"], "optdepend": ["cuda"]},
            {
                f"usr/lib/libcuda.so.{version}": "a library\n",
                "usr/lib/libcuda.so.1": f"->libcuda.so.{version}",
                f"usr/lib/libnvidia-ml.so.{version}": "a library\n",
                "usr/lib/libnvidia-ml.so.1": f"->libnvidia-ml.so.{version}",
                "usr/bin/nvidia-smi": "#!/bin/sh\nexit 9\n",
                "usr/bin/nvidia-persistenced": "#!/bin/sh\n",
                "usr/lib/systemd/system/nvidia-persistenced.service": "[Service]\nType=forking\n",
                "usr/lib/modprobe.d/nvidia-utils.conf": "blacklist nouveau\n",
                "usr/lib/modules-load.d/nvidia-utils.conf": "nvidia-uvm\n",
            },
            {"pre_install": WAIT.format("before"), "post_install": WAIT.format("after")},
        ),
        Package(
            "nvidia-open-dkms",
            f"{version}-2",
            {"depend": ["dkms", utils], "pkgbase": ["nvidia-utils"], **one},
            {
                f"usr/src/nvidia-{version}/dkms.conf": f'PACKAGE_VERSION="{version}"\n',
                f"usr/src/nvidia-{version}/nvidia.ko.zst": module,
            },
            {"pre_remove": f"dkms remove nvidia/{version}", "pre_upgrade": "dkms remove nvidia"},
        ),
    ]
    for kernel, name in (("linux", "nvidia-open"), ("linux-lts", "nvidia-lts-open")):
        file = f"usr/lib/modules/{kernels[kernel][1]}/extramodules/nvidia.ko.zst"
        depends = {"depend": [kernel, utils], **one}
        packages.append(Package(name, f"{version}-9", depends, {file: module}))
    return packages


def arch_core(kernels: dict[str, tuple[str, str]]) -> list[Package]:
    """The packages of the repository core."""
    hook = HOOK.format(
        targets="Target = usr/lib/modules/*/vmlinuz\nTarget = usr/bin/mkinitcpio",
        description="Updating linux initcpios...",
        command="/usr/share/libalpm/scripts/mkinitcpio",
    )
    packages = [
        Package(
            "mkinitcpio",
            "40-2",
            {"backup": ["etc/mkinitcpio.conf"]},
            {
                "usr/bin/mkinitcpio": MKINITCPIO,
                "etc/mkinitcpio.conf": "HOOKS=(base udev autodetect modconf kms keyboard block)\n",
                "etc/mkinitcpio.d/.keep": "",
                "usr/share/libalpm/hooks/90-mkinitcpio-install.hook": hook,
                "usr/share/libalpm/scripts/mkinitcpio": MKINITCPIO_HOOK,
            },
        ),
        Package("base", "3-2", {"depend": ["mkinitcpio"]}),
    ]
    for name in ("linux", "linux-lts"):
        packages += arch_kernel(name, *kernels[name])
    return packages


def arch_extra(version: str, kernels: dict[str, tuple[str, str]]) -> list[Package]:
    """The packages of the repository extra."""
    hook = HOOK.format(
        targets="Target = usr/src/*/dkms.conf\nTarget = usr/lib/modules/*/build/include/*",
        description="Install DKMS modules",
        command="/usr/bin/dkms autoinstall",
    )
    files: Files = {"usr/bin/dkms": DKMS, "usr/share/libalpm/hooks/70-dkms-install.hook": hook}
    return [
        Package("dkms", "3.3.0-1", {}, files),
        Package("egl-wayland", "4:1.1.21-1"),
        Package("cpupower", "6.17-1", {"group": ["linux-tools"]}),
        *arch_kernel("linux-zen", *kernels["linux-zen"]),
        *arch_driver(version, kernels),
    ]


def distribution() -> MockDistribution:
    """An Arch with the kernel `linux`; its `web` has the mirrors `now` and `newer`."""

    def make(root: roots.Root, web: Path) -> None:
        root.command("apt-get", "update")
        root.command("apt-get", "install", "--yes", "--no-install-recommends", *ARCH_NEEDS)
        root.command("apt-get", "clean")
        with keys() as signer:
            for mirror, version, kernels, made_at in (
                ("now", NVIDIA, ARCH_KERNELS, MADE),
                ("newer", NEWER_NVIDIA, NEWER_KERNELS, MADE + 86400),
            ):
                extra = arch_extra(version, kernels)
                pacman_repository(web / mirror / "core", arch_core(kernels), signer, made_at)
                pacman_repository(web / mirror / "extra", extra, signer, made_at)
            _trust(root.path / "etc/pacman.d/gnupg", signer)
        _call_it_arch(root)
        use_mirror(root, web / "now")
        root.command("pacman", "-Sy", "--noconfirm", "base", "linux", "cpupower")
        root.command("pacman", "-Scc", "--noconfirm")

    return cached("arch", "bookworm", make)


def _trust(home: Path, signer: Keys) -> None:
    """Makes `home` pacman's keyring, with the signer's key in it."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "pubring.gpg").touch()  # gpg then keeps the keys in it, where pacman looks for them
    listing = signer.gpg("--list-keys", "--with-colons").decode()
    fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line[:3] == "fpr")
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--no-autostart"]
    gpg += ["--no-permission-warning"]
    subprocess.run([*gpg, "--import"], input=signer.public, check=True, capture_output=True)
    trust = f"{fingerprint}:6:\n".encode()
    subprocess.run([*gpg, "--import-ownertrust"], input=trust, check=True, capture_output=True)


def _call_it_arch(root: roots.Root) -> None:
    release = root.path / "etc/os-release"
    release.unlink()
    text = 'NAME="Arch Linux"\nPRETTY_NAME="Arch Linux"\nID=arch\nBUILD_ID=rolling\n'
    release.write_text(text, encoding="utf-8")
    (root.path / "etc/debian_version").unlink()
    for folder in ("var/lib/dpkg", "var/lib/apt", "etc/apt", "var/cache/apt"):
        shutil.rmtree(root.path / folder)
    (root.path / "etc/arch-release").touch()
    (root.path / "etc/pacman.conf").write_text(PACMAN_CONF, encoding="utf-8")
    mirrors = root.path / "etc/pacman.d/mirrorlist"
    mirrors.write_text("Server = file:///srv/mirror/$repo\n", encoding="utf-8")


def use_mirror(root: roots.Root, mirror: Path) -> None:
    """Lets the root's pacman reach that mirror, and nothing else."""
    folder = root.path / "srv/mirror"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "--bind", str(mirror), str(folder)], check=True)
