"""A container by its digest in a Debian 12 root, by an engine and a toolkit that only pretend.

apt, the repository's signature and `systemctl enable` are real; no container runs here.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import mock_archive, mock_toolkit
from tests.support.mock_nvidia import Nvidia
from tests.support.playbook import PlayResult, in_root, play_all
from tests.support.roots import Root, changed, discard, root_on

PLAYBOOK = "tests/roles/container.yml"
DIGEST = "5f" * 32
IMAGE = f"docker.io/tensorflow/tensorflow@sha256:{DIGEST}"
PACKAGES = ["podman", "nvidia-container-toolkit-base"]
WANTS = "etc/systemd/system/multi-user.target.wants"
BUSES = ("0000:01:00.0", "0000:c1:00.0")


@dataclass(frozen=True)
class Host:
    """A Debian 12 with two GPUs whose driver works, that reaches the repository below /srv."""

    root: Root
    nvidia: Nvidia

    def play(self, *arguments: str, playbook: str = PLAYBOOK, **changes: str) -> PlayResult:
        """Runs the role to its end."""
        return self.root.play(*arguments, playbook=playbook, **self.variables(**changes))

    def variables(self, **changes: str) -> dict[str, object]:
        """The plan; `changes` are to its container."""
        known = {
            "distro": "stable/deb",
            "arch": "amd64",
            "key": "gpgkey",
            "name": "container",
            "key_fingerprint": changes.pop("key_fingerprint", self.nvidia.fingerprint),
        }
        inside = {"engine": "podman", "image": IMAGE, "packages": PACKAGES, "repository": known}
        gpus = [{"address": bus, "used": True} for bus in BUSES]
        record = {"container": {**inside, **changes}, "gpus": gpus}
        url = "file:///srv/nvidia"
        return {"plan_result": {"record": record}, "container_repository_url": url}

    def installed(self) -> set[str]:
        """The packages of the plan that are installed."""
        form = "${db:Status-Abbrev} ${Package}\n"
        rows = self.root.command("dpkg-query", "--show", "-f", form).splitlines()
        return {row.split()[1] for row in rows if row[1] == "i"} & set(PACKAGES)

    def asked(self) -> list[str]:
        """What the engine was asked for, in its first two words."""
        lines = self.root.text("srv/asked").splitlines()
        return [" ".join(line.split()[:2]) for line in lines]


def prepared(base: Path, units: bool, folder: Path) -> tuple[list[Path], Nvidia]:
    """The layers of a Debian 12 that has the repository below /srv, and no other."""
    nvidia = mock_toolkit.repository(folder / "repos", units=units)
    with root_on([base], folder) as root:
        shutil.copytree(nvidia.path, root.path / "srv/nvidia")
        lists = (root.path / "etc/apt").glob("sources.list*/*")
        for source in [*lists, root.path / "etc/apt/sources.list"]:
            source.unlink(missing_ok=True)
        mock_toolkit.put_gpus(root, *BUSES)
        (root.path / "srv/registry").mkdir()
        (root.path / f"srv/registry/{DIGEST}").write_text("amd64\n", encoding="utf-8")
    return [root.changes, *root.layers], nvidia


@pytest.fixture(scope="module")
def another(
    base: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[bool], Host]]:
    """Makes a host whose toolkit has units, or has not."""
    reason = mock_archive.missing("apt-ftparchive", "gpg")
    if reason:
        pytest.skip(reason)
    made: dict[bool, tuple[list[Path], Nvidia]] = {}
    with ExitStack() as stack:

        def host(units: bool) -> Host:
            if units not in made:
                folder = tmp_path_factory.mktemp("prepared")
                stack.callback(discard, folder)
                made[units] = prepared(base("bookworm", "systemd"), units, folder)
            layers, nvidia = made[units]
            folder = Path(tempfile.mkdtemp(dir=tmp_path_factory.getbasetemp()))
            stack.callback(discard, folder)
            return Host(stack.enter_context(root_on(layers, folder)), nvidia)

        yield host


def test_a_fresh_host_gets_engine_toolkit_units_and_image_and_the_removal_takes_them(
    another: Callable[[bool], Host],
) -> None:
    host = another(True)
    before = host.root.tree()
    first = host.play()
    assert first.status == 0, first.output
    assert host.installed() == set(PACKAGES)
    assert wanted(host.root) == {"nvidia-cdi-refresh.path", "nvidia-cdi-refresh.service"}
    second = host.play()
    assert (second.status, second.recap["changed"]) == (0, 0), second.output
    removed = host.root.play(playbook="playbooks/remove.yml")
    assert removed.status == 0, removed.output
    assert f"{IMAGE}, an image that podman has fetched" in removed.said
    assert host.asked()[-1] == f"rmi {IMAGE}"
    assert host.installed() == set()
    left = set(changed(before, host.root.tree()))
    assert {path for path in left if not path.startswith(OF_APT)} == set()


def wanted(root: Root) -> set[str]:
    """The units that start with the machine, by the links that `systemctl enable` makes."""
    return {path.name for path in (root.path / WANTS).glob("nvidia-*")}


OF_APT = ("var/lib/apt", "var/cache/", "var/log/", "var/lib/dpkg", "tmp", "run", "srv/", "root")


def test_without_units_the_description_is_a_file_and_follows_the_driver(
    another: Callable[[bool], Host],
) -> None:
    host = another(False)
    first = host.play()
    assert first.status == 0, first.output
    assert host.installed() == set(PACKAGES)
    described = host.root.text("etc/cdi/nvidia.yaml")
    assert described.count("libcuda.so.580.95.05") == 2
    assert host.asked() == ["image inspect", "pull --quiet", "image inspect"]
    noted = json.loads(host.root.text("var/lib/grindstone/images.json"))
    assert noted == {IMAGE: "podman"}
    second = host.play()
    assert (second.status, second.recap["changed"]) == (0, 0), second.output
    mock_toolkit.put_gpus(host.root, *BUSES, driver="595.10")
    third = host.play()
    assert (third.status, third.recap["changed"]) == (0, 1), third.output
    assert "580.95.05" not in host.root.text("etc/cdi/nvidia.yaml")


# By name: what of the plan's container is otherwise, and what the line says.
FAULTS: dict[str, tuple[dict[str, str], str]] = {
    "fingerprint": (
        {"key_fingerprint": "C95B" * 10},
        f"^podman and .* could not be installed: the key in .* expected {'C95B' * 10}; nothing was",
    ),
    "no driver": (
        {},
        "^found no description .* of the GPU at .*01:00.0, .*c1:00.0 by .*failed to init",
    ),
    "no image": (
        {"image": IMAGE.replace("5f", "6a")},
        "could not be fetched: Error: .*: manifest unknown; expected an image for amd64",
    ),
    "for Arm": (
        {"image": IMAGE.replace("5f", "7b")},
        "tensorflow@sha256:(7b)+ is for arm64; expected an image for amd64",
    ),
}


def test_what_goes_wrong_is_one_line_and_leaves_no_package_behind(
    another: Callable[[bool], Host], tmp_path: Path
) -> None:
    hosts = {name: another(False) for name in FAULTS}
    (hosts["no driver"].root.path / "srv/gpus").unlink()
    arm = hosts["for Arm"].root.path / f"srv/registry/{'7b' * 32}"
    arm.write_text("arm64\n", encoding="utf-8")
    given = {
        name: in_root(host.root.path, host.variables(**FAULTS[name][0]))
        for name, host in hosts.items()
    }
    for name, refused in play_all(given, tmp_path / "hosts.json", PLAYBOOK).items():
        assert refused.recap["failed"] == 1, refused.output
        assert re.search(FAULTS[name][1], refused.failure), refused.failure
    assert hosts["fingerprint"].installed() == set()
    assert not list((hosts["fingerprint"].root.path / "etc/apt/sources.list.d").iterdir())


def test_the_verification_runs_in_the_image_of_the_plan_on_the_host(
    another: Callable[[bool], Host],
) -> None:
    root = another(False).root
    engine = root.path / "usr/bin/podman"
    engine.write_text(mock_toolkit.PODMAN, encoding="utf-8")
    engine.chmod(0o755)
    plan = {"stack": "container", "container": {"engine": "podman", "image": IMAGE}}
    (root.path / "etc/grindstone").mkdir()
    (root.path / "etc/grindstone/plan.json").write_text(json.dumps(plan), encoding="utf-8")
    verified = root.play(playbook="playbooks/verify.yml")
    assert verified.status == 0, verified.output
    assert json.loads(root.text("etc/grindstone/verify.json"))["ok"] is True
    words = root.text("srv/asked").split("\n")[0].split()
    assert words[:2] == ["run", "--rm"]
    assert {"--network=none", "--device=nvidia.com/gpu=all", "--entrypoint=timeout"} < set(words)
    assert words[words.index(IMAGE) + 2 :][:3] == ["python3", "-B", "-c"]
    assert "def fit" in root.text("srv/sources")
