"""The system's CUDA in a Debian 12 root, from a signed repository that stands for NVIDIA's."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import interruption, mock_archive, mock_packages
from tests.support.mock_nvidia import Nvidia, nvidia_repository
from tests.support.mock_packages import Package
from tests.support.playbook import PlayResult, in_root, play_all
from tests.support.roots import Root, changed, discard, root_on

PLAYBOOK = "tests/roles/cuda.yml"
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
    reason = mock_archive.missing("apt-ftparchive", "gpg")
    if reason:
        pytest.skip(reason)
    return nvidia_repository(tmp_path_factory.mktemp("nvidia") / "repos", "debian12", OFFERED)


@dataclass(frozen=True)
class Host:
    """A Debian 12 that can reach the repository below /srv."""

    root: Root
    nvidia: Nvidia

    def play(self, *arguments: str, action: str = "system") -> PlayResult:
        """Runs the role to its end."""
        return self.root.play(*arguments, playbook=PLAYBOOK, **self.variables(action))

    def variables(self, action: str = "system", **repository: str) -> dict[str, object]:
        """The plan; `repository` replaces what it says of NVIDIA's."""
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
        record = {"cuda": cuda, "driver": {"origin": "distribution"}}
        url = "file:///srv/nvidia"
        return {"plan_result": {"record": record}, "cuda_repository_url": url}

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


def is_nvidias(name: str) -> bool:
    return re.match("cuda|libcudnn|libcublas|nvidia", name) is not None


@pytest.fixture(scope="module")
def layers(
    base: Callable[[str], Path], nvidia: Nvidia, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Path]]:
    """A Debian 12 that has the repository below /srv, and no other."""
    folder = tmp_path_factory.mktemp("prepared")
    with root_on([base("bookworm")], folder) as root:
        shutil.copytree(nvidia.path, root.path / "srv/nvidia")
        # What Ansible's module for apt needs; it would install it by itself.
        root.command("apt-get", "update")
        root.command("apt-get", "install", "--yes", "--no-install-recommends", "python3-apt")
        lists = (root.path / "etc/apt").glob("sources.list*/*")
        for source in [*lists, root.path / "etc/apt/sources.list"]:
            source.unlink(missing_ok=True)
    yield [root.changes, *root.layers]
    discard(folder)


@pytest.fixture
def another(layers: list[Path], nvidia: Nvidia, tmp_path: Path) -> Iterator[Callable[[], Host]]:
    """Makes a host."""
    with ExitStack() as stack:

        def made() -> Host:
            folder = Path(tempfile.mkdtemp(dir=tmp_path))
            stack.callback(discard, folder)
            return Host(stack.enter_context(root_on(layers, folder)), nvidia)

        yield made


@pytest.fixture
def host(another: Callable[[], Host]) -> Host:
    return another()


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


def sign_by_somebody_else(root: Root) -> None:
    with mock_archive.keys() as stranger:
        release = root.path / "srv/nvidia/debian12/x86_64/InRelease"
        text = stranger.gpg("--decrypt", "--skip-verify", data=release.read_bytes())
        release.write_bytes(stranger.gpg("--clearsign", data=text))


def fill_the_disk(root: Root) -> None:
    # A file: repository is read in place, unless apt has to copy it for want of rights.
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(root.path / "var/cache/apt")]
    subprocess.run(mount, check=True)


FAULTS: dict[str, tuple[Callable[[Root], object], dict[str, str], str]] = {
    "fingerprint": (
        lambda _: None,
        {"key_fingerprint": "EB69" * 10},
        f"the key in .* is [0-9A-F]{{40}}; expected {'EB69' * 10}",
    ),
    "version": (lambda _: None, {"cudnn": "9.4.0.1-1"}, "libcudnn9-cuda-12=9.4.0.1-1"),
    "repository": (lambda _: None, {"distro": "debian99"}, "debian99"),
    "signature": (sign_by_somebody_else, {}, ""),
    "full disk": (fill_the_disk, {}, ""),
}


def test_what_is_not_as_it_should_be_is_one_line_and_leaves_nothing(
    another: Callable[[], Host], tmp_path: Path
) -> None:
    hosts = {name: another() for name in FAULTS}
    for name, (break_it, _, _) in FAULTS.items():
        break_it(hosts[name].root)
    given = {
        name: in_root(host.root.path, host.variables(**FAULTS[name][1]))
        for name, host in hosts.items()
    }
    for name, refused in play_all(given, tmp_path / "hosts.json", PLAYBOOK).items():
        host = hosts[name]
        assert refused.recap["failed"] == 1, refused.output
        assert re.search(FAULTS[name][2], refused.failure), refused.output
        start = "CUDA 12.5 could not be installed from file:///srv/nvidia/"
        assert refused.failure.startswith(start), refused.output
        assert "Traceback" not in refused.failure
        assert host.installed() == {}
        assert host.ours() == []
        assert list((host.root.path / "tmp").glob("grindstone-*")) == []


def test_a_run_that_is_killed_while_dpkg_works_is_finished_by_the_next(host: Host) -> None:
    interruption.hold_at("toolkit", host.root)
    with host.root.start(playbook=PLAYBOOK, **host.variables()) as running:
        interruption.kill_at([("toolkit", host.root)], running)
    states = host.root.command("dpkg-query", "-W", "-f", "${db:Status-Status}\n").split()
    assert set(states) - {"installed", "config-files"}
    again = host.play()
    assert again.status == 0, again.output
    assert host.installed() == THE_PAIR
    third = host.play()
    assert (third.status, third.recap["changed"]) == (0, 0), third.output
