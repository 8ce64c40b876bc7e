"""What a plan names is installable on Debian 12 and 13: apt's resolver, over the real archive."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support import archives, resolver, roots
from tests.support.cache import cache_folder, locked
from tests.unit.test_installable import everything

SUITES = {"12": "bookworm", "13": "trixie"}
COMPONENTS = "main contrib non-free non-free-firmware"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


@pytest.mark.parametrize("version", SUITES)
def test_what_a_plan_names_is_installable(version: str, tmp_path: Path) -> None:
    if reason := resolver.missing("apt-get"):
        pytest.skip(reason)
    mirror = roots.mirror()
    if not mirror:
        pytest.skip("this machine's apt takes nothing from Debian's archive")
    planned = everything()
    source = f"deb [signed-by={KEYS}] {mirror[0]} {SUITES[version]} {COMPONENTS}"
    refused, asked = {}, 0
    for archive, sets in planned.of("debian", version):
        offered = archives.debian_kernels(sorted(planned.releases["debian", version]))
        offered += archives.nvidia_for_debian(version) if archive.nvidia else []
        lists = cache_folder() / f"lists-{SUITES[version]}"
        with locked(lists.name):
            try:
                here = resolver.Apt(tmp_path / str(asked), offered, [source], lists)
            except subprocess.CalledProcessError as error:
                pytest.skip(f"Debian's archive is not reached: {error.stderr.strip()[-200:]}")
            for names, host in sets:
                asked += 1
                if said := here.refuses(names):
                    refused[host] = f"{' '.join(names)}\n{said}"
    assert asked > 2
    assert not refused, "\n".join(f"{host}: {said}" for host, said in refused.items())
