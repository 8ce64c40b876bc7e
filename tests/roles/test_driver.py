"""The role nvidia_driver on Ubuntu and Arch: the real apt and pacman, mock packages.

All hosts are played together: check mode, a first run, a second, a third, and the removal.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support import mock_arch, mock_ubuntu, mock_ubuntu_packages
from tests.support.driver_hosts import (
    FRESH,
    UBUNTUS,
    Case,
    Outcome,
    hosts,
    install,
    outcome,
    use_newer_mirror,
)
from tests.support.driver_play import (
    GTX_1080_TI,
    assert_done,
    assert_same,
    files,
    packages,
    play_all,
    remove_all,
    state,
)
from tests.support.playbook import PlayResult
from tests.support.roots import Entry, Root, Tree, changed

STOCK, ZEN, LTS = (mock_arch.ARCH_KERNELS[name][1] for name in ("linux", "linux-zen", "linux-lts"))
HEADLESS = {"nvidia-headless-no-dkms-580-server-open", "nvidia-utils-580-server"}
KERNEL, KVM = "6.8.0-88-generic", "6.8.0-1039-kvm"
OPEN_580 = "580.95.05 Dual MIT/GPL"
OPEN_590 = f"{mock_arch.NVIDIA} Dual MIT/GPL"
IMAGE = "boot/initramfs-linux.img"
SHIELD = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
Spoil = Callable[[Path], object]


def secure_boot(root: Root) -> None:
    (root.path / SHIELD).parent.mkdir(parents=True)
    (root.path / SHIELD).write_bytes(b"\x06\0\0\0\x01")


def add_ppa(root: Root) -> None:
    mock_ubuntu.add_source(root, "ppa", "ppa", mock_ubuntu_packages.RELEASES["24.04"])


def install_from_ppa(root: Root) -> None:
    add_ppa(root)
    root.command("apt-get", "update")
    install("nvidia-headless-no-dkms-580-open")(root)


def hold_another_branch(root: Root) -> None:
    install("nvidia-utils-535-server")(root)
    root.command("apt-mark", "hold", "nvidia-utils-535-server")


def unpack_by_hand(root: Root) -> None:
    root.command("sh", "-c", "cd /tmp && apt-get download gdm3 && dpkg --unpack gdm3*.deb")


def see_a_newer_kernel(root: Root) -> None:
    use_newer_mirror(root)
    root.command("pacman", "-Sy")


def forget_the_keys(root: Root) -> None:
    shutil.rmtree(root.path / "etc/pacman.d/gnupg")
    (root.path / "etc/pacman.d/gnupg").mkdir()


def be_a_gtx_1080_ti(root: Root) -> None:
    (root.path / "sys/bus/pci/devices/0000:01:00.0/device").write_text(f"{GTX_1080_TI}\n")


def forget_the_lists(root: Root) -> None:
    for path in (root.path / "var/lib/apt/lists").glob("*_*"):
        path.unlink()


def in_archive(pattern: str, change: Callable[[Path], object]) -> Spoil:
    """Changes one file of Ubuntu's archive."""
    archive = mock_ubuntu.HOSTS["distribution"]
    return lambda web: change(next((web / archive).glob(pattern)))


def in_mirror(pattern: str, change: Callable[[Path], object]) -> Spoil:
    """Changes one file of Arch's mirror."""
    return lambda web: change(next((web / "now/extra").glob(pattern)))


def replace(old: bytes, new: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(path.read_bytes().replace(old, new))


def flip_the_last_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


DONE = {
    **{system: Case(system) for system in FRESH},
    "desktop": Case(
        prepare=install("gdm3"),
        variables={"nvidia_driver_module_parameters": {"NVreg_PreserveVideoMemoryAllocations": 1}},
    ),
    "newer kernel beside": Case(prepare=install("linux-generic-hwe-24.04")),
    "no precompiled": Case(prepare=install("linux-image-kvm")),
    "secure boot": Case(prepare=secure_boot),
    "branch 535": Case(variables={"plan_driver": "535"}),
    "arch zen": Case("arch", install("linux-zen")),
    "arch lts": Case("arch", install("linux-lts")),
    "arch zen later": Case("arch"),
    "arch upgraded": Case("arch"),
}
# What stops a run before anything has changed, or has it taken back, and what the line says.
REFUSED: dict[str, tuple[Case, list[str]]] = {
    "ppa": (Case(prepare=add_ppa), ["ppa:graphics-drivers", "add-apt-repository --remove"]),
    "driver from a ppa": (
        Case(prepare=install_from_ppa),
        ["from a PPA", "ppa-purge ppa:graphics-drivers/ppa"],
    ),
    "held": (
        Case(prepare=hold_another_branch, variables={"plan_driver": "580"}),
        ["apt-mark unhold nvidia-utils-535-server"],
    ),
    "interrupted": (Case(prepare=unpack_by_hand), ["gdm3", "dpkg --configure -a"]),
    "unreachable": (
        Case(prepare=lambda root: mock_ubuntu.use_web(root, 9)),
        ["found no package lists at http://archive.ubuntu.com/ubuntu"],
    ),
    "bad signature": (
        Case(
            prepare=forget_the_lists,  # else apt goes on with those, as it should
            spoil=in_archive("dists/noble/InRelease", replace(b"Suite: noble", b"Suite: Noble")),
        ),
        ["http://archive.ubuntu.com/ubuntu", "signed"],
    ),
    "altered package": (
        Case(spoil=in_archive("pool/nvidia-utils-580-server_*", replace(b"exit 9", b"exit 0"))),
        ["nvidia-utils-580-server"],
    ),
    "missing package": (
        Case(spoil=in_archive("pool/linux-modules-nvidia-580-server-open-6.8*", Path.unlink)),
        [f"linux-modules-nvidia-580-server-open-{KERNEL}"],
    ),
    "does not build": (
        Case(prepare=install("linux-kvm"), variables={"plan_driver": "595"}),
        [
            f"driver 595 does not build for kernel {KVM}",
            "too few arguments to function 'pci_resize_resource'",
        ],
    ),
    "arch outdated": (
        Case("arch", see_a_newer_kernel),
        ["found linux 6.17.9.arch1-1, and 6.18.2.arch2-1 in pacman's lists", "pacman -Syu"],
    ),
    "arch locked": (
        Case("arch", lambda root: (root.path / "var/lib/pacman/db.lck").touch()),
        ["/var/lib/pacman/db.lck"],
    ),
    "arch unknown key": (Case("arch", forget_the_keys), ["Mock packages|signature|keyring"]),
    "arch altered package": (
        Case("arch", spoil=in_mirror("nvidia-utils-*.gz", flip_the_last_bit)),
        ["nvidia-utils", "corrupted"],
    ),
    "arch missing package": (
        Case("arch", spoil=in_mirror("nvidia-open-590*.gz", Path.unlink)),
        ["nvidia-open-590.48.01-9", "pacman -Syu"],
    ),
    "arch gpu left behind": (
        Case("arch", be_a_gtx_1080_ti),
        ["nvidia-580xx-dkms and nvidia-580xx-utils from the AUR"],
    ),
}
CASES = {**DONE, **{name: case for name, (case, _) in REFUSED.items()}}
AGAIN = (*FRESH, "no precompiled", "arch upgraded", "arch zen later")  # nothing is left to do


@dataclass
class Runs:
    """What all runs came to, by host; `before` and `outcomes` are of before and after the first.

    checked, repeated: what check mode and the last run that had nothing to do have changed.
    """

    hosts: dict[str, Root]
    before: dict[str, tuple[list[str], Tree]]
    check: dict[str, PlayResult]
    checked: dict[str, dict[str, tuple[Entry | None, Entry | None]]]
    first: dict[str, PlayResult] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    last: dict[str, PlayResult] = field(default_factory=dict)
    repeated: dict[str, dict[str, tuple[Entry | None, Entry | None]]] = field(default_factory=dict)
    later: dict[str, Outcome] = field(default_factory=dict)


@pytest.fixture(scope="module")
def runs(
    base: Callable[[str], Path],  # noqa: ARG001, it skips
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Runs]:
    with hosts(CASES, tmp_path_factory.mktemp("hosts")) as roots:
        fresh = {name: roots[name] for name in FRESH}
        trees = {name: root.tree() for name, root in fresh.items()}
        check = play_all(fresh, "--check", "--diff")
        checked = {name: changed(trees[name], root.tree()) for name, root in fresh.items()}

        told = {name: case.variables for name, case in CASES.items()}
        runs = Runs(roots, {name: state(root) for name, root in roots.items()}, check, checked)
        runs.first = play_all(roots, variables=told)
        runs.outcomes = {name: outcome(roots[name]) for name in DONE}

        for name in ("arch upgraded", "arch zen later", "branch 535"):
            assert_done(runs.first[name])
        install("linux-zen")(roots["arch zen later"])
        use_newer_mirror(roots["arch upgraded"])
        listed = packages(roots["arch upgraded"])
        roots["arch upgraded"].command("pacman", "-Syu", "--noconfirm")
        assert packages(roots["arch upgraded"]) == listed  # driver and kernel stay together
        told["branch 535"] = {"plan_driver": "580"}
        changing = {name: roots[name] for name in ("branch 535", "arch zen later")}
        for name, played in play_all(changing, variables=told).items():
            assert_done(played)
            runs.later[name] = outcome(roots[name])

        again = {name: roots[name] for name in (*AGAIN, "branch 535")}
        now = {name: files(root) for name, root in again.items()}
        runs.last = play_all(again, variables=told)
        runs.repeated = {name: changed(now[name], files(root)) for name, root in again.items()}
        remove_all(fresh)
        yield runs


@pytest.mark.parametrize("name", FRESH)
def test_check_mode_shows_the_plan_and_changes_nothing(runs: Runs, name: str) -> None:
    assert runs.check[name].status == 0, runs.check[name].output
    ubuntu = "compiled and signed by the distribution"
    assert (ubuntu if name in UBUNTUS else "install nvidia-utils, nvidia-open") in (
        runs.check[name].said
    )
    assert runs.checked[name] == {}


@pytest.mark.parametrize("name", DONE)
def test_the_first_run_ends_with_the_driver(runs: Runs, name: str) -> None:
    assert_done(runs.first[name])


@pytest.mark.parametrize("name", UBUNTUS)
def test_ubuntu_gets_signed_modules_for_its_kernel_and_holds_them(runs: Runs, name: str) -> None:
    release = mock_ubuntu_packages.RELEASES[name.partition("-")[2]].kernels["generic"]
    done = runs.outcomes[name]
    planned = {*HEADLESS, "linux-modules-nvidia-580-server-open-generic"}
    assert planned <= done.names
    assert "dkms" not in done.names
    assert done.modules == {release: OPEN_580}
    assert done.held == {*planned, "linux-image-generic"}
    assert "blacklist nouveau" in done.images[f"boot/initrd.img-{release}"]


def test_arch_gets_the_module_of_the_stock_kernel_and_ignores_both_in_upgrades(runs: Runs) -> None:
    done = runs.outcomes["arch"]
    assert {"nvidia-open", "nvidia-utils"} <= done.names
    assert "dkms" not in done.names
    assert done.modules == {STOCK: OPEN_590}
    assert done.held == {"nvidia-open", "nvidia-utils", "linux"}
    assert "kms" not in hooks(done)
    assert "blacklist nouveau" in done.images[IMAGE]
    assert done.plan["method"] == "package"
    assert done.plan["packages"] == ["nvidia-utils", "nvidia-open"]


@pytest.mark.parametrize("name", [*AGAIN, "branch 535"])
def test_a_run_that_has_nothing_to_do_changes_nothing(runs: Runs, name: str) -> None:
    assert_done(runs.last[name])
    assert runs.last[name].recap["changed"] == 0, runs.last[name].output
    assert runs.repeated[name] == {}


@pytest.mark.parametrize("name", FRESH)
def test_removal_brings_packages_and_files_back(runs: Runs, name: str) -> None:
    assert_same(runs.hosts[name], runs.before[name])
    images = outcome(runs.hosts[name]).images
    assert images
    assert not [path for path, image in images.items() if "nouveau" in image]
    assert ("kms" in hooks(outcome(runs.hosts[name]))) == (name == "arch")


@pytest.mark.parametrize("name", REFUSED)
def test_what_stops_a_run_is_one_line_and_leaves_the_host_as_it_was(runs: Runs, name: str) -> None:
    refused = runs.first[name]
    assert refused.recap["failed"] == 1, refused.output
    assert "Traceback" not in refused.said
    for word in REFUSED[name][1]:
        assert re.search(word, refused.failure), refused.failure
    assert_same(runs.hosts[name], runs.before[name])


def hooks(done: Outcome, image: str = IMAGE) -> list[str]:
    """The hooks that an Arch's initramfs was made with; of no other distribution's."""
    return done.images.get(image, "\n").splitlines()[0].split()


def test_a_desktop_gets_the_driver_for_one(runs: Runs) -> None:
    found = runs.outcomes["desktop"].names
    assert {"nvidia-driver-580-open", "linux-modules-nvidia-580-open-generic"} <= found
    assert [name for name in found if "server" in name or "dkms" in name] == []


def test_the_module_gets_the_parameters_that_are_asked_for(runs: Runs) -> None:
    written = runs.hosts["desktop"].text("etc/modprobe.d/grindstone-nvidia.conf").splitlines()
    assert "options nvidia NVreg_PreserveVideoMemoryAllocations=1" in written
    assert not (runs.hosts["ubuntu-24.04"].path / "etc/modprobe.d/grindstone-nvidia.conf").exists()


def test_each_kernel_gets_the_modules_of_its_flavour(runs: Runs) -> None:
    done = runs.outcomes["newer kernel beside"]
    assert done.modules == dict.fromkeys(("6.14.0-36-generic", KERNEL), OPEN_580)
    assert "linux-modules-nvidia-580-server-open-generic-hwe-24.04" in done.held
    assert "dkms" not in done.names


def test_a_kernel_without_precompiled_modules_gets_them_built_with_its_headers(runs: Runs) -> None:
    done = runs.outcomes["no precompiled"]
    assert {"nvidia-dkms-580-server-open", "linux-headers-kvm"} <= done.names
    assert done.modules == dict.fromkeys((KVM, KERNEL), OPEN_580)


def test_signed_modules_under_secure_boot_need_no_key_of_ones_own(runs: Runs) -> None:
    assert "the modules are signed by the distribution" in runs.first["secure boot"].said
    assert "mokutil" not in runs.outcomes["secure boot"].names
    assert not (runs.hosts["secure boot"].path / "var/lib/dkms").exists()


def test_a_pinned_branch_is_upgraded_to_another(runs: Runs) -> None:
    assert runs.outcomes["branch 535"].modules == {KERNEL: "535.274.02 NVIDIA"}
    later = runs.later["branch 535"]
    assert later.modules == {KERNEL: OPEN_580}
    assert [name for name in later.names | later.held if "535" in name] == []


@pytest.mark.parametrize(("kernel", "release"), [("zen", ZEN), ("lts", LTS)])
def test_another_kernel_of_arch_gets_its_module_built_with_its_headers(
    runs: Runs, kernel: str, release: str
) -> None:
    done = runs.outcomes[f"arch {kernel}"]
    assert {"nvidia-open-dkms", "linux-headers", f"linux-{kernel}-headers"} <= done.names
    assert "nvidia-open" not in done.names
    assert set(done.modules) == {STOCK, release}
    assert f"linux-{kernel}" not in done.held
    assert "kms" not in hooks(done, f"boot/initramfs-linux-{kernel}.img")


def test_a_kernel_of_arch_that_comes_later_changes_the_module_in_one_transaction(
    runs: Runs,
) -> None:
    later = runs.later["arch zen later"]
    assert "nvidia-open" not in later.names
    assert set(later.modules) == {STOCK, ZEN}
    log = runs.hosts["arch zen later"].text("var/log/pacman.log")
    (last,) = [part for part in log.split("transaction started") if "removed nvidia-open " in part]
    assert "installed nvidia-open-dkms" in last
