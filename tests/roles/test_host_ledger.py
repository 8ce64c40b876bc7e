"""What the ledger brings back: real apt and dpkg in a Debian 12."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import module_call
from tests.support.mock_packages import Package, deb
from tests.support.roots import Root

LEDGER = "var/lib/grindstone"


def call(root: Root, state: str, *files: str, check: bool = False) -> dict[str, Any]:
    """Runs the module there, and returns its result; a failure has its `msg`."""
    arguments: dict[str, object] = {"name": "driver", "state": state, "files": files}
    return module_call.call(root, "host_ledger", arguments, *(["--check"] if check else []))


def packages(root: Root) -> list[str]:
    """Every package with its version and state, residual ones too, and every mark."""
    listed = root.command("dpkg-query", "-W", "-f", "${Package} ${Version} ${Status}\n")
    marks = [f"{what} {root.command('apt-mark', what)}" for what in ("showmanual", "showhold")]
    return [*listed.splitlines(), *marks]


def install(root: Root, *made: Package) -> None:
    """Lets dpkg install packages that are made here; whether that goes well is theirs to say."""
    pool = root.path / "srv"
    shutil.rmtree(pool)
    pool.mkdir()
    for package in made:
        deb(package, pool)
    names = [f"/srv/{path.name}" for path in sorted(pool.glob("**/*.deb"))]
    assert len(names) == len(made)
    subprocess.run(["chroot", str(root.path), "dpkg", "--install", *names], check=False)


@pytest.fixture
def debian(fresh: Callable[[str], Root]) -> Root:
    """A fresh Debian 12."""
    return fresh("bookworm")


def test_after_undoing_packages_marks_holds_and_files_are_as_they_were(debian: Root) -> None:
    debian.command("apt-get", "update")
    debian.command("apt-get", "install", "-y", "tree")
    debian.command("apt-mark", "auto", "tree")
    before, tree = packages(debian), debian.tree()
    edited, made = "/etc/deluser.conf", "/etc/made/for/it.conf"
    assert call(debian, "open", edited, made)["was"] == "absent"
    assert (debian.path / LEDGER / "ledger/driver.json").stat().st_mode & 0o777 == 0o600

    debian.command("apt-get", "install", "-y", "jq", "tree-")
    debian.command("apt-mark", "hold", "jq", "ca-certificates")
    (debian.path / edited[1:]).write_text("something else\n", encoding="utf-8")
    (debian.path / made[1:]).parent.mkdir(parents=True)
    (debian.path / made[1:]).write_text("new\n", encoding="utf-8")
    closed = call(debian, "closed")
    assert {"jq", "libjq1"} <= set(closed["added"])
    assert closed["removed"] == ["tree"]
    assert not call(debian, "closed")["changed"]

    assert call(debian, "undone", check=True)["restored"] == ["tree", edited, made]
    undone = call(debian, "undone")
    assert (undone["removed"], undone["kept"]) == (closed["added"], [])
    assert packages(debian) == before
    after = debian.tree()
    assert after["etc/deluser.conf"] == tree["etc/deluser.conf"]
    assert {name for name in set(after) ^ set(tree) if not name.startswith("var/")} == set()
    assert not (debian.path / LEDGER).exists()
    assert not call(debian, "undone")["changed"]


def test_a_package_whose_installation_fails_is_rolled_back(debian: Root) -> None:
    before = packages(debian)
    call(debian, "open")
    fails = "#!/bin/sh\necho 'Bad return status for module build' >&2; exit 10\n"
    install(
        debian,
        Package("module-dkms", "1.0", scripts={"postinst": fails, "prerm": fails}),
        Package("driver", "1.0", {"Depends": ["module-dkms"]}, {"etc/driver.conf": "a = b\n"}),
    )
    assert "module-dkms 1.0 install ok half-configured" in packages(debian)
    assert call(debian, "undone")["removed"] == ["driver", "module-dkms"]
    assert packages(debian) == before
    assert not (debian.path / "etc/driver.conf").exists()


def test_what_a_package_of_the_user_s_needs_is_kept_with_what_that_needs(debian: Root) -> None:
    call(debian, "open")
    install(
        debian,
        Package("library", "1.0", {"Provides": ["libdriver1"]}),
        Package("daemon", "1.0", {"Depends": ["library"]}),
        Package("settings", "1.0", {"Depends": ["library"]}),
    )
    call(debian, "closed")
    install(debian, Package("theirs", "1.0", {"Depends": ["libdriver1"]}))
    undone = call(debian, "undone")
    assert (undone["removed"], undone["kept"]) == (["daemon", "settings"], ["library"])
    debian.command("dpkg", "--verify", "theirs", "library")


def test_a_version_that_is_not_to_be_had_any_more_is_named_and_the_newer_one_stays(
    debian: Root,
) -> None:
    install(debian, Package("driver", "1.0"))
    call(debian, "open")
    install(debian, Package("driver", "2.0"))
    closed = call(debian, "closed")
    assert closed["upgraded"] == [{"name": "driver", "before": "1.0", "after": "2.0"}]
    assert call(debian, "undone")["not_restored"] == ["driver"]
    assert debian.command("dpkg-query", "-W", "driver") == "driver\t2.0\n"


def test_an_old_version_that_apt_has_kept_is_brought_back(debian: Root) -> None:
    install(debian, Package("driver", "1.0"))
    kept = next((debian.path / "srv").glob("**/*.deb"))
    archive = debian.path / "var/cache/apt/archives"
    shutil.copy(kept, archive / f"driver_1.0_{kept.stem.split('_')[-1]}.deb")
    call(debian, "open")
    install(debian, Package("driver", "2.0"))
    call(debian, "closed")
    assert call(debian, "undone")["restored"] == ["driver"]
    assert debian.command("dpkg-query", "-W", "driver") == "driver\t1.0\n"


def test_a_ledger_is_closed_only_where_it_was_opened(debian: Root) -> None:
    assert call(debian, "closed")["msg"].endswith("open it before the host is changed")
    assert call(debian, "open", "/etc")["msg"].startswith("ledger driver: /etc is no file")
    assert not (debian.path / LEDGER).exists()


def test_check_mode_says_what_it_would_do_and_writes_nothing(debian: Root) -> None:
    assert call(debian, "open", "/etc/deluser.conf", check=True)["changed"]
    assert not (Path(debian.path) / LEDGER).exists()
    call(debian, "open")
    install(debian, Package("driver", "1.0"))
    before = packages(debian)
    assert call(debian, "undone", check=True)["removed"] == ["driver"]
    assert packages(debian) == before
