"""The role nvidia_driver on Ubuntu: the real apt, mock packages for packages (mock_ubuntu.py)."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import mock_packages, mock_ubuntu, roots
from tests.support.driver_play import (
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

HEADLESS = ["nvidia-headless-no-dkms-580-server-open", "nvidia-utils-580-server"]
Ubuntu = Callable[[str], Root]


@pytest.fixture(scope="session")
def like(base: Callable[[str], Path]) -> Callable[[str], MockDistribution]:  # noqa: ARG001, it skips
    """The layers and repositories of an Ubuntu by its version."""
    reason = mock_packages.missing("apt-ftparchive", "gpg")
    if reason:
        pytest.skip(reason)
    return mock_ubuntu.distribution


@pytest.fixture
def ubuntu(like: Callable[[str], MockDistribution], tmp_path: Path) -> Iterator[Ubuntu]:
    """Makes a fresh Ubuntu with a GeForce RTX 4090."""
    with ExitStack() as stack:
        stack.callback(roots.discard, tmp_path)

        def made(version: str) -> Root:
            given = like(version)
            root = stack.enter_context(roots.root_on(given.layers, tmp_path))
            mock_ubuntu.use_web(root, stack.enter_context(mock_packages.served(given.web)))
            mock_packages.give_gpu(root, RTX_4090)
            return root

        yield made


@pytest.fixture(scope="session")
def first_runs(
    like: Callable[[str], MockDistribution], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], tuple[PlayResult, list[Path]]]]:
    """The first run on a fresh Ubuntu by its version, and the layers that it came to."""
    runs: dict[str, tuple[PlayResult, list[Path]]] = {}
    folders = []

    def run(version: str) -> tuple[PlayResult, list[Path]]:
        if version not in runs:
            given, folder = like(version), tmp_path_factory.mktemp("installed")
            folders.append(folder)
            with (
                mock_packages.served(given.web) as port,
                roots.root_on(given.layers, folder) as root,
            ):
                mock_ubuntu.use_web(root, port)
                mock_packages.give_gpu(root, RTX_4090)
                runs[version] = (play(root), [root.changes, *root.layers])
        return runs[version]

    yield run
    for folder in folders:
        roots.discard(folder)


@pytest.fixture
def installed(
    first_runs: Callable[[str], tuple[PlayResult, list[Path]]],
    like: Callable[[str], MockDistribution],
    tmp_path: Path,
) -> Iterator[Ubuntu]:
    """A root where the role has run once."""
    with ExitStack() as stack:
        stack.callback(roots.discard, tmp_path)

        def made(version: str) -> Root:
            played, layers = first_runs(version)
            assert_done(played)
            root = stack.enter_context(roots.root_on(layers, tmp_path))
            mock_ubuntu.use_web(root, stack.enter_context(mock_packages.served(like(version).web)))
            return root

        yield made


def packages(root: Root) -> list[str]:
    """The installed packages, each with its version and its mark."""
    said = root.command("dpkg-query", "-W", "-f", "${Package} ${Version} ${Status}\n")
    automatic = {f"{name} auto" for name in root.command("apt-mark", "showauto").split()}
    return sorted(said.splitlines()) + sorted(automatic)


def names(root: Root) -> set[str]:
    """What is installed and configured."""
    return {line.split()[0] for line in packages(root) if line.endswith(" ok installed")}


def held(root: Root) -> set[str]:
    return set(root.command("apt-mark", "showhold").split())


def install(root: Root, *wanted: str) -> None:
    root.command("apt-get", "install", "--yes", *wanted)


def modules(root: Root) -> dict[str, str]:
    """The version and licence of each kernel's NVIDIA module, as modinfo reads them."""
    found = {}
    for path in sorted((root.path / "lib/modules").glob("*/**/nvidia.ko")):
        inside = "/" + str(path.relative_to(root.path))
        told = [
            root.command("modinfo", "-F", field, inside).strip() for field in ("version", "license")
        ]
        found[path.relative_to(root.path).parts[3 if inside.startswith("/usr") else 2]] = " ".join(
            told
        )
    return found


@pytest.mark.parametrize("version", mock_ubuntu.RELEASES)
def test_the_first_run_installs_signed_modules_for_the_kernel_and_holds_them(
    installed: Ubuntu, version: str
) -> None:
    root = installed(version)
    release = mock_ubuntu.RELEASES[version].kernels["generic"]
    planned = {*HEADLESS, "linux-modules-nvidia-580-server-open-generic"}
    assert planned <= names(root)
    assert "dkms" not in names(root)
    assert modules(root) == {release: "580.95.05 Dual MIT/GPL"}
    assert held(root) == {*planned, "linux-image-generic"}
    assert "blacklist nouveau" in (root.path / f"boot/initrd.img-{release}").read_text()


@pytest.mark.parametrize("version", mock_ubuntu.RELEASES)
def test_the_second_run_changes_nothing(installed: Ubuntu, version: str) -> None:
    assert_nothing_left_to_do(installed(version))


@pytest.mark.parametrize("version", mock_ubuntu.RELEASES)
def test_check_mode_shows_the_plan_and_changes_nothing(ubuntu: Ubuntu, version: str) -> None:
    root = ubuntu(version)
    before = root.tree()
    checked = play(root, "--check", "--diff")
    assert checked.status == 0, checked.output
    assert "compiled and signed by the distribution" in " ".join(checked.output.split())
    assert changed(before, root.tree()) == {}


@pytest.mark.parametrize("version", mock_ubuntu.RELEASES)
def test_removal_brings_packages_and_files_back(ubuntu: Ubuntu, version: str) -> None:
    root = ubuntu(version)
    before = packages(root), files(root)
    assert_done(play(root))
    removed = root.play(playbook="playbooks/remove.yml")
    assert removed.status == 0, removed.output
    assert_same(root, before, packages(root))
    assert held(root) == set()
    initrd = root.path / f"boot/initrd.img-{mock_ubuntu.RELEASES[version].kernels['generic']}"
    assert "nouveau" not in initrd.read_text()


@pytest.mark.parametrize("point", ["unpacking", "configuring", "module", "initramfs"])
def test_a_run_that_is_killed_is_finished_by_the_next(ubuntu: Ubuntu, point: str) -> None:
    root = ubuntu("24.04")
    mock_packages.hold_at(point, root)
    with start(root) as running:
        mock_packages.kill_at(point, root, running)
    assert (root.path / "var/lib/grindstone/ledger/nvidia_driver.json").exists()
    second = play(root)
    assert_done(second)
    assert modules(root) == {"6.8.0-88-generic": "580.95.05 Dual MIT/GPL"}
    assert not root.command("dpkg", "--audit")
    assert set(HEADLESS) <= held(root)
    assert "blacklist nouveau" in (root.path / "boot/initrd.img-6.8.0-88-generic").read_text()
    assert_nothing_left_to_do(root)


def test_what_a_killed_run_has_begun_can_be_taken_back(ubuntu: Ubuntu) -> None:
    root = ubuntu("24.04")
    before = packages(root), files(root)
    mock_packages.hold_at("configuring", root)
    with start(root) as running:
        mock_packages.kill_at("configuring", root, running)
    removed = root.play(playbook="playbooks/remove.yml")
    assert removed.status == 0, removed.output
    assert_same(root, before, packages(root))


def test_a_pinned_branch_is_upgraded_to_another(ubuntu: Ubuntu) -> None:
    root = ubuntu("24.04")
    assert_done(play(root, plan_driver="535"))
    assert modules(root) == {"6.8.0-88-generic": "535.274.02 NVIDIA"}
    assert_done(play(root, plan_driver="580"))
    assert modules(root) == {"6.8.0-88-generic": "580.95.05 Dual MIT/GPL"}
    assert [name for name in names(root) if "535" in name] == []
    assert [name for name in held(root) if "535" in name] == []
    third = play(root, plan_driver="580")
    assert third.recap["changed"] == 0, third.output


def test_a_desktop_gets_the_driver_for_one(ubuntu: Ubuntu) -> None:
    root = ubuntu("24.04")
    install(root, "gdm3")
    assert_done(play(root))
    assert {"nvidia-driver-580-open", "linux-modules-nvidia-580-open-generic"} <= names(root)
    assert [name for name in names(root) if "server" in name or "dkms" in name] == []


def test_each_kernel_gets_the_modules_of_its_flavour(ubuntu: Ubuntu) -> None:
    root = ubuntu("24.04")
    install(root, "linux-generic-hwe-24.04")
    assert_done(play(root))
    assert modules(root) == dict.fromkeys(
        ("6.14.0-36-generic", "6.8.0-88-generic"), "580.95.05 Dual MIT/GPL"
    )
    assert "linux-modules-nvidia-580-server-open-generic-hwe-24.04" in held(root)
    assert "dkms" not in names(root)


def test_a_kernel_without_precompiled_modules_gets_them_built_with_its_headers(
    ubuntu: Ubuntu,
) -> None:
    root = ubuntu("24.04")
    install(root, "linux-image-ibm")
    assert_done(play(root))
    assert {"nvidia-dkms-580-server-open", "linux-headers-ibm"} <= names(root)
    assert modules(root) == dict.fromkeys(
        ("6.8.0-1039-ibm", "6.8.0-88-generic"), "580.95.05 Dual MIT/GPL"
    )
    assert_nothing_left_to_do(root)


def test_a_run_that_is_killed_while_a_module_is_built_is_finished_by_the_next(
    ubuntu: Ubuntu,
) -> None:
    root = ubuntu("24.04")
    install(root, "linux-ibm")
    mock_packages.hold_at("dkms", root)
    with start(root) as running:
        mock_packages.kill_at("dkms", root, running)
    assert_done(play(root))
    assert set(modules(root)) == {"6.8.0-1039-ibm", "6.8.0-88-generic"}


def test_a_module_that_does_not_build_leaves_the_host_as_it_was_with_the_compilers_error(
    ubuntu: Ubuntu,
) -> None:
    root = ubuntu("24.04")
    install(root, "linux-ibm")
    before = packages(root), files(root)
    failed = play(root, plan_driver="595")
    assert "driver 595 does not build for kernel 6.8.0-1039-ibm" in failed.failure, failed.output
    assert "too few arguments to function 'pci_resize_resource'" in failed.failure
    assert_same(root, before, packages(root))


def test_signed_modules_under_secure_boot_need_no_key_of_ones_own(ubuntu: Ubuntu) -> None:
    root = ubuntu("24.04")
    variables = root.path / "sys/firmware/efi/efivars"
    variables.mkdir(parents=True)
    state = variables / "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    state.write_bytes(b"\x06\0\0\0\x01")
    played = play(root)
    assert_done(played)
    assert "the modules are signed by the distribution" in " ".join(played.output.split())
    assert "mokutil" not in names(root)
    assert not (root.path / "var/lib/dkms").exists()


def assert_refused_as_it_was(root: Root, **variables: str) -> str:
    """The refusal's line, once it is sure that nothing has changed."""
    before = packages(root), files(root)
    refused = play(root, **variables)
    assert refused.status == 2, refused.output
    assert "Traceback" not in refused.output
    assert_same(root, before, packages(root))
    return refused.failure


def test_a_ppa_among_the_sources_is_refused(ubuntu: Ubuntu) -> None:
    root = ubuntu("24.04")
    mock_ubuntu.add_source(root, "ppa", "ppa", mock_ubuntu.RELEASES["24.04"])
    line = assert_refused_as_it_was(root)
    assert "ppa:graphics-drivers" in line
    assert "add-apt-repository --remove" in line


def test_a_driver_from_a_ppa_that_does_not_work_is_refused_with_the_way_out(ubuntu: Ubuntu) -> None:
    root = ubuntu("24.04")
    mock_ubuntu.add_source(root, "ppa", "ppa", mock_ubuntu.RELEASES["24.04"])
    root.command("apt-get", "update")
    install(root, "nvidia-headless-no-dkms-580-open")
    line = assert_refused_as_it_was(root)
    assert "from a PPA" in line
    assert "ppa-purge ppa:graphics-drivers/ppa" in line


def test_packages_that_somebody_holds_in_the_way_are_refused(ubuntu: Ubuntu) -> None:
    root = ubuntu("24.04")
    install(root, "nvidia-utils-535-server")
    root.command("apt-mark", "hold", "nvidia-utils-535-server")
    line = assert_refused_as_it_was(root, plan_driver="580")
    assert "apt-mark unhold nvidia-utils-535-server" in line


def test_a_dpkg_that_somebody_else_has_interrupted_is_refused(ubuntu: Ubuntu) -> None:
    root = ubuntu("24.04")
    root.command("sh", "-c", "cd /tmp && apt-get download gdm3 && dpkg --unpack gdm3*.deb")
    line = assert_refused_as_it_was(root)
    assert "gdm3" in line
    assert "dpkg --configure -a" in line


def test_a_repository_that_cannot_be_reached_is_one_line(ubuntu: Ubuntu) -> None:
    root = ubuntu("24.04")
    mock_ubuntu.use_web(root, 9)
    line = assert_refused_as_it_was(root)
    assert "found no package lists at http://archive.ubuntu.com/ubuntu" in line, line


@pytest.fixture
def changed_web(
    like: Callable[[str], MockDistribution], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A copy of 24.04's repositories that a test may spoil."""
    folder = tmp_path_factory.mktemp("web")
    subprocess.run(["cp", "-a", f"{like('24.04').web}/.", str(folder)], check=True)
    yield folder
    subprocess.run(["rm", "-r", str(folder)], check=True)


def test_a_bad_signature_is_one_line(ubuntu: Ubuntu, changed_web: Path) -> None:
    root = ubuntu("24.04")
    release = changed_web / mock_ubuntu.HOSTS["distribution"] / "dists/noble/InRelease"
    release.write_text(
        release.read_text().replace("Suite: noble", "Suite: Noble"), encoding="utf-8"
    )
    with mock_packages.served(changed_web) as port:
        mock_ubuntu.use_web(root, port)
        line = assert_refused_as_it_was(root)
    assert "http://archive.ubuntu.com/ubuntu" in line, line
    assert "signed" in line


def test_a_package_that_is_not_what_the_index_says_is_one_line(
    ubuntu: Ubuntu, changed_web: Path
) -> None:
    root = ubuntu("24.04")
    pool = changed_web / mock_ubuntu.HOSTS["distribution"] / "pool"
    deb = next(pool.glob("nvidia-utils-580-server_*"))
    deb.write_bytes(deb.read_bytes().replace(b"exit 9", b"exit 0"))
    with mock_packages.served(changed_web) as port:
        mock_ubuntu.use_web(root, port)
        line = assert_refused_as_it_was(root)
    assert "nvidia-utils-580-server" in line, line


def test_a_package_that_is_missing_is_one_line(ubuntu: Ubuntu, changed_web: Path) -> None:
    root = ubuntu("24.04")
    pool = changed_web / mock_ubuntu.HOSTS["distribution"] / "pool"
    next(pool.glob("linux-modules-nvidia-580-server-open-6.8*")).unlink()
    with mock_packages.served(changed_web) as port:
        mock_ubuntu.use_web(root, port)
        line = assert_refused_as_it_was(root)
    assert "linux-modules-nvidia-580-server-open-6.8.0-88-generic" in line, line
