"""The driver out of NVIDIA's own repository: the real apt on an Ubuntu-like root, mock packages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.support import (
    driver_play,
    mock_archive,
    mock_gpu,
    mock_ubuntu,
    mock_ubuntu_packages,
    roots,
)
from tests.support.driver_play import RTX_4090, assert_done, assert_same, packages, state
from tests.support.mock_nvidia import Nvidia, nvidia_repository
from tests.support.mock_packages import Package
from tests.support.playbook import PlayResult
from tests.support.roots import Root

HOST = "developer.download.nvidia.com/compute/cuda/repos"
KERNEL = mock_ubuntu_packages.RELEASES["24.04"].kernels["generic"]
V580, V595 = "580.126.09-0ubuntu1", "595.71.05-0ubuntu1"
OPEN_580 = f"{KERNEL} 580.126.09 Dual MIT/GPL"
OFFERED = [
    *mock_ubuntu_packages.ubuntu_driver("580", "", V580),
    Package("nvidia-open-580", V580, {"Depends": [f"nvidia-driver-580-open (= {V580})"]}),
    # From 590 on the names are without the branch, and the pinning package chooses it.
    *mock_ubuntu_packages.ubuntu_driver("595", "", V595),
    Package("nvidia-driver-pinning-595", "595-1"),
    Package("nvidia-open", V595, {"Depends": [f"nvidia-driver-595-open (= {V595})"]}),
]


@dataclass(frozen=True)
class Host:
    """An Ubuntu 24.04 with a GeForce RTX 4090 that reaches what stands for NVIDIA's repository."""

    root: Root
    nvidia: Nvidia
    port: int

    def play(self, *arguments: str, fingerprint: str = "", **variables: str) -> PlayResult:
        """Plan and driver; the repository's key is known, or expected to be `fingerprint`'s."""
        text = (ROOT / "roles/plan/vars/main/repositories.yml").read_text(encoding="utf-8")
        rows: list[dict[str, Any]] = yaml.safe_load(text)["plan_repositories"]
        for row in rows:
            row["key_fingerprint"] = fingerprint or self.nvidia.fingerprint
        given = {
            "plan_repositories": rows,
            "nvidia_driver_repository_url": f"http://{HOST}",
            "nvidia_driver_proxy": f"http://127.0.0.1:{self.port}",
        }
        return driver_play.play(self.root, "-e", json.dumps(given), *arguments, **variables)

    def drivers(self) -> dict[str, str]:
        """The driver's packages, with their versions; a kernel's signatures are the kernel's."""
        words = [line.split() for line in packages(self.root) if line.endswith(" ok installed")]
        return {word[0]: word[1] for word in words if re.match("(lib)?nvidia", word[0])}

    def module(self) -> str:
        """The kernel that has NVIDIA's module, with the module's version and licence."""
        (path,) = (self.root.path / "lib/modules").glob("*/**/nvidia.ko")
        inside = f"/{path.relative_to(self.root.path)}"
        told = [
            self.root.command("modinfo", "-F", field, inside) for field in ("version", "license")
        ]
        return " ".join([inside.split("/")[3], *(field.strip() for field in told)])


@pytest.fixture(scope="module")
def nvidia(
    base: Callable[[str], Path],  # noqa: ARG001, it skips
    tmp_path_factory: pytest.TempPathFactory,
) -> Nvidia:
    reason = mock_archive.missing("apt-ftparchive", "gpg")
    if reason:
        pytest.skip(reason)
    return nvidia_repository(tmp_path_factory.mktemp("nvidia"), "ubuntu2404", OFFERED)


@pytest.fixture
def host(nvidia: Nvidia, tmp_path: Path) -> Iterator[Host]:
    given = mock_ubuntu.distribution("24.04")
    web = tmp_path / "web"
    for name, folder in {
        **{name: given.web / name for name in mock_ubuntu.HOSTS.values()},
        HOST: nvidia.path,
    }.items():
        (web / name).parent.mkdir(parents=True, exist_ok=True)
        (web / name).symlink_to(folder)
    with ExitStack() as stack:
        stack.callback(roots.discard, tmp_path)
        root = stack.enter_context(roots.root_on(given.layers, tmp_path))
        port = stack.enter_context(mock_archive.served(web))
        mock_ubuntu.use_web(root, port)
        mock_gpu.give_gpu(root, RTX_4090)
        yield Host(root, nvidia, port)


def test_the_driver_comes_from_nvidia_s_repository_alone_and_goes_with_it(host: Host) -> None:
    before = state(host.root)
    assert_done(host.play(plan_driver_origin="nvidia"))
    assert host.drivers()["nvidia-open-580"] == V580
    assert set(host.drivers().values()) == {V580}
    assert host.module() == OPEN_580
    assert "nvidia-open-580" in host.root.command("apt-mark", "showhold").split()
    policy = host.root.command("apt-cache", "policy", "nvidia-utils-580-server")
    assert "Candidate: (none)" in policy  # the distribution's

    again = host.play(plan_driver_origin="nvidia")
    assert_done(again)
    assert again.recap["changed"] == 0, again.output

    removed = host.root.play(playbook="playbooks/remove.yml")
    assert removed.status == 0, removed.output
    assert_same(host.root, before)


def test_a_branch_from_590_on_is_chosen_by_its_pinning_package(host: Host) -> None:
    assert_done(host.play(plan_driver_origin="nvidia", plan_driver="595"))
    assert {"nvidia-driver-pinning-595", "nvidia-open"} <= set(host.drivers())
    assert host.module() == f"{KERNEL} 595.71.05 Dual MIT/GPL"


def test_the_distribution_s_driver_gives_way_to_nvidia_s_as_a_whole(host: Host) -> None:
    assert_done(host.play())
    assert "nvidia-utils-580-server" in host.drivers()
    assert_done(host.play(plan_driver_origin="nvidia"))
    assert set(host.drivers().values()) == {V580}
    assert host.module() == OPEN_580
    assert not [
        name for name in host.root.command("apt-mark", "showhold").split() if "server" in name
    ]


def test_a_key_that_is_not_nvidia_s_is_refused_and_leaves_the_host_as_it_was(host: Host) -> None:
    before = state(host.root)
    refused = host.play(plan_driver_origin="nvidia", fingerprint="EB69" * 10)
    assert refused.status == 2, refused.output
    assert f"expected {'EB69' * 10}" in refused.failure
    assert "the host is as it was" in refused.failure
    assert_same(host.root, before)
