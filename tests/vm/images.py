"""Debian 12 as a disk that boots: shim and grub on a small ESP, the root beside them.

The root is made by mmdebstrap, as those of tests/roles are, and kept from run to run.
No loop device and no mount is needed: mke2fs and mtools write into the file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support import module_servers, roots
from tests.support.ansible_env import MODULE_SERVER, PYTHONPATH, compiled_folder
from tests.support.cache import cache_folder, locked, remove_stale

SUITE = "bookworm"
MIB = 1024 * 1024
ESP_MIB = 64  # from the first MiB on; the root file system follows it to the end
DISK_MIB = 16 * 1024
PACKAGES = [
    "ca-certificates",
    "dbus",
    "e2fsprogs",
    "grub-efi-amd64-signed",
    "initramfs-tools",
    "kmod",
    "linux-headers-amd64",
    "linux-image-amd64",
    "mokutil",
    "openssh-server",
    "python3",
    "shim-signed",
    "systemd-sysv",
    "udev",
    "zstd",
]
# What the initramfs holds, for this disk alone: without KVM one for every machine takes minutes.
MODULES = "virtio_pci\nvirtio_blk\next4\n"
# Packages of a driver ask for it twice, and then the role does: for it alone it is made anew.
INITRAMFS_UPDATES = "update_initramfs=${DPKG_MAINTSCRIPT_NAME:+no}\n"
NETWORK = "[Match]\nName=en*\n[Network]\nDHCP=yes\n"
# Tells the console that ssh answers; the boot id tells one boot from the next.
READY = """[Unit]
After=ssh.service network-online.target
Wants=network-online.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo "vm: ready $(cat /proc/sys/kernel/random/boot_id)" >/dev/ttyS0'
[Install]
WantedBy=multi-user.target
"""
# Without KVM, retpolines and the console's lines are what a boot takes longest for, and qemu
# translates a program anew at every new address; and on a busy host services start later than
# systemd waits for them.
PATIENT = "systemd.service_watchdogs=no systemd.default_timeout_start_sec=1200"
OPTIONS = f"console=ttyS0 quiet mitigations=off norandmaps {PATIENT}"
GRUB = f"GRUB_TIMEOUT=0\nGRUB_CMDLINE_LINUX='{OPTIONS}'\nGRUB_DISABLE_OS_PROBER=true\n"
# Until `update-grub` has run on the booted disk, which it has to see.
FIRST_GRUB = f"""linux /vmlinuz root=LABEL=root ro {OPTIONS}
initrd /initrd.img
boot
"""
# Where Debian's signed grub looks first: it hands over to the grub.cfg of the root.
ESP_GRUB = """search --label root --set=root
set prefix=($root)/boot/grub
configfile $prefix/grub.cfg
"""
APT = 'Acquire::Languages "none";\nApt::Install-Recommends "false";\n'
RESOLVER = "nameserver 10.0.2.3\n"  # qemu's own
FSTAB = "LABEL=root / ext4 errors=remount-ro 0 1\n"
FILES = {
    "etc/initramfs-tools/conf.d/disk": roots.INITRAMFS,
    "etc/initramfs-tools/modules": MODULES,
    "etc/systemd/network/wired.network": NETWORK,
    "etc/systemd/system/vm-ready.service": READY,
    "etc/default/grub": GRUB,
    "etc/fstab": FSTAB,
    "etc/apt/apt.conf.d/brief": APT,
    "etc/hostname": "guest\n",
}
UNITS = ["systemd-networkd.service", "ssh.service", "vm-ready.service"]
NOT_NEEDED = [
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer"),
    *("e2scrub_reap.service", "fstrim.timer", "getty@tty1.service", "serial-getty@ttyS0.service"),
    *("grub-common.service", "systemd-pstore.service", "systemd-update-utmp.service"),
]


@dataclass(frozen=True)
class Base:
    """What every machine starts from: the root as a folder, and the keys that open it."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def key(self) -> Path:
        return self.folder / "key"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"


def base() -> Base:
    """The base, made if it is not kept yet or was made by another recipe than this file's."""
    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    made = Base(cache_folder() / f"vm-{recipe}")
    with locked("vm"):
        if not made.folder.exists():
            remove_stale("vm-*")
            part = Base(made.folder.with_name("vm.part"))
            shutil.rmtree(part.folder, ignore_errors=True)
            part.folder.mkdir(parents=True)
            _keys(part)
            _root(part)
            part.folder.rename(made.folder)
    os.utime(made.folder)  # it is in use
    return made


def _keys(base: Base) -> None:
    for name in ("key", "host"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", ""]
        subprocess.run([*command, "-f", str(base.folder / name)], check=True)
    host = (base.folder / "host.pub").read_text(encoding="utf-8")
    base.known_hosts.write_text(f"guest {host}", encoding="utf-8")


def _root(base: Base) -> None:
    given = base.folder / "given"
    for name, content in FILES.items():
        (given / name).parent.mkdir(parents=True, exist_ok=True)
        (given / name).write_text(content, encoding="utf-8")
    command = [*roots.MMDEBSTRAP, f"--include={','.join(PACKAGES)}"]
    command.append(f'--setup-hook=cp -r "{given}/." "$1"')
    subprocess.run([*command, SUITE, str(base.root), *roots.mirror()], check=True)
    _set_up(base)


def _set_up(base: Base) -> None:
    """What a person's installer would have done: the network, ssh."""
    root = base.root
    subprocess.run(["systemctl", "--quiet", f"--root={root}", "enable", *UNITS], check=True)
    subprocess.run(["systemctl", "--quiet", f"--root={root}", "mask", *NOT_NEEDED], check=True)
    for source, name, mode in (
        (base.folder / "host", "etc/ssh/ssh_host_ed25519_key", 0o600),
        (base.folder / "host.pub", "etc/ssh/ssh_host_ed25519_key.pub", 0o644),
        (base.folder / "key.pub", "root/.ssh/authorized_keys", 0o600),
        (roots.CERTIFICATES, str(roots.CERTIFICATES.relative_to("/")), 0o644),
    ):
        if source.exists():
            (root / name).parent.mkdir(mode=0o700, exist_ok=True)
            shutil.copyfile(source, root / name)
            (root / name).chmod(mode)
    updates = root / "etc/initramfs-tools/update-initramfs.conf"
    updates.write_text(INITRAMFS_UPDATES, encoding="utf-8")
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    (root / "etc/resolv.conf").write_text(RESOLVER, encoding="utf-8")


def kernels(root: roots.Root) -> list[str]:
    """The kernels there, by their releases."""
    return [path.name.partition("-")[2] for path in (root.path / "boot").glob("vmlinuz-*")]


def write_disk(root: Path, disk: Path) -> None:
    """Writes the tree below `root` to a disk that OVMF boots, by way of shim and grub."""
    with disk.open("wb") as file:
        file.truncate(DISK_MIB * MIB)
    table = f"label: gpt\nstart=1MiB, size={ESP_MIB}MiB, type=U\nstart={1 + ESP_MIB}MiB, type=L\n"
    subprocess.run(["sfdisk", "--quiet", str(disk)], input=table, text=True, check=True)
    size = f"{(DISK_MIB - ESP_MIB - 2) * 1024}k"
    offset = (1 + ESP_MIB) * MIB
    make = ["mke2fs", "-q", "-t", "ext4", "-L", "root", "-E", f"offset={offset},lazy_itable_init=1"]
    subprocess.run([*make, "-d", str(root), str(disk), size], check=True)
    _write_esp(root, disk)


def write_disk_of(root: roots.Root, disk: Path) -> None:
    """Writes a mounted root, as it is now, to a disk."""
    subprocess.run(["umount", str(root.path / "proc")], check=True)
    inside = root.path / PYTHONPATH.relative_to("/")
    subprocess.run(["umount", str(inside)], check=True)
    shutil.copytree(compiled_folder(), inside, dirs_exist_ok=True)
    ssh = root.path / "etc/ssh/sshd_config.d/compiled.conf"
    variables = f"PYTHONPATH={PYTHONPATH} MODULE_SERVER={MODULE_SERVER}"
    ssh.write_text(f"SetEnv {variables}\n", encoding="utf-8")
    module_servers.install(root.path, MODULE_SERVER)
    (root.path / "etc/resolv.conf").write_text(RESOLVER, encoding="utf-8")
    grub = root.path / "boot/grub"
    grub.mkdir(exist_ok=True)
    (grub / "grub.cfg").write_text(FIRST_GRUB, encoding="utf-8")
    write_disk(root.path, disk)


def _write_esp(root: Path, disk: Path) -> None:
    esp, config = disk.with_name("esp.img"), disk.with_name("esp-grub.cfg")
    esp.unlink(missing_ok=True)
    make = ["mkfs.fat", "-F", "32", "-C", str(esp), str(ESP_MIB * 1024)]
    subprocess.run(make, stdout=subprocess.DEVNULL, check=True)
    config.write_text(ESP_GRUB, encoding="utf-8")
    for folder in ("::/EFI", "::/EFI/BOOT", "::/EFI/debian"):
        subprocess.run(["mmd", "-i", str(esp), folder], check=True)
    for source, name in (
        (root / "usr/lib/shim/shimx64.efi.signed", "BOOT/BOOTX64.EFI"),
        (root / "usr/lib/shim/mmx64.efi.signed", "BOOT/mmx64.efi"),
        (root / "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "BOOT/grubx64.efi"),
        (config, "debian/grub.cfg"),
    ):
        subprocess.run(["mcopy", "-i", str(esp), str(source), f"::/EFI/{name}"], check=True)
    with disk.open("r+b") as file:
        file.seek(MIB)
        file.write(esp.read_bytes())
