"""The role nvidia_driver on Arch: the real pacman, mock packages for packages (mock_arch.py)."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import mock_arch, mock_packages, roots
from tests.support.driver_play import (
    GTX_1080_TI,
    RTX_4090,
    assert_done,
    assert_nothing_left_to_do,
    assert_same,
    files,
    play,
    start,
)
from tests.support.mock_packages import MockDistribution
from tests.support.roots import PlayResult, Root, changed

STOCK, ZEN, LTS = (mock_arch.ARCH_KERNELS[name][1] for name in ("linux", "linux-zen", "linux-lts"))
IMAGE = "boot/initramfs-linux.img"


@pytest.fixture(scope="session")
def like(base: Callable[[str], Path]) -> MockDistribution:  # noqa: ARG001, it skips
    """The layers and mirrors of an Arch."""
    reason = mock_packages.missing("repo-add", "bsdtar", "gpg", "zstd")
    if reason:
        pytest.skip(reason)
    return mock_arch.distribution()


@pytest.fixture
def arch(like: MockDistribution, tmp_path: Path) -> Iterator[Root]:
    """A fresh Arch with the stock kernel and a GeForce RTX 4090."""
    with roots.root_on(like.layers, tmp_path) as root:
        mock_arch.use_mirror(root, like.web / "now")
        mock_packages.give_gpu(root, RTX_4090)
        yield root
    roots.discard(tmp_path)


@pytest.fixture(scope="session")
def first_run(
    like: MockDistribution, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[PlayResult, list[Path]]]:
    """The first run on a fresh Arch, and the layers that it came to."""
    folder = tmp_path_factory.mktemp("installed")
    with roots.root_on(like.layers, folder) as root:
        mock_arch.use_mirror(root, like.web / "now")
        mock_packages.give_gpu(root, RTX_4090)
        played = play(root)
    yield played, [root.changes, *root.layers]
    roots.discard(folder)


@pytest.fixture
def installed(
    first_run: tuple[PlayResult, list[Path]], like: MockDistribution, tmp_path: Path
) -> Iterator[Root]:
    """A root where the role has run once."""
    played, layers = first_run
    assert_done(played)
    with roots.root_on(layers, tmp_path) as root:
        mock_arch.use_mirror(root, like.web / "now")
        yield root
    roots.discard(tmp_path)


def packages(root: Root) -> list[str]:
    """The installed packages with their versions, and those that were asked for."""
    return [*root.command("pacman", "-Q").splitlines(), *root.command("pacman", "-Qe").splitlines()]


def names(root: Root) -> set[str]:
    return {line.split()[0] for line in packages(root)}


def install(root: Root, *wanted: str) -> None:
    root.command("pacman", "-S", "--noconfirm", *wanted)


def modules(root: Root) -> set[str]:
    """The kernels that have NVIDIA's module."""
    found = (root.path / "usr/lib/modules").glob("*/**/nvidia.ko.zst")
    return {path.relative_to(root.path / "usr/lib/modules").parts[0] for path in found}


def ignored(root: Root) -> set[str]:
    """What pacman leaves out of an upgrade, as it reads its configuration."""
    said = (root.path / "etc/pacman.d/grindstone.conf").read_text(encoding="utf-8")
    lists = [line.split("=")[1].split() for line in said.splitlines() if line.startswith("Ignore")]
    return {name for names in lists for name in names}


def hooks(root: Root, image: str = IMAGE) -> str:
    """The hooks that an initramfs was made with."""
    return (root.path / image).read_text(encoding="utf-8").splitlines()[0]


def test_the_first_run_installs_the_module_of_the_stock_kernel_and_pins_both(
    installed: Root,
) -> None:
    assert {"nvidia-open", "nvidia-utils"} <= names(installed)
    assert "dkms" not in names(installed)
    assert modules(installed) == {STOCK}
    assert ignored(installed) == {"nvidia-open", "nvidia-utils", "linux"}
    assert "kms" not in hooks(installed).split()
    assert "blacklist nouveau" in (installed.path / IMAGE).read_text(encoding="utf-8")


def test_the_second_run_changes_nothing(installed: Root) -> None:
    assert_nothing_left_to_do(installed)


def test_check_mode_shows_the_plan_and_changes_nothing(arch: Root) -> None:
    before = arch.tree()
    checked = play(arch, "--check", "--diff")
    assert checked.status == 0, checked.output
    assert "install nvidia-utils, nvidia-open" in checked.output
    assert changed(before, arch.tree()) == {}


def test_an_upgrade_of_everything_leaves_driver_and_kernel_together(
    installed: Root, like: MockDistribution
) -> None:
    subprocess.run(["umount", str(installed.path / "srv/mirror")], check=True)
    mock_arch.use_mirror(installed, like.web / "newer")
    before = packages(installed)
    installed.command("pacman", "-Syu", "--noconfirm")
    assert packages(installed) == before
    assert_nothing_left_to_do(installed)


@pytest.mark.parametrize("killed", [False, True])
def test_removal_brings_packages_and_files_back(arch: Root, killed: bool) -> None:
    before = packages(arch), files(arch)
    if killed:
        mock_packages.hold_at("after", arch)
        with start(arch) as running:
            mock_packages.kill_at("after", arch, running)
    else:
        assert_done(play(arch))
    removed = arch.play(playbook="playbooks/remove.yml")
    assert removed.status == 0, removed.output
    assert_same(arch, before, packages(arch))
    assert "kms" in hooks(arch).split()
    assert not (arch.path / "var/lib/pacman/db.lck").exists()


@pytest.mark.parametrize("point", ["before", "after", "initramfs"])
def test_a_run_that_is_killed_is_finished_by_the_next(arch: Root, point: str) -> None:
    mock_packages.hold_at(point, arch)
    with start(arch) as running:
        mock_packages.kill_at(point, arch, running)
    assert (arch.path / "var/lib/pacman/db.lck").exists() == (point != "initramfs")
    assert_done(play(arch))
    assert modules(arch) == {STOCK}
    assert "kms" not in hooks(arch).split()
    assert ignored(arch) == {"nvidia-open", "nvidia-utils", "linux"}
    assert_nothing_left_to_do(arch)


def test_a_package_that_a_killed_run_has_half_recorded_is_installed_anew(arch: Root) -> None:
    mock_packages.hold_at("after", arch)
    with start(arch) as running:
        mock_packages.kill_at("after", arch, running)
    record = next((arch.path / "var/lib/pacman/local").glob("nvidia-utils-*"))
    for name in ("desc", "files"):  # as where the power was cut before they were written
        (record / name).unlink()
    assert_done(play(arch))
    assert "/usr/bin/nvidia-smi" in arch.command("pacman", "-Ql", "nvidia-utils")
    assert modules(arch) == {STOCK}


@pytest.mark.parametrize(("kernel", "release"), [("linux-zen", ZEN), ("linux-lts", LTS)])
def test_another_kernel_gets_its_module_built_with_its_headers(
    arch: Root, kernel: str, release: str
) -> None:
    install(arch, kernel)
    assert_done(play(arch))
    assert {"nvidia-open-dkms", "linux-headers", f"{kernel}-headers"} <= names(arch)
    assert "nvidia-open" not in names(arch)
    assert modules(arch) == {STOCK, release}
    assert kernel not in ignored(arch)
    assert "kms" not in hooks(arch, f"boot/initramfs-{kernel}.img").split()


def test_a_kernel_that_comes_later_changes_the_module_in_one_transaction(installed: Root) -> None:
    install(installed, "linux-zen")
    assert_done(play(installed))
    assert "nvidia-open" not in names(installed)
    assert modules(installed) == {STOCK, ZEN}
    log = (installed.path / "var/log/pacman.log").read_text(encoding="utf-8")
    last = log.rpartition("transaction started")[2]
    assert "removed nvidia-open " in last
    assert "installed nvidia-open-dkms" in last
    assert_nothing_left_to_do(installed)


def test_a_run_that_is_killed_while_a_module_is_built_is_finished_by_the_next(arch: Root) -> None:
    install(arch, "linux-zen")
    mock_packages.hold_at("dkms", arch)
    with start(arch) as running:
        mock_packages.kill_at("dkms", arch, running)
    assert_done(play(arch))
    assert modules(arch) == {STOCK, ZEN}


def assert_refused_as_it_was(root: Root, **variables: str) -> str:
    """The refusal's line, once it is sure that nothing has changed."""
    before = packages(root), files(root)
    refused = play(root, **variables)
    assert refused.status == 2, refused.output
    assert "Traceback" not in refused.output
    assert_same(root, before, packages(root))
    return refused.failure


def test_a_kernel_older_than_pacmans_lists_is_refused(arch: Root, like: MockDistribution) -> None:
    subprocess.run(["umount", str(arch.path / "srv/mirror")], check=True)
    mock_arch.use_mirror(arch, like.web / "newer")
    arch.command("pacman", "-Sy")
    line = assert_refused_as_it_was(arch)
    assert "found linux 6.17.9.arch1-1, and 6.18.2.arch2-1 in pacman's lists" in line
    assert "pacman -Syu" in line


def test_a_lock_that_somebody_else_has_left_is_refused(arch: Root) -> None:
    (arch.path / "var/lib/pacman/db.lck").touch()
    line = assert_refused_as_it_was(arch)
    assert "/var/lib/pacman/db.lck" in line


@pytest.fixture
def changed_mirror(arch: Root, like: MockDistribution, tmp_path: Path) -> Path:
    """A copy of the mirror that a test may spoil; the root uses it."""
    copy = tmp_path / "mirror"
    shutil.copytree(like.web / "now", copy, symlinks=True)
    subprocess.run(["umount", str(arch.path / "srv/mirror")], check=True)
    mock_arch.use_mirror(arch, copy)
    return copy


def test_a_signature_by_a_key_that_is_not_trusted_is_one_line(arch: Root) -> None:
    keyring = arch.path / "etc/pacman.d/gnupg"
    shutil.rmtree(keyring)
    keyring.mkdir()
    line = assert_refused_as_it_was(arch)
    assert "Mock packages" in line or "signature" in line or "keyring" in line, line


def test_a_package_that_is_not_what_was_signed_is_one_line(
    arch: Root, changed_mirror: Path
) -> None:
    package = next((changed_mirror / "extra").glob("nvidia-utils-*.gz"))
    data = bytearray(package.read_bytes())
    data[-1] ^= 1
    package.write_bytes(data)
    line = assert_refused_as_it_was(arch)
    assert "nvidia-utils" in line, line
    assert "corrupted" in line, line


def test_a_package_that_is_missing_is_one_line(arch: Root, changed_mirror: Path) -> None:
    next((changed_mirror / "extra").glob("nvidia-open-590*.gz")).unlink()
    line = assert_refused_as_it_was(arch)
    assert "nvidia-open-590.48.01-9" in line, line
    assert "pacman -Syu" in line


def test_a_gpu_that_arch_has_left_behind_is_refused_with_the_packages_of_the_aur(
    arch: Root,
) -> None:
    (arch.path / "sys/bus/pci/devices/0000:01:00.0/device").write_text(f"{GTX_1080_TI}\n")
    line = assert_refused_as_it_was(arch)
    assert "nvidia-580xx-dkms and nvidia-580xx-utils from the AUR" in line


def test_the_plan_is_kept_on_the_host(installed: Root) -> None:
    plan = json.loads((installed.path / "etc/grindstone/plan.json").read_text(encoding="utf-8"))
    driver = plan["driver"]
    assert (driver["method"], driver["packages"]) == ("package", ["nvidia-utils", "nvidia-open"])
