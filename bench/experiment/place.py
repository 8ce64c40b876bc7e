"""Where an experiment, or a look at a network, is trained: on one device."""

from __future__ import annotations

from bench.errors import GrindstoneError
from bench.observe.devices import Found
from bench.options import Settings
from bench.record.head import Device


def one_device(settings: Settings, found: Found) -> Device:
    """The device that was named, else the first GPU, else the CPU.

    Raises:
        GrindstoneError: several were named.
    """
    if settings.devices_asked_for is None:
        return found.devices[1] if len(found.devices) > 1 else found.devices[0]
    if len(settings.devices) != 1 or settings.devices[0].group:
        raise GrindstoneError("this trains on one device; name one with --device, as cpu or gpu:0")
    return settings.devices[0]
