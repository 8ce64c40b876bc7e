"""Plan and driver against one root or many, without TensorFlow; see tests/roles/driver.yml.

Nothing can be loaded in a root, so a run that went well ends in «takes a reboot».
"""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support import mock_gpu, playbook, roots
from tests.support.playbook import PlayResult
from tests.support.roots import Root, Tree, changed

RTX_4090, GTX_1080_TI, TESLA_T4 = "0x2684", "0x1b06", "0x1eb8"
DEBIAN_KERNEL = "linux-image-amd64"
_PLAYBOOK, _REMOVAL = "tests/roles/driver.yml", "playbooks/remove.yml"
# What a run leaves for its own sake, and what package managers, ldconfig and mock packages write.
_NOTED = (
    *("etc/grindstone", "var/lib/grindstone", "var/cache", "var/log", "tmp", "srv"),
    *("var/lib/apt", "var/lib/dpkg", "var/lib/pacman", "boot/initr", "etc/ld.so.cache"),
)
Variables = Mapping[str, Mapping[str, object]]


def start_all(
    hosts: Mapping[str, Root],
    *arguments: str,
    variables: Variables | None = None,
    book: str = _PLAYBOOK,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[str]:
    """Starts one run against many roots; `variables` are those of a host by its name."""
    given = {
        name: playbook.in_root(
            root.path, {"plan_reboot": "false", **(variables or {}).get(name, {})}
        )
        for name, root in hosts.items()
    }
    inventory = next(iter(hosts.values())).path.with_suffix(".json")
    return playbook.start(given, inventory, book, *arguments, **(env or {}))


def play_all(
    hosts: Mapping[str, Root], *arguments: str, variables: Variables | None = None
) -> dict[str, PlayResult]:
    """One run against many roots to its end: what it came to for each."""
    done = playbook.finish(start_all(hosts, *arguments, variables=variables))
    return {name: PlayResult(done.status, done.output, name) for name in hosts}


def remove_all(hosts: Mapping[str, Root]) -> None:
    """Removes what was installed in many roots."""
    removed = playbook.finish(start_all(hosts, book=_REMOVAL))
    assert removed.status == 0, removed.output


def play(root: Root, *arguments: str, **variables: object) -> PlayResult:
    """A run to its end, which reboots nothing."""
    return play_all({"root": root}, *arguments, variables={"root": variables})["root"]


def start(root: Root) -> subprocess.Popen[str]:
    """A run that is to be killed."""
    return start_all({"root": root})


def assert_done(played: PlayResult) -> None:
    """The driver is there, as far as it can be in a root."""
    done = "the driver is installed, and takes a reboot to be loaded"
    assert played.failure.startswith(done), played.output


def assert_nothing_left_to_do(root: Root) -> None:
    """One more run changes nothing."""
    before = files(root)
    again = play(root)
    assert_done(again)
    assert again.recap["changed"] == 0, again.output
    assert changed(before, files(root)) == {}


def assert_same(root: Root, before: tuple[list[str], Tree]) -> None:
    """Packages and files are what they were."""
    now = packages(root)
    assert now == before[0], sorted(set(now) ^ set(before[0]))
    assert changed(before[1], files(root)) == {}


def files(root: Root) -> Tree:
    """The root's files, without those that only note that something was run."""
    return {
        name: entry
        for name, entry in root.tree().items()
        if not name.startswith(_NOTED) and not stat.S_ISDIR(entry[0])
    }


def state(root: Root) -> tuple[list[str], Tree]:
    """Packages and files, for `assert_same`."""
    return packages(root), files(root)


def packages(root: Root) -> list[str]:
    """The packages with their versions and states, and those that were asked for."""
    if (root.path / "etc/arch-release").exists():
        return [
            f"{line}"
            for flag in ("-Q", "-Qe")
            for line in root.command("pacman", flag).splitlines()
        ]
    said = root.command("dpkg-query", "-W", "-f", "${Package} ${Version} ${Status}\n")
    marks = [f"{name} auto" for name in root.command("apt-mark", "showauto").split()]
    return sorted(said.splitlines()) + sorted(marks)


def names(root: Root) -> set[str]:
    """What is installed and configured."""
    arch = (root.path / "etc/arch-release").exists()
    return {line.split()[0] for line in packages(root) if arch or line.endswith(" ok installed")}


def held(root: Root) -> set[str]:
    """What an upgrade leaves as it is."""
    if not (root.path / "etc/arch-release").exists():
        return set(root.command("apt-mark", "showhold").split())
    configuration = root.path / "etc/pacman.d/grindstone.conf"
    lines = configuration.read_text(encoding="utf-8").splitlines() if configuration.exists() else []
    lists = [line.split("=")[1].split() for line in lines if line.startswith("Ignore")]
    return {name for each in lists for name in each}


def modules(root: Root) -> dict[str, str]:
    """The version and licence of each kernel's NVIDIA module, as modinfo reads them."""
    found = {}
    for path in sorted((root.path / "usr/lib/modules").glob("*/**/nvidia.ko*")):
        inside = path.relative_to(root.path)
        told = [
            root.command("modinfo", "-F", what, f"/{inside}") for what in ("version", "license")
        ]
        found[inside.parts[3]] = " ".join(each.strip() for each in told)
    return found


@contextmanager
def debian_with_gpu(layers: list[Path], folder: Path) -> Iterator[Root]:
    """A Debian with the real packages, and a Tesla T4."""
    with roots.root_on(layers, folder) as root, root.sharing_packages():
        if not (root.path / "sys/bus").exists():
            mock_gpu.give_gpu(root, TESLA_T4)
        yield root
