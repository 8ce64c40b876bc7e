"""The system's CUDA in a Debian 12 root, from a signed repository that stands for NVIDIA's."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support import mock_packages
from tests.support.ansible_env import ansible_environment
from tests.support.mock_nvidia import Nvidia, nvidia_repository
from tests.support.mock_packages import Package
from tests.support.roots import HERE, PlayResult, Root, changed

PACKAGES = {"cuda-toolkit-12-5": "12.5.*", "libcudnn9-cuda-12": "9.3.0.75-1"}
LIBRARY = "usr/lib/x86_64-linux-gnu/libcudnn.so.9.3.0"
OFFERED = [
    Package(
        "cuda-toolkit-12-5",
        "12.5.1-1",
        {"Depends": ["libcublas-12-5"], "Recommends": ["cuda-drivers"]},
        {"usr/local/cuda-12.5/bin/ptxas": "#!/bin/sh\n"},
        {"postinst": mock_packages.WAIT.format("toolkit")},
    ),
    Package("libcublas-12-5", "12.5.3.2-1", {}, {"usr/local/cuda-12.5/lib64/libcublas.so.12": ""}),
    Package("libcudnn9-cuda-12", "9.3.0.75-1", {}, {LIBRARY: ""}),
    Package("libcudnn9-cuda-12", "9.28.0.42-1", {}, {"usr/lib/x86_64-linux-gnu/libcudnn.so": ""}),
    Package("cuda-drivers", "610.43.02-1"),
    Package("nvidia-driver", "610.43.02-1"),
]
THE_PAIR = {
    "cuda-toolkit-12-5": "12.5.1-1",
    "libcublas-12-5": "12.5.3.2-1",
    "libcudnn9-cuda-12": "9.3.0.75-1",
}
OURS = {
    *("grindstone-nvidia-cuda.gpg", "grindstone-nvidia-cuda.sources", "grindstone-nvidia-cuda"),
    "grindstone-cuda",
}


@pytest.fixture(scope="module")
def nvidia(tmp_path_factory: pytest.TempPathFactory) -> Nvidia:
    reason = mock_packages.missing("apt-ftparchive", "gpg")
    if reason:
        pytest.skip(reason)
    return nvidia_repository(tmp_path_factory.mktemp("nvidia") / "repos", "debian12", OFFERED)


@dataclass(frozen=True)
class Host:
    """A Debian 12 that can reach the repository below /srv."""

    root: Root
    nvidia: Nvidia

    def play(self, *arguments: str, action: str = "system", **repository: str) -> PlayResult:
        """Runs the role to its end."""
        with self.start(*arguments, action=action, **repository) as running:
            output, _ = running.communicate()
        recap = re.findall(r"(\w+)=(\d+)", output.rsplit("PLAY RECAP", 1)[-1])
        return PlayResult(running.returncode, output, {name: int(count) for name, count in recap})

    def start(
        self, *arguments: str, action: str = "system", **repository: str
    ) -> subprocess.Popen[str]:
        """Starts the role; `repository` replaces what the plan says of it."""
        cuda: dict[str, Any] = {"action": action, "version": "12.5", "cudnn": "9.3.0.75"}
        if action == "system":
            known = {
                "distro": "debian12",
                "arch": "x86_64",
                "package": "cuda-keyring_1.1-1_all.deb",
                "key_fingerprint": self.nvidia.fingerprint,
            }
            cudnn = repository.pop("cudnn", PACKAGES["libcudnn9-cuda-12"])
            cuda["packages"] = {**PACKAGES, "libcudnn9-cuda-12": cudnn}
            cuda["repository"] = {**known, **repository}
        given = {
            "plan_result": {"record": {"cuda": cuda, "driver": {"origin": "distribution"}}},
            "cuda_repository_url": "file:///srv/nvidia",
        }
        connection = {
            "ansible_connection": "community.general.chroot",
            "ansible_host": str(self.root.path),
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        inventory = self.root.path.with_suffix(".json")
        hosts = {"all": {"hosts": {"root": connection}}}
        inventory.write_text(json.dumps(hosts), encoding="utf-8")
        command = [sys.executable, "-m", "ansible", "playbook", "tests/roles/cuda.yml"]
        return subprocess.Popen(
            [*command, "-i", str(inventory), "-e", json.dumps(given), *arguments],
            cwd=HERE,
            env=ansible_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # so that a test can kill all of it
        )

    def installed(self) -> dict[str, str]:
        """The packages of NVIDIA's that are installed, and their versions."""
        form = "${db:Status-Abbrev} ${Package} ${Version}\n"
        lines = self.root.command("dpkg-query", "--show", "-f", form).splitlines()
        rows = [line.split() for line in lines]
        return {row[1]: row[2] for row in rows if row[0][1] == "i" and is_nvidias(row[1])}

    def ours(self) -> list[str]:
        """The files of the role that are there."""
        folders = ("usr/share/keyrings", "etc/apt/sources.list.d", "etc/apt/preferences.d")
        names = (path.name for folder in folders for path in (self.root.path / folder).iterdir())
        return sorted(name for name in names if name in OURS)


def last_failure(played: PlayResult) -> str:
    """The message that the run ended with: what came before it was rescued."""
    return PlayResult(0, "fatal: " + played.output.rsplit("\nfatal: ", 1)[-1], {}).failure


def is_nvidias(name: str) -> bool:
    return re.match("cuda|libcudnn|libcublas|nvidia", name) is not None


@pytest.fixture
def host(fresh: Callable[[str], Root], nvidia: Nvidia) -> Host:
    root = fresh("bookworm")
    shutil.copytree(nvidia.path, root.path / "srv/nvidia")
    # What Ansible's module for apt needs; it would install it by itself.
    root.command("apt-get", "update")
    root.command("apt-get", "install", "--yes", "--no-install-recommends", "python3-apt")
    # The role's own repository is enough; Debian's is not asked for anything.
    for source in [
        *(root.path / "etc/apt").glob("sources.list*/*"),
        root.path / "etc/apt/sources.list",
    ]:
        source.unlink(missing_ok=True)
    return Host(root, nvidia)


def test_a_fresh_host_gets_the_exact_pair_held_and_the_second_run_changes_nothing(
    host: Host,
) -> None:
    first = host.play()
    assert first.status == 0, first.output
    assert host.installed() == THE_PAIR
    assert (host.root.path / LIBRARY).exists()
    held = host.root.command("apt-mark", "showhold").split()
    assert held == ["cuda-toolkit-12-5", "libcudnn9-cuda-12"]
    policy = host.root.command("apt-cache", "policy", "nvidia-driver")
    assert "Candidate: (none)" in policy
    second = host.play()
    assert (second.status, second.recap["changed"]) == (0, 0), second.output


def test_check_mode_changes_nothing(host: Host) -> None:
    before = host.root.tree()
    checked = host.play("--check", "--diff")
    assert (checked.status, checked.recap["changed"]) == (0, 0), checked.output
    assert changed(before, host.root.tree()) == {}


def test_cuda_out_of_wheels_leaves_the_system_alone(host: Host) -> None:
    before = host.root.tree()
    played = host.play(action="wheels")
    assert (played.status, played.recap["changed"]) == (0, 0), played.output
    assert changed(before, host.root.tree()) == {}


def test_a_wrong_cuda_that_is_there_stays_byte_for_byte(host: Host) -> None:
    others = host.root.path / "usr/local/cuda-11.0"
    for name in ("bin/ptxas", "lib64/libcudnn.so.8", "version.txt"):
        (others / name).parent.mkdir(parents=True, exist_ok=True)
        (others / name).write_text(f"{name} of CUDA 11.0\n", encoding="utf-8")
    (host.root.path / "usr/local/cuda").symlink_to("cuda-11.0")
    before = {name: row for name, row in host.root.tree().items() if "usr/local/cuda" in name}
    played = host.play()
    assert played.status == 0, played.output
    after = host.root.tree()
    assert {name: after[name] for name in before} == before
    assert (host.root.path / "usr/local/cuda-12.5/bin/ptxas").exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"key_fingerprint": "EB69" * 10},
            f"the key in .* is [0-9A-F]{{40}}; expected {'EB69' * 10}",
        ),
        ({"cudnn": "9.4.0.1-1"}, "libcudnn9-cuda-12=9.4.0.1-1"),
        ({"distro": "debian99"}, "debian99"),
    ],
    ids=["fingerprint", "version", "repository"],
)
def test_what_is_not_as_it_should_be_is_one_line_and_leaves_nothing(
    host: Host, wrong: dict[str, str], said: str
) -> None:
    refused = host.play(**wrong)
    assert refused.status == 2, refused.output
    line = last_failure(refused)
    assert re.search(said, line), refused.output
    assert line.startswith("CUDA 12.5 could not be installed from file:///srv/nvidia/")
    assert "Traceback" not in line
    assert host.installed() == {}
    assert host.ours() == []
    assert list((host.root.path / "tmp").glob("grindstone-*")) == []


def test_a_repository_that_somebody_else_has_signed_is_refused(host: Host) -> None:
    with mock_packages.keys() as stranger:
        release = host.root.path / "srv/nvidia/debian12/x86_64/InRelease"
        text = stranger.gpg("--decrypt", "--skip-verify", data=release.read_bytes())
        release.write_bytes(stranger.gpg("--clearsign", data=text))
    refused = host.play()
    assert refused.status == 2, refused.output
    assert host.installed() == {}
    assert host.ours() == []


def test_a_run_that_is_killed_while_dpkg_works_is_finished_by_the_next(host: Host) -> None:
    mock_packages.hold_at("toolkit", host.root)
    with host.start() as running:
        mock_packages.kill_at("toolkit", host.root, running)
    states = host.root.command("dpkg-query", "-W", "-f", "${db:Status-Status}\n").split()
    assert set(states) - {"installed", "config-files"}
    again = host.play()
    assert again.status == 0, again.output
    assert host.installed() == THE_PAIR
    third = host.play()
    assert (third.status, third.recap["changed"]) == (0, 0), third.output


def test_a_full_disk_is_one_line_and_leaves_nothing(host: Host) -> None:
    archives = host.root.path / "var/cache/apt/archives"
    # A file: repository is read in place, unless apt has to copy it for want of rights.
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(archives.parent)]
    subprocess.run(mount, check=True)
    refused = host.play()
    assert refused.status == 2, refused.output
    line = last_failure(refused)
    assert line.startswith("CUDA 12.5 could not be installed from file:///srv/nvidia/")
    assert "Traceback" not in line
    assert host.installed() == {}
    assert host.ours() == []
