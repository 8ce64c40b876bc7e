"""Mock Ubuntus and Archs for the tests of the driver's role, each on an overlay of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support import (
    mock_arch,
    mock_archive,
    mock_gpu,
    mock_ubuntu,
    mock_ubuntu_packages,
    roots,
)
from tests.support.driver_play import RTX_4090, held, modules, names
from tests.support.roots import Root

NOBLE = "ubuntu-24.04"
UBUNTUS = tuple(f"ubuntu-{version}" for version in mock_ubuntu_packages.RELEASES)
FRESH = (*UBUNTUS, "arch")


@dataclass(frozen=True)
class Case:
    """A host with a GeForce RTX 4090.

    prepare: what is done to it before anything is run.
    spoil: what is done to a copy of its repositories, which it then uses.
    variables: what its runs are told.
    """

    system: str = NOBLE
    prepare: Callable[[Root], object] = lambda _: None
    spoil: Callable[[Path], object] | None = None
    variables: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a run has left: see driver_play; the initramfs images by path, and the plan's driver."""

    names: set[str]
    held: set[str]
    modules: dict[str, str]
    images: dict[str, str]
    plan: dict[str, Any]


def outcome(root: Root) -> Outcome:
    """What is there now."""
    images = {f"boot/{path.name}": path.read_text() for path in (root.path / "boot").glob("init*")}
    plan = root.path / "etc/grindstone/plan.json"
    driver = json.loads(plan.read_text(encoding="utf-8"))["driver"] if plan.exists() else {}
    return Outcome(names(root), held(root), modules(root), images, driver)


@contextmanager
def hosts(
    cases: Mapping[str, Case], folder: Path, web: Mapping[str, Path] | None = None
) -> Iterator[dict[str, Root]]:
    """The roots of all cases, by their names; `web`: what else an Ubuntu reaches, by its host."""
    reason = mock_archive.missing("apt-ftparchive", "repo-add", "bsdtar", "gpg", "zstd")
    if reason:
        pytest.skip(reason)
    with ExitStack() as stack:
        made = {}
        for name, case in cases.items():
            own = folder / name.replace(" ", "-")
            own.mkdir()
            stack.callback(roots.discard, own)
            made[name] = _host(case, own, stack, web or {})
        yield made


def _host(case: Case, folder: Path, stack: ExitStack, more: Mapping[str, Path]) -> Root:
    version = case.system.partition("-")[2]
    given = mock_ubuntu.distribution(version) if version else mock_arch.distribution()
    root = stack.enter_context(roots.root_on(given.layers, folder))
    web = given.web
    if case.spoil or more:
        web = folder / "web"
        shutil.copytree(given.web, web, symlinks=True)
        for name, path in more.items():
            (web / name).parent.mkdir(parents=True, exist_ok=True)
            (web / name).symlink_to(path)
    if case.spoil:
        case.spoil(web)
    if version:
        mock_ubuntu.use_web(root, stack.enter_context(mock_archive.served(web)))
    else:
        mock_arch.use_mirror(root, web / "now")
    mock_gpu.give_gpu(root, RTX_4090)
    case.prepare(root)
    return root


def install(*wanted: str) -> Callable[[Root], object]:
    """Has a host's package manager install packages."""
    return lambda root: root.command(
        *(
            ("pacman", "-S", "--noconfirm")
            if (root.path / "etc/arch-release").exists()
            else ("apt-get", "install", "--yes")
        ),
        *wanted,
    )


def use_newer_mirror(root: Root) -> None:
    """Lets an Arch see what its mirror has a day later."""
    subprocess.run(["umount", str(root.path / "srv/mirror")], check=True)
    mock_arch.use_mirror(root, mock_arch.distribution().web / "newer")
