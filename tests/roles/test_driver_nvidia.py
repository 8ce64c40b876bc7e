"""The driver out of NVIDIA's own repository: the real apt on Ubuntu 24.04, mock packages.

As in test_driver.py, all hosts are played together.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.support import mock_archive
from tests.support.driver_hosts import Case, hosts
from tests.support.driver_play import (
    assert_done,
    assert_same,
    held,
    modules,
    packages,
    play_all,
    remove_all,
    state,
)
from tests.support.mock_nvidia import nvidia_repository
from tests.support.mock_packages import Package
from tests.support.mock_ubuntu_packages import RELEASES, ubuntu_driver
from tests.support.roots import Root

KERNEL = RELEASES["24.04"].kernels["generic"]
V580, V595 = "580.126.09-0ubuntu1", "595.71.05-0ubuntu1"
OFFERED = [
    *ubuntu_driver("580", "", V580),
    Package("nvidia-open-580", V580, {"Depends": [f"nvidia-driver-580-open (= {V580})"]}),
    # From 590 on the names are without the branch, and the pinning package chooses it.
    *ubuntu_driver("595", "", V595),
    Package("nvidia-driver-pinning-595", "595-1"),
    Package("nvidia-open", V595, {"Depends": [f"nvidia-driver-595-open (= {V595})"]}),
]
NVIDIA, STRANGER = "developer.download.nvidia.com/compute/cuda/repos", "example.org/repos"
CASES = {name: Case() for name in ("580", "595", "distribution's before", "another key")}


def drivers(root: Root) -> dict[str, str]:
    """The driver's packages, with their versions; a kernel's signatures are the kernel's."""
    words = [line.split() for line in packages(root) if line.endswith(" ok installed")]
    return {word[0]: word[1] for word in words if re.match("(lib)?nvidia", word[0])}


def from_nvidia(root: Root, host: str = NVIDIA, **more: str) -> dict[str, object]:
    """What has a run take the driver from NVIDIA's repository, which `host` serves."""
    proxy = re.search(r"http://127[^\"]*", root.text("etc/apt/apt.conf.d/99mock-archive"))
    assert proxy
    urls = {"nvidia_driver_repository_url": f"http://{host}", "nvidia_driver_proxy": proxy[0]}
    return {"plan_driver_origin": "nvidia", **urls, **more}


def expecting(fingerprint: str) -> str:
    """The plan's repositories, with the mock repository's key."""
    text = (ROOT / "roles/plan/vars/main/repositories.yml").read_text(encoding="utf-8")
    rows: list[dict[str, object]] = yaml.safe_load(text)["plan_repositories"]
    return json.dumps(
        {"plan_repositories": [{**row, "key_fingerprint": fingerprint} for row in rows]}
    )


def assert_nvidias_580(root: Root) -> None:
    """The whole driver is NVIDIA's, and the distribution's cannot come back."""
    assert drivers(root)["nvidia-open-580"] == V580
    assert set(drivers(root).values()) == {V580}
    assert modules(root) == {KERNEL: "580.126.09 Dual MIT/GPL"}
    assert "nvidia-open-580" in held(root)
    assert not [name for name in held(root) if "server" in name]
    policy = root.command("apt-cache", "policy", "nvidia-utils-580-server")
    assert "Candidate: (none)" in policy  # the distribution's


@pytest.mark.usefixtures("base")
def test_the_driver_comes_from_nvidia_s_repository_alone_and_goes_with_it(tmp_path: Path) -> None:
    if reason := mock_archive.missing("apt-ftparchive", "gpg"):
        pytest.skip(reason)
    nvidia = nvidia_repository(tmp_path / "nvidia", "ubuntu2404", OFFERED)
    stranger = nvidia_repository(tmp_path / "stranger", "ubuntu2404", OFFERED)
    arguments = ["-e", expecting(nvidia.fingerprint)]
    web = {NVIDIA: nvidia.path, STRANGER: stranger.path}
    (tmp_path / "hosts").mkdir()
    with hosts(CASES, tmp_path / "hosts", web) as roots:
        newest, pinned, changing, refused = roots.values()
        before = {name: state(root) for name, root in roots.items()}
        told = {
            "580": from_nvidia(newest),
            "595": from_nvidia(pinned, plan_driver="595"),
            "another key": from_nvidia(refused, STRANGER),
        }
        first = play_all(roots, *arguments, variables=told)

        assert_done(first["580"])
        assert_nvidias_580(newest)
        assert_done(first["595"])  # from 590 on the pinning package chooses the branch
        assert {"nvidia-driver-pinning-595", "nvidia-open"} <= set(drivers(pinned))
        assert modules(pinned) == {KERNEL: "595.71.05 Dual MIT/GPL"}

        assert f"expected {nvidia.fingerprint}" in first["another key"].failure
        assert "the host is as it was" in first["another key"].failure
        assert_same(refused, before["another key"])

        assert_done(first["distribution's before"])
        assert "nvidia-utils-580-server" in drivers(changing)
        told["distribution's before"] = from_nvidia(changing)
        two = {"580": newest, "distribution's before": changing}
        second = play_all(two, *arguments, variables=told)
        assert_done(second["distribution's before"])
        assert_nvidias_580(changing)
        assert_done(second["580"])
        assert second["580"].recap["changed"] == 0, second["580"].output
        remove_all({"580": newest})
        assert_same(newest, before["580"])
