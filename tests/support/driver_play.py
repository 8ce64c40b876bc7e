"""Plan and driver against a root, without TensorFlow; see driver.yml.

Nothing can be loaded in a root, so a run that went well ends in «takes a reboot».
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.roots import PlayResult, Root, Tree, changed

RTX_4090, GTX_1080_TI = "0x2684", "0x1b06"
_PLAYBOOK = "tests/roles/driver.yml"
# What a run leaves for its own sake, and what package managers, ldconfig and mock packages write.
_NOTED = (
    *("etc/grindstone", "var/lib/grindstone", "var/cache", "var/log", "tmp", "srv"),
    *("var/lib/apt", "var/lib/dpkg", "var/lib/pacman", "boot/initr", "etc/ld.so.cache"),
)


def play(root: Root, *arguments: str, **variables: str) -> PlayResult:
    """A run to its end, which reboots nothing."""
    return root.play(*arguments, playbook=_PLAYBOOK, plan_reboot="false", **variables)


def start(root: Root) -> subprocess.Popen[str]:
    """A run that is to be killed."""
    return root.start(playbook=_PLAYBOOK, plan_reboot="false")


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
    assert_same(root, ([], before), [])


def assert_same(root: Root, before: tuple[list[str], Tree], now: list[str]) -> None:
    """Packages, which are `now`, and files are what they were."""
    assert now == before[0], sorted(set(now) ^ set(before[0]))
    assert changed(before[1], files(root)) == {}


def files(root: Root) -> Tree:
    """The root's files, without those that only note that something was run."""
    return {
        name: entry
        for name, entry in root.tree().items()
        if not name.startswith(_NOTED) and not Path(root.path / name).is_dir()
    }
