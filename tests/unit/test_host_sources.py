"""Where packages come from: whose suites, and which files set foreign repositories up."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.module_utils import host_sources
from tests.unit import hosts

MINT = {
    "etc/apt/sources.list": "#deb http://archive.ubuntu.com/ubuntu lunar main\n",
    "etc/apt/sources.list.d/official.list": (
        "deb http://packages.linuxmint.com xia main\n"
        "deb [arch=amd64 signed-by=/a.gpg] http://archive.ubuntu.com/ubuntu noble-updates main\n"
    ),
    "etc/apt/sources.list.d/ubuntu.sources": (
        "Types: deb\nURIs: http://archive.ubuntu.com/ubuntu\nSuites: noble\n noble-security\n\n"
        "Types: deb\nEnabled: no\nURIs: http://archive.ubuntu.com/ubuntu\nSuites: questing\n"
    ),
}
CUDA = {
    "etc/apt/sources.list.d/cuda.list": (
        "deb [signed-by=/k.gpg] https://developer.download.nvidia.com/compute/cuda/repos/"
        "ubuntu2404/x86_64/ /\n"
    ),
    "etc/apt/sources.list.d/graphics.sources": (
        "Types: deb\nURIs: https://ppa.launchpadcontent.net/graphics-drivers/ppa/ubuntu/\n"
        "Suites: noble\n"
    ),
}
INCLUDE = "\nInclude = /etc/pacman.d/mirrorlist\n"


def test_the_suites_are_those_that_are_switched_on(tmp_path: Path) -> None:
    found = host_sources.suites(hosts.write(tmp_path, MINT))
    assert found == ["noble", "noble-security", "noble-updates", "xia"]


def test_a_foreign_repository_is_told_with_its_file(tmp_path: Path) -> None:
    assert host_sources.repositories(hosts.write(tmp_path, CUDA)) == {
        "nvidia": "/etc/apt/sources.list.d/cuda.list",
        "ppa:graphics-drivers": "/etc/apt/sources.list.d/graphics.sources",
    }


@pytest.mark.parametrize(
    ("mirrors", "found"),
    [
        ("Server = https://geo.example.org/$repo/os/$arch\n", ["core", "extra"]),
        ("Server = https://mirror.example.org/stable/$repo/$arch\n", []),
        ("", ["core", "extra"]),
    ],
)
def test_of_pacman_s_repositories_those_from_arch_s_mirrors_are_told(
    tmp_path: Path, mirrors: str, found: list[str]
) -> None:
    settings = f"[options]\nHoldPkg = pacman\n[core]{INCLUDE}[extra]{INCLUDE}"
    files = {"etc/pacman.conf": settings, "etc/pacman.d/mirrorlist": mirrors}
    assert host_sources.suites(hosts.write(tmp_path, files)) == found


NVIDIA = "https://developer.download.nvidia.com/compute/cuda/repos/ubuntu2404/x86_64/"
MIRROR = "https://packages.example.org/compute/cuda/repos/ubuntu2404/x86_64/"
STANZA = f"URIs: {NVIDIA}\nSuites: /\n"


@pytest.mark.parametrize(
    ("name", "said", "counts"),
    [
        pytest.param("a.list", f"deb-src {NVIDIA} /\n", False, id="sources alone"),
        pytest.param("a.list", f"deb-src {NVIDIA} /\ndeb {NVIDIA} /\n", True, id="both lines"),
        pytest.param("a.list", f"deb [arch=amd64] {MIRROR} /\n", True, id="a mirror"),
        pytest.param("a.list", f"deb {NVIDIA.replace('/cuda/', '/ml/')} /\n", False, id="no CUDA"),
        pytest.param(
            "a.list", "deb file:///var/cuda-repo-ubuntu2404-12-8-local /\n", True, id="local"
        ),
        pytest.param("a.sources", f"Types: deb-src\n{STANZA}", False, id="sources alone, deb822"),
        pytest.param("a.sources", f"Types: deb-src deb\n{STANZA}", True, id="both types"),
        pytest.param("a.sources", f"Types:\n deb\n deb-src\n{STANZA}", True, id="types below"),
        pytest.param(
            "a.sources",
            f"Types: deb\nEnabled: no\n{STANZA}\n# since the upgrade\nTypes: deb\n{STANZA}",
            True,
            id="a comment between one that is off and one that is on",
        ),
        pytest.param(
            "a.sources",
            f"Types: deb\nURIs: http://a\n \n# off\nTypes: deb\nEnabled: no\n{STANZA}",
            False,
            id="a comment between one that is on and one that is off",
        ),
    ],
)
def test_a_source_counts_where_it_is_on_and_has_packages(
    tmp_path: Path, name: str, said: str, counts: bool
) -> None:
    root = hosts.write(tmp_path, {f"etc/apt/sources.list.d/{name}": said})
    assert ("nvidia" in host_sources.repositories(root)) is counts


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("graphics-drivers/ppa", ["ppa:graphics-drivers"]),
        ("graphics-drivers/beta", ["ppa:graphics-drivers/beta"]),
        ("mamarley/nvidia", ["ppa:mamarley/nvidia"]),
        ("oibaf/graphics-drivers", []),  # Mesa's
    ],
)
def test_a_ppa_has_the_name_by_which_it_is_removed(
    tmp_path: Path, place: str, names: list[str]
) -> None:
    said = f"deb https://ppa.launchpadcontent.net/{place}/ubuntu/ noble main\n"
    root = hosts.write(tmp_path, {"etc/apt/sources.list": said})
    assert list(host_sources.repositories(root)) == names
