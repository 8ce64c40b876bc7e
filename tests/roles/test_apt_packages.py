"""The module apt_packages with the real apt of Debian 12 and 13."""

from __future__ import annotations

import fcntl
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils.package_manager import LOCKED, holder
from tests.support import module_call
from tests.support.program import to_the_end
from tests.support.roots import Root

SUITES = ("bookworm", "trixie")
DEAD = "http://127.0.0.1:9/debian"


def call(root: Root, **arguments: object) -> dict[str, Any]:
    """Runs the module there, and returns its result."""
    return module_call.call(root, "apt_packages", arguments)


def sources(root: Root) -> list[Path]:
    """The files that name this root's own sources."""
    folder = root.path / "etc/apt"
    return [
        path
        for path in [folder / "sources.list", *folder.glob("sources.list.d/*")]
        if path.is_file()
    ]


@pytest.mark.parametrize("suite", SUITES)
def test_each_lock_and_its_holder_are_known_from_what_apt_says(
    fresh: Callable[[str], Root], suite: str
) -> None:
    root = fresh(suite)
    commands = {
        "var/lib/apt/lists/lock": ["update"],
        "var/lib/dpkg/lock-frontend": ["-y", "install", "hostname"],
        "var/cache/apt/archives/lock": [
            "-y",
            "--download-only",
            "--reinstall",
            "install",
            "hostname",
        ],
    }
    root.command("apt-get", "update")
    for name, words in commands.items():
        with (root.path / name).open("w") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            said = to_the_end(
                ["chroot", str(root.path), "apt-get", "-q", *words],
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
            )
        held = LOCKED.search(said.stderr)
        assert held, said.stderr
        assert re.match(
            rf"process \d+ \(.+\) has held /{name} for more than 5 minutes", holder(held)
        )


@pytest.mark.parametrize("suite", SUITES)
def test_sources_that_are_ill_are_passed_over_or_are_the_cause(
    fresh: Callable[[str], Root], suite: str
) -> None:
    root = fresh(suite)
    (root.path / "srv/unsigned").mkdir()
    (root.path / "srv/unsigned/Packages").touch()
    ill = root.path / "etc/apt/sources.list.d/ill.list"
    ill.write_text(f"deb {DEAD} {suite} main\ndeb file:/srv/unsigned ./\n", encoding="utf-8")
    done = call(root, name=["tree"])
    assert done["changed"], done
    assert f"{DEAD} was passed over: " in done["printed"]
    assert "file:/srv/unsigned" in done["printed"]
    assert root.command("dpkg-query", "-W", "-f", "${db:Status-Status}", "tree") == "installed"
    assert not call(root, name=["tree"])["changed"]
    for state, held in (("held", "tree\n"), ("released", "")):
        assert call(root, name=["tree"], state=state)["changed"]
        assert root.command("apt-mark", "showhold") == held

    for path in sources(root):
        if path != ill:
            path.unlink()
    failed = call(root, name=["hello"])
    assert failed["msg"].startswith("found no package lists at ")
    assert f"{DEAD} (" in failed["msg"]
    assert "Connection refused" in failed["msg"]
    assert "\n" not in failed["msg"]
    assert call(root, name=["tree"], state="absent")["changed"]


def test_lists_that_a_power_cut_has_emptied_are_fetched_again(
    fresh: Callable[[str], Root],
) -> None:
    root = fresh("bookworm")
    root.command("apt-get", "update")
    folder = root.path / "var/lib/apt/lists"
    lists = sorted(folder.glob("*_Packages"))
    assert lists
    for path in lists:
        path.write_bytes(b"")
    (folder / "of_a_medium_Packages").symlink_to("/media/away/Packages")
    assert call(root, name=["tree"])["changed"]
