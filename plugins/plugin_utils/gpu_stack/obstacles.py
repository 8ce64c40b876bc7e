"""What on a host keeps a driver from being installed, or one that is installed from working."""

from __future__ import annotations

from ...module_utils.host_gpus import VIRTUAL
from ..host_facts import Firmware
from . import gpus
from .options import RefusedError
from .parts import parts
from .request import Request
from .rows import Cloud, Stack, listed


def before_install(request: Request, misfit: str) -> None:
    """Raises RefusedError where no driver is Grindstone's to install, or none would be loaded."""
    facts = request.facts
    virtual = [gpu for gpu in request.gpus if gpu.virtual or VIRTUAL.search(gpu.name)]
    why = misfit or "another driver is asked for"
    if virtual:
        raise RefusedError(
            f"{gpus.titles(virtual)}, a virtual GPU (vGPU): {why}",
            "NVIDIA's guest driver, which alone drives it, of the release that its host has",
            "install it as whoever runs the host tells, then run the same command again",
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
    path = facts.driver.blacklisted
    if path:
        of_prime = path.endswith("/blacklist-nvidia.conf") and not path.startswith("/etc")
        do = "run `prime-select on-demand`" if of_prime else "remove that line"
        raise RefusedError(
            f"NVIDIA's module on the blacklist in {path}",
            "a module that may be loaded",
            f"{do}, then run the same command again",
            nearest=True,
        )


def borrowed(request: Request, stack: Stack) -> None:
    """Raises RefusedError where a driver that is another's cannot work as it is."""
    facts = request.facts
    own = [part.name for part in parts(facts)]
    if not stack.gpu:
        return
    if facts.wsl and own:
        raise RefusedError(
            f"{listed(own, 'and')} inside WSL2",
            "Windows' driver alone, which those libraries hide",
            f"run `apt-get remove --purge {' '.join(own)}`, then the same command again",
            nearest=True,
        )
    if facts.container and not facts.driver.libraries:
        version = facts.driver.loaded or "the same version"
        do = {
            "docker": "start it with --gpus all",
            "podman": "start it with --device nvidia.com/gpu=all",
        }.get(
            facts.container,
            f"install NVIDIA's driver {version} inside by its .run file with --no-kernel-modules",
        )
        raise RefusedError(
            f"the GPU's devices in a container ({facts.container}) without libcuda",
            "the libraries of the driver of the container's host",
            do,
            nearest=True,
        )


def must_have_a_console(request: Request) -> None:
    """Raises RefusedError where nobody can answer MokManager, which asks at the next boot."""
    for row in request.matrix.clouds:
        if _is(row, request.facts.firmware):
            raise RefusedError(
                f"Secure Boot on {row.name}, whose machines have no console for MokManager",
                "modules that the distribution signs, or Secure Boot off",
                row.do,
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
