"""Logs in which nothing is wrong: boots, builds, installations and trainings, as long as wanted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

TEMPLATES = [
    file.read_text(encoding="utf-8")
    for file in sorted((Path(__file__).parent / "healthy_logs").glob("*.txt"))
]
TURNS = 16  # of one template, before the next
_KERNELS = ["6.8.0-{}-generic", "6.1.0-{}-amd64", "6.12.{}-arch1-1", "6.14.0-{}-aws"]
_PACKAGES = ["nvidia-utils", "curl", "cublas", "python3-numpy", "cudnn9", "firefox", "zlib1g"]
_MODULES = ["virtualbox", "zfs", "rtl8852bu", "v4l2loopback", "evdi", "xone", "i915-sriov-dkms"]


def pieces(megabytes: float) -> Iterator[bytes]:
    """About so much of it, with values that change from piece to piece."""
    size, turn = 0, 0
    while size < megabytes * 1e6:
        for template in TEMPLATES:
            turns = range(turn, turn := turn + TURNS)
            piece = "".join(filled(template, each) for each in turns).encode()
            size += len(piece)
            yield piece


def filled(template: str, turn: int) -> str:
    """A template with the values of one turn: @n a number, @h hexadecimal, @k a kernel …"""
    values = {
        "@n": str(turn * 7919 % 9973),
        "@h": f"{turn * 2654435761 % 2**32:08x}",
        "@k": _KERNELS[turn % len(_KERNELS)].format(turn % 97),
        "@p": _PACKAGES[turn % len(_PACKAGES)],
        "@m": _MODULES[turn % len(_MODULES)],
    }
    for place, value in values.items():
        template = template.replace(place, value)
    return template
