"""The facts of a host that is not here: a fresh one of a system, or those of a bundle."""

from __future__ import annotations

import difflib
import json
import re
import tarfile
from pathlib import Path
from typing import Any

from ..gpu_stack import fresh
from ..gpu_stack.matrix import Matrix
from ..gpu_stack.options import RefusedError
from ..gpu_stack.rows import System
from ..host_facts import Gpu, HostFacts, parse
from . import derived

_LARGEST = 16 << 20  # bytes of a bundle's file: facts are a hundredth of that


def systems(matrix: Matrix) -> dict[str, tuple[System, str]]:
    """Every system with its version by name, such as "ubuntu-24.04" and "arch"."""
    every = [(row, version) for row in matrix.systems for version in row.versions or ("",)]
    return {f"{row.id}-{version}".rstrip("-"): (row, version) for row, version in every}


_NO_NAME = {"linux", "gnu", "lts", "os", "server", "desktop"}  # what people write beside it
_FLAVOURS = {"kubuntu", "xubuntu", "lubuntu", "edubuntu"}  # Ubuntu with another desktop


def named(name: str, gpus: tuple[Gpu, ...], matrix: Matrix) -> HostFacts:
    """A fresh host of that system.

    Raises:
        RefusedError: it names no system, or not which version; it says which there are.
    """
    known = systems(matrix)
    said = (w for w in re.findall(r"[a-z]+|\d[\d.]*", name.lower()) if w not in _NO_NAME)
    words = ["ubuntu" if w in _FLAVOURS else w for w in said]
    fitting = [each for each in known.values() if words and all(_is(w, *each) for w in words)]
    if len(fitting) == 1:
        return fresh.host(*fitting[0], gpus)
    made_of = derived.host(name, words, gpus, known)
    if made_of is None:
        ids = dict.fromkeys(row.id for row, _version in known.values())
        near = difflib.get_close_matches("".join(words[:1]), ids, n=1)
        like = [each for each in known if each.split("-")[0] in near]
        do = f"name one, such as {like[-1]}" if like else "name one that yours is, or is made of"
        raise RefusedError(f"--host «{name}»", f"one of {', '.join(known)}", do)
    return made_of


def _is(word: str, system: System, version: str) -> bool:
    """Whether a word is of that system's version: "ubuntu", "archlinux", "noble", "24", "2404"."""
    if word[0].isalpha():
        names = (system.id, f"{system.id}linux", system.fresh[version].codename)
        return word in names
    parts, wanted = word.strip(".").split("."), version.split(".")
    of_it = all(a == b for a, b in zip(parts, wanted, strict=False))
    return bool(version) and (of_it or word == "".join(wanted))


def of_bundle(path: Path) -> dict[str, HostFacts]:
    """The hosts of a doctor's bundle by their names in it, such as "host-1".

    Raises:
        RefusedError: it is none, or is damaged.
    """
    found: dict[str, HostFacts] = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                match = re.fullmatch(r"grindstone/(host-\d+)/found\.json", member.name)
                file = archive.extractfile(member) if match else None
                if match and file and member.size <= _LARGEST:
                    found[match[1]] = parse(_object(file.read()))
    except (OSError, EOFError, tarfile.TarError, ValueError) as error:
        told = getattr(error, "strerror", None) or str(error).partition("\n")[0] or "damaged"
        raise _no_bundle(path, told) from None
    if not found:
        raise _no_bundle(path, "no host-1/found.json in it")
    return found


def _object(content: bytes) -> dict[str, Any]:
    told = json.loads(content)
    if not isinstance(told, dict):
        raise ValueError("found.json holds no facts")
    return told


def _no_bundle(path: Path, why: str) -> RefusedError:
    return RefusedError(
        f"--bundle {path} ({why})",
        "a bundle of the doctor's",
        "make one with `ansible-playbook playbooks/doctor.yml -e doctor_bundle=report.tar.gz`",
    )
