"""The ledger's own reckoning: who did what to packages, what must stay, files there and back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.module_utils import ledger
from plugins.module_utils.ledger import Needs, Packages
from tests.support.files import lay

NAMES = ["driver", "library", "tool", "kernel", "headers"]


def package(version: str = "1", *provides: str, **marks: bool) -> dict[str, Any]:
    plain = {"manual": True, "hold": False, "residual": False}
    return {"version": version, "provides": list(provides), **plain, **marks}


ENTRIES = st.builds(
    package,
    st.sampled_from(["1", "2"]),
    manual=st.booleans(),
    hold=st.booleans(),
    residual=st.booleans(),
)
HOSTS = st.dictionaries(st.sampled_from(NAMES), ENTRIES)
NEEDS = st.dictionaries(
    st.sampled_from(NAMES),
    st.lists(st.sets(st.sampled_from(NAMES), min_size=1, max_size=2), max_size=3),
)

STATUS = """Package: dpkg
Status: install ok installed
Architecture: amd64
Version: 1.21.22

Package: libcuda1
Status: hold ok installed
Architecture: amd64
Version: 535.261.03-1
Depends: libc6 (>= 2.17), nvidia-alternative (= 535.261.03-1) | cuda:any
Pre-Depends: dpkg
Provides: libcuda-535.261.03-1, libcuda.so.1 (= 535)
Description: a library
 Depends: nothing that this line says

Package: libcuda1
Status: install ok half-installed
Architecture: i386
Version: 535.261.03-1

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1.0
Depends: dpkg

Package: never
Status: unknown ok not-installed
"""
MARKS = """Package: libcuda1
Architecture: amd64
Auto-Installed: 1

Package: dpkg
Architecture: amd64
Auto-Installed: 0
"""
DESC = """%NAME%
nvidia-utils

%VERSION%
590.44-1

%REASON%
1

%DEPENDS%
glibc
egl-wayland>=1.1

%PROVIDES%
opengl-driver
nvidia-libgl=590
"""


def test_dpkg_s_and_apt_s_notes_are_read(tmp_path: Path) -> None:
    lay(tmp_path / "var/lib/dpkg/status", STATUS)
    lay(tmp_path / "var/lib/apt/extended_states", MARKS)
    packages, needs = ledger.look(tmp_path)
    assert packages == {
        "dpkg": package("1.21.22"),
        "libcuda1": package(
            "535.261.03-1", "libcuda-535.261.03-1", "libcuda.so.1", manual=False, hold=True
        ),
        "libcuda1:i386": package("535.261.03-1", "libcuda1"),
        "gone": package("1.0", residual=True),
    }
    assert needs == {
        "dpkg": [],
        "libcuda1": [{"libc6"}, {"nvidia-alternative", "cuda"}, {"dpkg"}],
        "libcuda1:i386": [],
    }


@pytest.mark.parametrize("release", ["ID=arch\n", 'ID=endeavouros\nID_LIKE="arch"\n'])
def test_pacman_s_notes_are_read(tmp_path: Path, release: str) -> None:
    lay(tmp_path / "etc/os-release", release)
    lay(tmp_path / "var/lib/pacman/local/nvidia-utils-590.44-1/desc", DESC)
    packages, needs = ledger.look(tmp_path)
    provides = ("opengl-driver", "nvidia-libgl")
    assert packages == {"nvidia-utils": package("590.44-1", *provides, manual=False)}
    assert needs == {"nvidia-utils": [{"glibc"}, {"egl-wayland"}]}


@pytest.mark.parametrize("release", ["ID=debian\n", "ID=ubuntu\nID_LIKE=debian\n", "ID=archaic\n"])
def test_a_distribution_that_is_not_arch_lives_by_apt(tmp_path: Path, release: str) -> None:
    lay(tmp_path / "usr/lib/os-release", release)
    assert ledger.manager(tmp_path) == "apt"


def test_what_came_went_and_changed_is_told_apart_from_left_configuration() -> None:
    before = {"a": package(), "b": package(), "c": package(), "d": package(residual=True)}
    now = {"a": package("2"), "b": package(residual=True), "c": package(), "d": package()}
    assert ledger.changes(before, now) == {
        "added": ["d"],
        "removed": ["b"],
        "upgraded": [{"name": "a", "before": "1", "after": "2"}],
    }


@given(HOSTS, HOSTS)
def test_where_nobody_else_did_anything_the_host_goes_back_to_what_it_was(
    before: Packages, seen: Packages
) -> None:
    assert ledger.without_others(before, seen, seen) == before


@given(HOSTS, HOSTS)
def test_where_the_role_did_nothing_all_that_others_did_stays(
    before: Packages, now: Packages
) -> None:
    assert ledger.without_others(before, before, now) == now


@given(HOSTS, HOSTS, HOSTS)
def test_nothing_of_the_role_s_own_and_nothing_that_others_removed_is_to_be_there(
    before: Packages, seen: Packages, now: Packages
) -> None:
    based = ledger.without_others(before, seen, now)
    roles = ledger.installed(seen) - ledger.installed(before)
    assert not {name for name in roles & set(now) if name in ledger.installed(based)}
    others_removed = set(seen) - set(now)
    assert not others_removed & set(based)


def test_a_hold_that_a_person_sets_later_survives_the_return_of_the_version() -> None:
    before, seen = {"tool": package("1")}, {"tool": package("2")}
    now = {"tool": package("2", hold=True)}
    assert ledger.without_others(before, seen, now) == {"tool": package("1", hold=True)}


@given(HOSTS, NEEDS, st.sets(st.sampled_from(NAMES)), HOSTS)
def test_no_package_that_stays_misses_what_an_added_one_gives(
    now: Packages, needs: Needs, added: set[str], back: Packages
) -> None:
    added &= ledger.installed(now)
    stay = ledger.still_needed(now, needs, added, back)
    assert stay <= added
    there = (ledger.installed(now) - added) | set(back) | stay
    for name in there:
        for group in needs.get(name, []):
            assert group & there or not group & added


def test_what_nobody_needs_goes_with_all_that_only_it_needed() -> None:
    now = {name: package() for name in ("person", "driver", "library")}
    needs = {"driver": [{"library"}], "person": [{"sh"}]}
    assert ledger.still_needed(now, needs, {"driver", "library"}, {}) == set()
    needs["person"] = [{"driver"}]
    assert ledger.still_needed(now, needs, {"driver", "library"}, {}) == {"driver", "library"}


def test_what_comes_back_takes_the_place_of_what_was_added_for_it() -> None:
    now = {"person": package(), "new": package("1", "gl")}
    needs = {"person": [{"gl"}]}
    assert ledger.still_needed(now, needs, {"new"}, {}) == {"new"}
    assert ledger.still_needed(now, needs, {"new"}, {"old": package("1", "gl")}) == set()


def state(path: Path) -> tuple[Any, ...]:
    if path.is_symlink():
        return (str(path.readlink()),)
    if not path.exists():
        return ()
    status = path.stat()
    return (path.read_bytes(), status.st_mode, status.st_mtime_ns, status.st_uid)


@pytest.mark.parametrize("was", ["nothing", "file", "empty", "link", "nothing, in no folder"])
@pytest.mark.parametrize("now", ["nothing", "file", "link"])
def test_a_file_is_brought_back_from_whatever_it_has_become(
    tmp_path: Path, was: str, now: str
) -> None:
    folder = tmp_path / "etc/apt"
    path = folder / "source"
    if "folder" not in was:
        folder.mkdir(parents=True)
    if was in ("file", "empty"):
        path.write_bytes(b"\xff old\n" if was == "file" else b"")
        path.chmod(0o640)
        os.utime(path, ns=(1, 2_000_000_003))
    elif was == "link":
        path.symlink_to("nowhere")
    before = state(path)
    entry = ledger.file_entry(path)
    assert ledger.same(entry, path)

    path.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    if now == "file":
        path.write_text("new\n", encoding="utf-8")
    elif now == "link":
        path.symlink_to("elsewhere")
    assert ledger.same(entry, path) == (was.startswith("nothing") and now == "nothing")
    ledger.bring_back(entry, path)
    assert state(path) == before
    assert folder.exists() == ("folder" not in was)


def test_a_folder_that_somebody_has_used_since_stays(tmp_path: Path) -> None:
    path = tmp_path / "new/ours"
    entry = ledger.file_entry(path)
    path.parent.mkdir()
    path.touch()
    (path.parent / "theirs").touch()
    ledger.bring_back(entry, path)
    assert [each.name for each in path.parent.iterdir()] == ["theirs"]


def test_a_folder_is_no_file_and_is_refused_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no file, and a ledger keeps files"):
        ledger.file_entry(tmp_path)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.json"
    path.write_text("old", encoding="utf-8")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        ledger.write(path, b"new", 0o600)
    assert [each.name for each in tmp_path.iterdir()] == ["ledger.json"]
    assert path.read_text(encoding="utf-8") == "old"
