"""The role nvidia_driver on Debian 12 and 13: the real packages, and real builds by DKMS."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from plugins.plugin_utils import row_files
from tests.support import dkms_cache, mock_gpu, playbook, roots
from tests.support.cache import locked
from tests.support.driver_play import (
    DEBIAN_KERNEL,
    assert_done,
    assert_nothing_left_to_do,
    assert_same,
    debian_with_gpu,
    held,
    packages,
    play,
    play_all,
    start,
    state,
)
from tests.support.playbook import PlayResult
from tests.support.roots import Root, changed
from tests.support.weekly import weekly

PLANNED = {"libcuda1", "nvidia-smi", "nvidia-persistenced", "nvidia-kernel-dkms"}
VARIABLES = "sys/firmware/efi/efivars"
SHIM = "605dab50-e046-4300-abb6-3dd810dd8b23"
Debian = Callable[[str], Root]


@pytest.fixture
def debian(base: Callable[[str], Path], tmp_path: Path) -> Iterator[Debian]:  # noqa: ARG001, it skips
    """Makes a fresh Debian, with its kernel and a Tesla T4, by its suite."""
    with ExitStack() as stack:

        def made(suite: str) -> Root:
            folder = Path(tempfile.mkdtemp(dir=tmp_path))
            stack.callback(roots.discard, folder)
            below = roots.base(suite, DEBIAN_KERNEL)
            return stack.enter_context(debian_with_gpu([below], folder))

        yield made


@pytest.fixture(scope="session")
def first_driver(
    base: Callable[[str], Path],  # noqa: ARG001, it skips
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[PlayResult, list[Path]]]:
    """The first run on a fresh Debian 12, and the layers that it came to.

    Of NVIDIA's modules the one is built that all others hang on; the week's run builds all.
    """
    folder = tmp_path_factory.mktemp("driver")
    with (
        locked(dkms_cache.LOCK),
        debian_with_gpu([roots.base("bookworm", DEBIAN_KERNEL)], folder) as root,
    ):
        dkms_cache.leave_empty(root, *dkms_cache.BESIDES)
        played = play(root)
        dkms_cache.keep(root)
    yield played, [root.changes, *root.layers]
    roots.discard(folder)


@pytest.fixture
def driven(first_driver: tuple[PlayResult, list[Path]], tmp_path: Path) -> Iterator[Root]:
    """A Debian 12 where the role has run once."""
    played, layers = first_driver
    assert_done(played)
    with debian_with_gpu(layers, tmp_path) as root:
        yield root
    roots.discard(tmp_path)


# What package managers keep for themselves, and accounts, which Debian's packages leave behind.
NOT_FILES = {"proc", "sys", "dev"}
ASIDE = re.compile(
    r"var/(cache|log|lib/(apt|dpkg|grindstone))/|etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$"
    r"|etc/(ld\.so\.cache|resolv\.conf|grindstone/.*|apt/apt\.conf\.d/99keep)$|boot/initrd\.img-"
    r"|tmp/|run/|root/|srv/|etc/dkms/|etc/ssl/certs/ca-certificates\.crt$"
)


def differing(root: Root, fresh: Path) -> set[str]:
    """The files and links that are not what they are in the fresh root, but for `ASIDE`."""

    def content(folder: Path, name: str) -> bytes | str:
        path = folder / name
        if path.is_symlink():
            return str(path.readlink())
        return path.read_bytes() if path.is_file() else b""

    def there(folder: Path) -> set[str]:
        found = set()
        for place, folders, names in os.walk(folder):
            inside = Path(place).relative_to(folder)
            folders[:] = [name for name in folders if str(inside / name) not in NOT_FILES]
            found |= {str(inside / name) for name in names}
        return {name for name in found if not ASIDE.match(name)}

    now, before = there(root.path), there(fresh)
    same = {name for name in now & before if content(root.path, name) == content(fresh, name)}
    return (now | before) - same


def kernel(root: Root) -> str:
    return next((root.path / "lib/modules").iterdir()).name


def assert_driven(root: Root) -> None:
    built = f"lib/modules/{kernel(root)}/updates/dkms"
    (path,) = (root.path / built).glob("nvidia-current.ko*")  # Debian 13 compresses them
    module = f"/{built}/{path.name}"
    assert root.command("modinfo", "-F", "license", module).strip() == "NVIDIA"
    version = root.command("dpkg-query", "-W", "-f", "${Version}", "nvidia-kernel-dkms")
    assert version.startswith(root.command("modinfo", "-F", "version", module).strip() + "-")
    assert held(root) == PLANNED


def test_debian_12_gets_a_module_that_is_built_for_its_kernel_and_held(driven: Root) -> None:
    assert_driven(driven)


def test_a_host_that_has_loaded_it_is_asked_for_nothing_but_its_files(driven: Root) -> None:
    preferences = driven.path / "etc/apt/preferences.d/grindstone-nvidia"
    with mock_gpu.loaded(driven):
        again = play(driven)
        assert again.status == 0, again.output
        assert again.recap["changed"] == 0, again.output
        assert re.search(r"Install the driver\] \*+\nskipping: ", again.output)
        kept = preferences.read_bytes()
        preferences.write_bytes(b"")
        finished = play(driven)
    assert finished.recap["changed"] == 1, finished.output
    assert preferences.read_bytes() == kept


def test_what_keeps_nouveau_out_is_in_the_initramfs(driven: Root) -> None:
    initramfs = f"/boot/initrd.img-{kernel(driven)}"
    inside = driven.command("lsinitramfs", initramfs).splitlines()
    assert "etc/modprobe.d/grindstone-nouveau.conf" in inside


def test_only_the_missing_components_are_added_beside_the_host_s_own_sources(driven: Root) -> None:
    ours = driven.text("etc/apt/sources.list.d/grindstone.sources")
    suites = re.findall(r"^Suites: (.*)$", ours, re.MULTILINE)
    assert suites[0] == "bookworm"
    assert set(re.findall(r"^Components: (.*)$", ours, re.MULTILINE)) == {
        "contrib non-free non-free-firmware"
    }
    fresh = roots.base("bookworm", DEBIAN_KERNEL) / "etc/apt/sources.list"
    assert driven.text("etc/apt/sources.list") == fresh.read_text(encoding="utf-8")


def test_debian_s_second_run_changes_nothing(driven: Root) -> None:
    assert_nothing_left_to_do(driven)


def test_check_mode_shows_debian_s_plan_and_changes_nothing(debian: Debian) -> None:
    hosts = {suite: debian(suite) for suite in ("bookworm", "trixie")}
    before = {suite: root.tree() for suite, root in hosts.items()}
    for suite, checked in play_all(hosts, "--check", "--diff").items():
        assert checked.status == 0, checked.output
        assert "linux-headers-amd64" in checked.said
        assert changed(before[suite], hosts[suite].tree()) == {}


def test_a_run_that_is_killed_while_dkms_builds_is_finished_by_the_next(debian: Debian) -> None:
    root = debian("bookworm")
    dkms_cache.leave_empty(root, *dkms_cache.MODULES)
    build = root.path / "var/lib/dkms/nvidia-current"
    with start(root) as running:
        while not any(build.glob("*/build/make.log")):
            try:
                output, _ = running.communicate(timeout=0.1)
            except subprocess.TimeoutExpired:
                continue
            pytest.fail(f"it ended before it could be killed:\n{output}")
        playbook.kill(running)
        root.kill()
    unconfigured = root.command("dpkg-query", "-W", "-f", "${db:Status-Status}\n").split()
    assert set(unconfigured) - {"installed", "config-files"}
    assert_done(play(root))
    assert_driven(root)


def test_the_removal_brings_back_debian_s_packages_and_files(driven: Root) -> None:
    with_packages = packages(driven)
    removed = driven.play(playbook="playbooks/remove.yml")
    assert removed.status == 0, removed.output
    assert packages(driven) != with_packages
    fresh = roots.Root(roots.base("bookworm", DEBIAN_KERNEL), [])
    assert packages(driven) == packages(fresh)
    assert not held(driven)
    assert differing(driven, fresh.path) == set()


def preferring_the_open_module(folder: Path) -> str:
    """Debian 13's driver with the module that its rows say does not build, as extra variables."""
    rows = row_files.matrix()["drivers"]
    (row,) = [each for each in rows if each.get("ceilings")]
    row.update(branches={"550": "open"}, ceilings=[])
    path = folder / "open.json"
    path.write_text(json.dumps({"plan_drivers": rows}), encoding="utf-8")
    return f"@{path}"


@weekly("builds all of NVIDIA's modules")
@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_all_modules_of_debian_s_driver_build_for_its_kernel(debian: Debian, suite: str) -> None:
    root = debian(suite)
    assert_done(play(root))
    assert_driven(root)


@weekly("builds Debian 13's open module until it fails")
def test_debian_13_s_open_module_does_not_build_for_its_kernel_and_leaves_the_host_as_it_was(
    debian: Debian, tmp_path: Path
) -> None:
    root = debian("trixie")
    with_packages = packages(root)
    failed = play(root, "-e", preferring_the_open_module(tmp_path))
    assert re.fullmatch(
        rf"driver 550 does not build for kernel {re.escape(kernel(root))} "
        r"\(.*nv-pci\.c:\d+:\d+: error: too few arguments to function .pci_resize_resource.\); "
        r"expected a driver that is made for this kernel; the host is as it was: "
        r"set plan_driver_origin=nvidia for a newer driver, or boot an older kernel, "
        r"then run the same command again",
        failed.failure,
    ), failed.output
    assert packages(root) == with_packages
    assert differing(root, roots.base("trixie", DEBIAN_KERNEL)) == set()
    again = play(root, "--check")
    assert again.status == 0, again.output


def unreachable(root: Root) -> None:
    sources = root.path / "etc/apt/sources.list"
    text = re.sub(r"https?://[^/ ]+", "http://127.0.0.1:9", sources.read_text(encoding="utf-8"))
    sources.write_text(text, encoding="utf-8")


def full_disk(root: Root) -> None:
    archives = root.path / "var/cache/apt/archives"
    subprocess.run(["umount", str(archives)], check=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(archives)]
    subprocess.run(mount, check=True)


def interrupted(root: Root) -> None:
    status = root.path / "var/lib/dpkg/status"
    whole = status.read_text(encoding="utf-8")
    one = r"(Package: libc-bin\n(?:.+\n)*?Status: install ok )installed"
    half = re.sub(one, r"\1unpacked", whole)
    assert half != whole
    status.write_text(half, encoding="utf-8")


# Unreachable sources, archives that do not fit, a dpkg that somebody else has interrupted.
FAULTS = {
    "unreachable": (unreachable, "the host is as it was: fix that"),
    "full disk": (full_disk, "enough free space.*the host is as it was"),
    "interrupted": (
        interrupted,
        (
            "found libc-bin half installed; expected a package manager that has finished its work: "
            "run `dpkg --configure -a`, then the same command again$"
        ),
    ),
}


def test_what_stops_a_run_is_one_line_and_nothing_is_left_of_it(debian: Debian) -> None:
    hosts = {name: debian("bookworm") for name in FAULTS}
    for name, (break_it, _) in FAULTS.items():
        break_it(hosts[name])
    before = {name: state(root) for name, root in hosts.items()}
    for name, failed in play_all(hosts).items():
        assert re.search(FAULTS[name][1], failed.failure), failed.output
        assert_same(hosts[name], before[name])


MOKUTIL = f"""#!/bin/sh
# Stands for mokutil, which needs a machine's own firmware: notes the certificate and the password.
set -e
[ "$1" = --import ]
read -r password
read -r again
[ "$password" = "$again" ]
printf '%s\\n' "$password" >>/srv/passwords
cp "$2" /{VARIABLES}/MokNew-{SHIM}
"""


def test_secure_boot_has_the_key_staged_once_and_goes_on_when_it_is_enrolled(driven: Root) -> None:
    variables = driven.path / VARIABLES
    variables.mkdir(parents=True)
    state = variables / "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    state.write_bytes(b"\6\0\0\0\1")
    mokutil = driven.path / "usr/local/sbin/mokutil"
    mokutil.write_text(MOKUTIL, encoding="utf-8")
    mokutil.chmod(0o755)

    staged = play(driven)
    password = driven.text("srv/passwords").split()
    assert f"type the password {password[0]}," in staged.failure, staged.output
    assert password[0] not in driven.text("etc/grindstone/plan.json")
    waiting = play(driven)
    assert "the password that was shown when it was staged" in waiting.failure, waiting.output
    assert driven.text("srv/passwords").split() == password

    request = variables / f"MokNew-{SHIM}"
    request.rename(variables / f"MokListRT-{SHIM}")  # as MokManager does
    assert_done(play(driven))
