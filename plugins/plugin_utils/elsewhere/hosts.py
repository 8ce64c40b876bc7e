"""The facts of a host that is not here: a fresh one of a system, or those of a bundle."""

from __future__ import annotations

import difflib
import json
import re
import tarfile
from pathlib import Path
from typing import Any

from ..gpu_stack.gpus import titles
from ..gpu_stack.matrix import Matrix
from ..gpu_stack.options import RefusedError
from ..gpu_stack.rows import FreshKernel, System
from ..host_facts import Distribution, Driver, Gpu, HostFacts, Kernels, parse
from ..requirements import msgspec
from . import derived, fresh, names

_LARGEST = 16 << 20  # bytes of a bundle's file: facts are a hundredth of that


def systems(matrix: Matrix) -> dict[str, tuple[System, str]]:
    """Every system with its version by name, such as "ubuntu-24.04" and "arch"."""
    every = [(row, version) for row in matrix.systems for version in row.versions or ("",)]
    return {f"{row.id}-{version}".rstrip("-"): (row, version) for row, version in every}


# What people write beside a system's name, and for one that is called otherwise.
_NO_NAME = {"linux", "gnu", "lts", "os", "server", "edition", "release", "rolling", "slim", "pro"}
_NO_NAME |= {"on", "in", "under", "with"}
_NO_NAME |= {"jellyfish", "numbat", "raccoon", "fossa"}  # "Noble Numbat"
_NO_NAME |= {"minimal", "live", "netinst", "iso", "image", "ami", "vm", "bare", "metal"}
_NO_NAME |= {"kernel", "generic", "ga", "edge", "from", "a", "an", "the", "my", "box", "machine"}
_FLAVOURS = {"kubuntu", "xubuntu", "lubuntu", "edubuntu"}  # Ubuntu with another desktop
_DESKTOPS = {"desktop", "mate", "budgie", "studio", "unity", "cinnamon", "kylin", "gnome", "kde"}
_DESKTOPS |= {"plasma", "xfce", "workstation"}
_SPELLINGS = (
    (r"\bmint\s+debian\b", "lmde"),
    (r"\bwindows\s+subsystem\s+for\s+linux\b", "wsl"),
    (r"\bwindows\s*(10|11)?\s+(?=.*\bwsl)", ""),
    (r"\bwsl\s*[12]\b", "wsl"),
    (r"\bmac\s*os\b", "macos"),
    (r"\bl4t\b", "jetpack"),
    # Whose os-release is Debian's: github.com/endoflife-date/endoflife.date/pull/4010.
    (r"\bmx(\s*linux)?[\s-]*23[\d.]*", "debian 12 desktop"),
    (r"\bmx(\s*linux)?[\s-]*25[\d.]*", "debian 13 desktop"),
    (r"\bdgx\s+spark\b(\s*\(?(dgx\s*)?(os)?\s*7[\d.]*\)?)?", "ubuntu 24.04 nvidia dgx spark"),
    (r"\bdgx\s*(os)?\s*7[\d.]*", "ubuntu 24.04 nvidia dgx"),
    (r"\b(proxmox|pve)(\s*ve)?\s*8[\d.]*", "debian 12 pve"),
    (r"\b(proxmox|pve)(\s*ve)?\s*9[\d.]*", "debian 13 pve"),
    (r"\braspberry\s*pi\s*os\b", "raspbian"),
    (r"\braspberry\s*pi(\s*\d\w*)?", "raspi"),
    (r"\b(amazon\s+)?ec2\b", "aws"),
    (r"\bintel[- ]iotg?\b", "iotg"),
    (r"\bbackport(ed)?\b|\bbpo\b", "backports"),
    (r"\b(arm64|aarch64|arm)\b", ""),
    (r"\b(x86[_-]64|amd64|x64|64[ -]?bits?)\b", ""),
    (r"(?<!\d)(\d\d)[-_]?(04|10)(?!\d)", r"\1.\2"),  # "ubuntu2404"
)
_UNDER_WSL = "6.6.87.2-microsoft-standard-WSL2"  # Windows' own kernel
# DGX OS 7's driver in September 2026: github.com/timothystewart6/techno-tim.github.io/pull/371
_OF_DGX_OS = "580.178.04"
_ARM = re.compile(r"\b(arm|arm64|aarch64)\b")
# A kernel by its number: "kernel 6.14", "HWE 6.8", "kernel 6.17.8+deb13-amd64".
_KERNEL = re.compile(
    r"\b(kernel|hwe|backports?|xanmod|liquorix|mainline)"
    r"[ :(-]*([4-9]\.\d+)[\d.]*([+-](deb|bpo)?\d+)*"
)
_NEWER = ("hwe", "backports")  # kernels that are installed for their number


def named(name: str, gpus: tuple[Gpu, ...], matrix: Matrix) -> HostFacts:
    """A fresh host of that system: a server, unless its name is one of a desktop.

    Raises:
        RefusedError: it names no system, or not which version; it says which there are.
    """
    known, every = systems(matrix), _words(name)
    words = ["ubuntu" if word in _FLAVOURS else word for word in every if word not in _DESKTOPS]
    if "wsl" in words and len(words) > 1:
        words.remove("wsl")
        return _under_wsl(name, _named(name, words, (), known), gpus, matrix)
    if {"dgx", "ubuntu"} <= set(words):
        rest = [word for word in words if word not in ("dgx", "spark")]
        spark = names.gpus(["GB10"]) if "spark" in words else ()
        return _of_dgx(_named(name, rest, gpus or spark, known))
    facts = _named(name, words, gpus, known)
    desktop = facts.desktop or bool((_DESKTOPS | _FLAVOURS).intersection(every))
    arm = "aarch64" if _ARM.search(name.lower()) else facts.architecture
    return msgspec.structs.replace(facts, desktop=desktop, architecture=arm)


def _words(name: str) -> list[str]:
    """Its words, in one spelling, without a kernel's number."""
    said = _KERNEL.sub(r"\1 ", name.lower())
    for pattern, spelling in _SPELLINGS:
        said = re.sub(pattern, spelling, said)
    return re.findall(r"[a-z]+|\d[\d.]*", said)


def _named(
    name: str, words: list[str], gpus: tuple[Gpu, ...], known: dict[str, tuple[System, str]]
) -> HostFacts:
    fitting = [each for each in known.values() if _is_all(words, *each)]
    if len(fitting) == 1:
        return fresh.host(*fitting[0], gpus, _kernel(name, words, *fitting[0]))
    words = [word for word in words if word not in _NO_NAME]
    made_of = derived.host(name, words, gpus, known) or _of_another_version(words, gpus, known)
    if made_of is None:
        _must_know_its_kernel(name, words, known)
        ids = dict.fromkeys(row.id for row, _version in known.values())
        near = difflib.get_close_matches("".join(words[:1]), ids, n=1)
        like = [each for each in known if each.split("-")[0] in near]
        like = [each for each in like if known[each][1] in words] or like
        do = f"name one, such as {like[-1]}" if like else "name one that yours is, or is made of"
        raise RefusedError(f"--host «{name}»", f"one of {', '.join(known)}", do)
    return made_of


def _must_know_its_kernel(
    name: str, words: list[str], known: dict[str, tuple[System, str]]
) -> None:
    """Raises RefusedError where the words name one system with a kernel that it does not have."""
    for key, (row, version) in known.items():
        kernels = [word for said in row.fresh[version].others for word in said.split()]
        of_it = [word for word in words if _is(word, row, version)]
        rest = [word for word in words if word not in of_it and word not in kernels]
        named = any(not word[0].isdigit() for word in of_it)
        whole = named and (not version or any(word[0].isdigit() for word in of_it))
        if whole and not any(word[0].isdigit() for word in rest):
            raise RefusedError(
                f"--host «{name}», whose «{' '.join(rest)}» is not known of {key}",
                f"a kernel of {', '.join(kernels)}",
                f"name one of these, or leave «{' '.join(rest)}» out; for another kernel run "
                "`./run plan` on a host that has it",
            )


def _of_another_version(
    words: list[str], gpus: tuple[Gpu, ...], known: dict[str, tuple[System, str]]
) -> HostFacts | None:
    """A host of a system that has rows, and none for this version: refused as if it were here."""
    id_, *numbers = words or [""]
    of_it = [(row, version) for row, version in known.values() if version and row.id == id_]
    if not of_it or len(numbers) != 1 or not numbers[0][0].isdigit():
        return None
    row, version = of_it[-1]
    other = Distribution(row.id, row.name, numbers[0].strip("."))
    return msgspec.structs.replace(fresh.host(row, version, gpus), distribution=other)


def _of_dgx(facts: HostFacts) -> HostFacts:
    """The host as DGX OS is installed: with its own driver, which works."""
    driver = Driver(
        loaded=_OF_DGX_OS,
        loaded_flavour="open",
        libraries=_OF_DGX_OS,
        fabric_manager=True,
        subnet_manager=True,
        origin="distribution",
    )
    architecture = names.architecture(facts.gpus)
    return msgspec.structs.replace(facts, machine="DGX", driver=driver, architecture=architecture)


def _under_wsl(name: str, facts: HostFacts, gpus: tuple[Gpu, ...], matrix: Matrix) -> HostFacts:
    """The host under WSL2, whose GPUs are not on its bus."""
    without = [gpu for gpu in gpus if not matrix.generation(gpu).wsl]
    if without:
        offered = next(row.name for row in matrix.generations if row.wsl)
        raise RefusedError(
            f"--host «{name}» with {titles(without)}",
            f"GPUs that Windows' driver offers to WSL2, from {offered} on",
            "name the system without WSL",
        )
    return msgspec.structs.replace(
        facts,
        wsl=True,
        kernel=_UNDER_WSL,
        kernels=Kernels(_UNDER_WSL, _UNDER_WSL),
        driver=Driver(devices=("/dev/dxg",) if gpus else ()),
    )


def _is_all(words: list[str], system: System, version: str) -> bool:
    """Whether the words are of that system's version, or of a kernel of its."""
    others = {word for words_of_it in system.fresh[version].others for word in words_of_it.split()}
    names = [word for word in words if word not in others | _NO_NAME]
    return bool(names) and all(_is(word, system, version) for word in names)


def _kernel(name: str, words: list[str], system: System, version: str) -> FreshKernel | None:
    """The kernel that is said by word, number or both; None where none is."""
    usual = system.fresh[version]
    others = {word: kernel for said, kernel in usual.others.items() for word in said.split()}
    by_word = next((others[word] for word in words if word in others), None)
    said = _KERNEL.search(name.lower())
    if not said or (not by_word and usual.kernel.startswith(f"{said[2]}.")):
        return by_word
    found = by_word or next((others[word] for word in _NEWER if word in others), None)
    kernel = found or FreshKernel(
        kernel=usual.kernel, flavour=usual.flavour, package=usual.package, metas=usual.metas
    )
    old, new = ".".join(kernel.kernel.split(".")[:2]), said[2]

    def of_it(name: str) -> str:
        return name.replace(old, new).replace(_padded(old), _padded(new))

    return msgspec.structs.replace(
        kernel,
        kernel=of_it(kernel.kernel),
        flavour=of_it(kernel.flavour),
        package=of_it(kernel.package),
        metas=kernel.metas and tuple(of_it(meta) for meta in kernel.metas),
    )


def _padded(number: str) -> str:
    """As Ubuntu's mainline builds have it, "0618" for "6.18"."""
    return "".join(part.zfill(2) for part in number.split("."))


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
    except tarfile.ReadError:
        raise _no_bundle(path, "no .tar.gz, or a damaged one") from None
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
        "make one with `./run doctor -e doctor_bundle=report.tar.gz`",
    )
