"""What on a host keeps a plan from being carried out, or a driver from working: each a refusal."""

from __future__ import annotations

from fnmatch import fnmatchcase

from ...module_utils.host_driver import CMDLINE
from ...module_utils.host_gpus import VIRTUAL
from ..dpkg_repair import commands
from ..host_facts import Firmware, HostFacts
from . import gpus
from .installed_driver import parts, version_there
from .options import RefusedError
from .request import Request
from .rows import Cloud, listed
from .stack_rows import TITLES, Stack

_BOOT_MB = 200  # an initramfs with NVIDIA's modules beside the one that it replaces


def before_install(request: Request, misfit: str) -> None:
    """Raises RefusedError where no driver is Grindstone's to install, or none would be loaded."""
    virtual = [gpu for gpu in request.gpus if gpu.virtual or VIRTUAL.search(gpu.name)]
    why = misfit or "another driver is asked for"
    if virtual:
        raise RefusedError(
            f"{gpus.titles(virtual)}, a virtual GPU (vGPU): {why}",
            "NVIDIA's guest driver, which alone drives it, of the release that its host has",
            "install it as whoever runs the host tells, then run the same command again",
            nearest=True,
        )
    if request.facts.driver.vgpu_manager:
        raise RefusedError(
            f"driver {version_there(request.facts)}".strip()
            + f", which shares GPUs out to virtual machines (vGPU) and has no CUDA: {why}",
            "a virtual machine that has a share, with NVIDIA's guest driver",
            "plan there, or take this driver off, then run the same command again",
            nearest=True,
        )
    _must_not_be_off(request)
    if request.facts.machine == "DGX":
        raise RefusedError(
            f"a DGX: {why}",
            "a driver that works here, as it is part of DGX OS",
            "update DGX OS, or install its driver as its user guide tells (docs.nvidia.com/dgx), "
            "then run the same command again",
            nearest=True,
        )
    row = request.derivative
    if row:
        raise RefusedError(
            f"{row.name}: {why}",
            f"a driver that works here, as {row.differs}",
            f"{row.do}, then run the same command again",
            nearest=True,
        )


def _must_not_be_off(request: Request) -> None:
    path = request.facts.driver.blacklisted
    if not path:
        return
    by = [row for row in request.matrix.switchers if any(fnmatchcase(path, f) for f in row.files)]
    do = f"run `{by[0].do}`, if it is {by[0].name}'s, else remove that line" if by else ""
    if path == CMDLINE:
        where = "the kernel's command line (GRUB: /etc/default/grub, update-grub)"
        do = f"take it off {where} and reboot"
    raise RefusedError(
        f"NVIDIA's module on the blacklist in {path}",
        "a module that may be loaded",
        f"{do or 'remove that line'}, then run the same command again",
        nearest=True,
    )


def borrowed(request: Request, stack: Stack) -> None:
    """Raises RefusedError where a driver that is another's cannot work as it is."""
    facts = request.facts
    own = [part.name for part in parts(facts)]
    if not stack.gpu:
        return
    if facts.wsl and own:
        purge = request.system.purge.format(names=" ".join(own))
        raise RefusedError(
            f"{listed(own, 'and')} inside WSL2",
            "Windows' driver alone, which those libraries hide",
            f"run `{purge}`, then the same command again",
            nearest=True,
        )
    if facts.container:
        _must_have_its_libraries(request)


# What starts a container gives it the libraries; CUDA's images have newer ones beside them, too.
_GIVEN = {
    "docker": "start it with --gpus all",
    "podman": "start it with --device nvidia.com/gpu=all",
    "kubernetes": "have NVIDIA's device plugin give it the GPU",
}


def _must_have_its_libraries(request: Request) -> None:
    """Raises RefusedError where a container has the GPU without what its host's driver takes."""
    container, driver = request.facts.container, request.facts.driver
    version = driver.loaded or "the same version"
    do = _GIVEN.get(
        container,
        f"install NVIDIA's driver {version} inside by its .run file with --no-kernel-modules",
    )
    if not driver.libraries:
        raise RefusedError(
            f"the GPU's devices in a container ({container}) without libcuda",
            "the libraries of the driver of the container's host",
            do,
            nearest=True,
        )
    if container not in _GIVEN and driver.loaded and driver.libraries != driver.loaded:
        raise RefusedError(
            f"libcuda {driver.libraries} in a container ({container}) whose host has the driver "
            f"{driver.loaded}",
            "the libraries of the same version, as the driver takes no others",
            do,
            nearest=True,
        )


def must_have_a_console(request: Request) -> None:
    """Raises RefusedError where nobody can answer MokManager, which asks at the next boot."""
    drivers = (row for row in request.matrix.drivers if row.is_for(request.facts, "distribution"))
    signs = any(row.precompiled and row.precompiled.method == "precompiled" for row in drivers)
    for row in request.matrix.clouds:
        if _is(row, request.facts.firmware):
            raise RefusedError(
                f"Secure Boot on {row.name}, whose machines have no console for MokManager",
                "modules that the distribution signs, or Secure Boot off",
                row.do + ("" if signs else ", or use an Ubuntu whose modules are signed"),
                nearest=True,
            )


def _is(row: Cloud, firmware: Firmware) -> bool:
    wanted = (row.vendor, row.product, row.tag)
    told = (firmware.vendor, firmware.product, firmware.tag)
    return all(said in ("", there) for said, there in zip(wanted, told, strict=True))


def must_boot_this(request: Request) -> None:
    """Raises RefusedError where a reboot would start another system."""
    other = request.facts.kernels.other_system
    if other:
        raise RefusedError(
            f"«{other}» as what the boot loader starts next",
            "this system, as the driver takes a reboot",
            "run `grub-set-default 0` (systemd-boot: `bootctl set-default ''`), or set "
            "plan_reboot=false",
        )


def must_have_room(request: Request, stack: Stack) -> None:
    """Raises RefusedError where the disk is too small for the environment."""
    free = request.facts.free_mb
    if free < stack.disk_mb:
        raise RefusedError(
            f"{free / 1000:.1f} GB free for {request.options.prefix}",
            f"{stack.disk_mb / 1000:.1f} GB for {TITLES[stack.framework]}",
            "free some, or set plan_prefix to a folder on a larger disk",
        )


def must_have_room_in_boot(request: Request) -> None:
    """Raises RefusedError where /boot has no room for another initramfs."""
    free = request.facts.free_boot_mb
    if free is not None and free < _BOOT_MB:
        raise RefusedError(
            f"{free} MB free for /boot",
            f"{_BOOT_MB} MB for the initramfs with the driver",
            f"{request.system.free_boot}, then run the same command again",
        )


def must_have_finished_packages(facts: HostFacts) -> None:
    """Raises RefusedError where it was interrupted: somebody's work, unless a run of ours was."""
    if facts.owned.open:
        return
    finished = "a package manager that has finished its work"
    half = facts.packages.half_installed
    if half:
        do = " && ".join(commands(facts.packages))
        raise RefusedError(
            f"{', '.join(half)} half installed",
            finished,
            f"run `{do}`, then the same command again",
        )
    if facts.packages.locked:
        do = "run `rm /var/lib/pacman/db.lck`, then the same command again"
        raise RefusedError("pacman's lock without a pacman", finished, do)
