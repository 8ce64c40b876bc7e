"""What the role container asks of lists of devices."""

from __future__ import annotations

from collections.abc import Callable


def missing_devices(addresses: list[str], listed: str, gpus: str) -> list[str]:
    """The addresses of the GPUs that no container can be given.

    listed: `nvidia-ctk cdi list`, a device a line: "nvidia.com/gpu=0", "nvidia.com/gpu=GPU-…", or
        "nvidia.com/gpu=0:1" of a MIG device of GPU 0.
    gpus: `nvidia-smi --query-gpu=index,uuid,pci.bus_id,driver_version --format=csv,noheader`.
    """
    kinds = [line.strip().partition("=") for line in listed.splitlines()]
    names = {name for kind, _sign, name in kinds if kind == "nvidia.com/gpu"}
    numbers = {name.partition(":")[0] for name in names}
    given = set()
    for line in gpus.splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) == 4 and (fields[1] in names or fields[0] in numbers):
            given.add(_short(fields[2]))
    return [address for address in addresses if _short(address) not in given]


def _short(address: str) -> str:
    """An address on the PCI bus, which nvidia-smi writes with a domain of eight digits."""
    domain, _colon, rest = address.lower().partition(":")
    return f"{int(domain, 16):04x}:{rest}"


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., list[str]]]:
        """What a playbook calls `grindstone.grindstone.missing_devices`."""
        return {"missing_devices": missing_devices}
