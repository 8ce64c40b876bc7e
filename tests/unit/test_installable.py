"""What a plan names is installable: every set of packages goes through apt's or pacman's resolver.

Of the recorded hosts and of generated ones, over archives that are indexes alone; Debian's real
archive is tried in tests/roles/test_installable_debian.py.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings

from plugins.plugin_utils.gpu_stack.options import Options
from tests.support import archives, resolver
from tests.unit.plans import installs, recorded
from tests.unit.test_generated_hosts import OPTIONS, hosts

GENERATED = 250
Resolver = resolver.Apt | resolver.Pacman


@cache
def everything() -> installs.Installs:
    """What the plans of the recorded and of generated hosts install."""
    found = installs.of(recorded.hosts())

    @settings(max_examples=GENERATED, derandomize=True, database=None, deadline=None)
    @given(host=hosts(), options=OPTIONS)
    def collect(host: tuple[str, installs.Facts], options: Options) -> None:
        found.add(recorded.Recorded(f"a generated {host[0]}", host[1], options))

    collect()
    return found


def of(folder: Path, archive: installs.Archive, releases: set[str]) -> Resolver:
    if archive.system == "arch":
        return resolver.Pacman(folder, archives.arch())
    offered = archives.ubuntu(archive.version, sorted(releases))
    offered += (
        archives.nvidia_for_ubuntu(archive.version, driver=archive.driver) if archive.nvidia else []
    )
    return resolver.Apt(folder, offered)


@pytest.mark.parametrize(
    ("system", "tool"), [("ubuntu", "apt-get"), ("arch", "pacman")], ids=["ubuntu", "arch"]
)
def test_what_a_plan_names_is_installable(system: str, tool: str, tmp_path: Path) -> None:
    if reason := resolver.missing(tool):
        pytest.skip(reason)
    planned, refused, asked = everything(), {}, 0
    for archive, sets in planned.of(system):
        here = of(tmp_path / str(asked), archive, planned.releases[archive.system, archive.version])
        for names, host in sets:
            asked += 1
            if said := here.refuses(names):
                refused[host] = f"{' '.join(names)}\n{said}"
    assert asked > 2
    assert not refused, "\n".join(f"{host}: {said}" for host, said in refused.items())


def test_a_name_that_no_archive_has_is_refused(tmp_path: Path) -> None:
    for tool, made, known in (
        ("apt-get", resolver.Apt, "nvidia-utils-580-server"),
        ("pacman", resolver.Pacman, "nvidia-utils"),
    ):
        if resolver.missing(tool):
            continue
        offered = archives.arch() if tool == "pacman" else archives.ubuntu("24.04", [])
        here = made(tmp_path / tool, offered)
        assert not here.refuses([known])
        assert "nvidia-utils-999" in here.refuses([known, "nvidia-utils-999"])


def test_packages_of_two_branches_are_refused_together(tmp_path: Path) -> None:
    if reason := resolver.missing("apt-get"):
        pytest.skip(reason)
    here = resolver.Apt(tmp_path, archives.ubuntu("24.04", []))
    assert "Conflicts" in here.refuses(["nvidia-utils-580-server", "nvidia-utils-535-server"])
