"""Systems without rows: derivatives of one that has rows, and others.

Each row of derived.csv gives the facts that `gpu_info` would find on such a host, so that it is
planned or refused like one that is here.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from ..gpu_stack.options import RefusedError
from ..gpu_stack.rows import System
from ..host_facts import Distribution, Gpu, HostFacts, PackageManager
from ..requirements import msgspec
from . import fresh

# What is no system's name, and what to do instead.
_IN_WSL = "name the system in WSL2, as «ubuntu-24.04 wsl»"
_PI = (
    "name debian-13 for that of 64 bits, with --architecture aarch64 and no GPU: on a Raspberry Pi "
    "NVIDIA's module drives none as it is"
)
_INSTEAD = {
    "wsl": _IN_WSL,
    "windows": _IN_WSL,
    "proxmox": "say which, as proxmox 9",
    "pve": "say which, as proxmox 9",
    "raspberry": _PI,
    "raspbian": _PI,
    "raspi": _PI,
    "dgx": "say DGX OS 7 or DGX Spark; for DGX OS 6 name ubuntu-22.04 with --driver skip, as its "
    "own driver stays where it works",
    "jetpack": "use NVIDIA's TensorFlow for JetPack, as no wheel is built for a Jetson",
    "jetson": "use NVIDIA's TensorFlow for JetPack, as no wheel is built for a Jetson",
    "macos": "name a Linux: there is no CUDA for macOS",
}


class Derived(msgspec.Struct, frozen=True):
    """A version of a system, by its os-release.

    called: the words that people have for it.  version: its codename where it has none.
    base: what it is made of, or that one's codename where it has no rows; "" where its packages
        are not another's.
    """

    called: str
    id: str
    name: str
    like: str
    version: str
    base: str
    source: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} (as {self.base})"


@cache
def rows() -> tuple[Derived, ...]:
    """Every row."""
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return tuple(msgspec.convert(row, Derived) for row in csv.DictReader(file))


def host(
    said: str, words: list[str], gpus: tuple[Gpu, ...], known: dict[str, tuple[System, str]]
) -> HostFacts | None:
    """A fresh host of the system that the words name; None where they name none.

    known: the systems that have rows, each with its version, by name.

    Raises:
        RefusedError: which version is not said, or it is no system.
    """
    for word in words:
        if word in _INSTEAD:
            raise RefusedError(f"--host «{said}»", "a system's name", _INSTEAD[word])
    fits = {row: len(set(words) & set(row.called.split())) for row in rows()}
    found = [row for row, words_of_it in fits.items() if words_of_it == max(fits.values()) > 0]
    if not found:
        return None
    version = next((word.strip(".") for word in words if word[0].isdigit()), "")
    fitting = [row for row in found if not (row.version and version) or _is(version, row.version)]
    if len(fitting) != 1:
        planned = [str(row) for row in found if row.base in known]
        raise RefusedError(f"--host «{said}»", f"one of {', '.join(planned)}", "name one")
    return _host(fitting[0], version or fitting[0].version, gpus, known)


def _is(said: str, version: str) -> bool:
    """Whether 22.1 is of 22, or 22 is 22.04."""
    return all(a == b for a, b in zip(said.split("."), version.split("."), strict=False))


def _host(
    row: Derived, version: str, gpus: tuple[Gpu, ...], known: dict[str, tuple[System, str]]
) -> HostFacts:
    system, number = known.get(row.base) or next(iter(known.values()))
    made = fresh.host(system, number, gpus)
    codename = system.fresh[number].codename if row.base in known else row.base
    like = (row.like,) if row.like else ()
    suites = ((codename,) if codename else ("core", "extra")) if row.base else ()
    manager = made.packages.manager if row.like else ""
    return msgspec.structs.replace(
        made,
        distribution=Distribution(
            row.id,
            row.name,
            version if version[:1].isdigit() else "",
            "" if version[:1].isdigit() else version,
            like,
            codename,
        ),
        packages=PackageManager(manager=manager, suites=suites),
        desktop=bool(row.base),  # what is made of another here is made for a screen
    )
