"""Packages by apt where others hold its locks, and where sources or the clock are ill.

apt-get is a script that says what the real one says.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from plugins.module_utils import apt_sources, package_manager
from plugins.modules import apt_packages as module
from tests.support.program import script

UNREACHABLE = (
    "W: Failed to fetch http://a.example/debian/dists/bookworm/InRelease  "
    "Could not connect to a.example:80 (192.0.2.1). - connect (111: Connection refused)\n"
    "W: Some index files failed to download. They have been ignored, or old ones used instead.\n"
)
ONLY_THE_WORST_IN_THE_END = (
    "Err:1 http://a.example/debian bookworm InRelease\n"
    "  Could not connect to a.example:80 (192.0.2.1). - connect (111: Connection refused)\n"
    "Reading package lists...\n"
    "E: The repository 'file:/srv/unsigned ./ Release' does not have a Release file.\n"
)
UNSIGNED = (
    "W: GPG error: http://b.example/apt stable InRelease: The following signatures couldn't be "
    "verified because the public key is not available: NO_PUBKEY 0123456789ABCDEF\n"
    "E: The repository 'http://b.example/apt stable InRelease' is not signed.\n"
)
UNSIGNED_BY_APT_3 = (
    "Warning: OpenPGP signature verification failed: http://b.example/apt stable InRelease: "
    "Sub-process /usr/bin/sqv returned an error code (1), error message is: Missing key 0123\n"
    "Error: The repository 'http://b.example/apt stable InRelease' is not signed.\n"
)
NO_NAMES = (
    "W: Failed to fetch http://a.example/debian/dists/bookworm/InRelease  "
    "Temporary failure resolving 'a.example'\n"
)
NOT_YET = (
    "E: Release file for http://a.example/debian/dists/bookworm-updates/InRelease is not valid "
    "yet (invalid for another 3652d 3h 1min 4s). Updates for this repository will not be applied.\n"
)
LACKS = "E: Unable to locate package python3-venv\n"
LOCKS = [
    (
        "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 42 (apt-get)\n"
        "E: Unable to lock directory /var/lib/apt/lists/\n"
    ),
    "E: Could not get lock /var/cache/apt/archives/lock. It is held by process 42 (apt-get)\n",
    (
        "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 42 (apt-get)\n"
        "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another "
        "process using it?\n"
    ),
]


class FailedError(Exception):
    """What `fail_json` has ended the module with."""


class Module:
    """As much of AnsibleModule as an installation takes."""

    def __init__(self) -> None:
        self.params: dict[str, Any] = {"recommends": False, "held": False}
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def fail_json(self, msg: str) -> NoReturn:
        raise FailedError(msg)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> package_manager.Apt:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(package_manager, "PAUSE", 0)
    monkeypatch.setattr(apt_sources, "LISTS", tmp_path)
    return package_manager.Apt("")


def apt_get(folder: Path, update: str = "", install: str = "", unlocks: str = "false") -> None:
    """An `apt-get` that says so; what it says of a lock only until `unlocks` is true."""
    for name, text in (("update", update), ("install", install)):
        (folder / name).write_text(text, encoding="utf-8")
    program = f"""#!/bin/sh
        cd {folder}
        echo "$*" >>called
        case "$*" in *update) said=update;; *) said=install;; esac
        if grep -q 'get lock' $said && {unlocks}; then exit 0; fi
        cat $said
        ! grep -q '^E' $said"""
    script(folder / "apt-get", program)


def failure(host: package_manager.Apt) -> str:
    with pytest.raises(FailedError) as caught:
        module.install(Module(), host, ["python3-venv"])
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("held", LOCKS)
@pytest.mark.parametrize("where", ["update", "install"])
def test_a_lock_that_another_program_holds_is_waited_for(
    host: package_manager.Apt, tmp_path: Path, held: str, where: str
) -> None:
    apt_get(tmp_path, **{where: held}, unlocks="[ $(grep -c . called) -gt 3 ]")
    module.install(Module(), host, ["python3-venv"])
    calls = (tmp_path / "called").read_text(encoding="utf-8").splitlines()
    assert len(calls) >= 4
    assert calls[-1].endswith("install python3-venv")


@pytest.mark.parametrize("held", LOCKS)
@pytest.mark.parametrize("where", ["update", "install"])
def test_who_holds_a_lock_for_too_long_is_named_in_one_line(
    host: package_manager.Apt,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    held: str,
    where: str,
) -> None:
    monkeypatch.setattr(package_manager, "WAIT", -1)
    apt_get(tmp_path, **{where: held})
    said = failure(host)
    assert said.startswith("process 42 (apt-get) has held /var/")
    assert "lock" in said
    assert said.endswith("let that end, then run the same command again")


def test_dpkg_s_own_word_for_a_lock_is_known_and_a_holder_out_of_sight_is_called_so() -> None:
    of_dpkg = "dpkg: error: dpkg frontend lock was locked by another process with pid 42\n"
    held = package_manager.LOCKED.search(of_dpkg)
    assert held
    assert package_manager.holder(held).startswith("process 42 has held dpkg frontend lock ")
    elsewhere = LOCKS[1].replace("42 (apt-get)", "0 (unknown)")
    held = package_manager.LOCKED.search(elsewhere)
    assert held
    assert package_manager.holder(held).startswith("a process out of sight has held /var/cache/")


@pytest.mark.parametrize("update", [UNREACHABLE, UNSIGNED, UNSIGNED_BY_APT_3])
def test_a_source_that_is_not_needed_is_passed_over_with_a_warning(
    host: package_manager.Apt, tmp_path: Path, update: str
) -> None:
    apt_get(tmp_path, update=update)
    told = Module()
    module.install(told, host, ["python3-venv"])
    assert len(told.warnings) == 1
    assert "example/" in told.warnings[0]
    assert " was passed over: " in told.warnings[0]


@pytest.mark.parametrize(
    ("update", "where", "why"),
    [
        (UNREACHABLE, "http://a.example/debian (", "Connection refused"),
        (UNSIGNED, "http://b.example/apt (", "NO_PUBKEY 0123456789ABCDEF"),
        (UNSIGNED_BY_APT_3, "http://b.example/apt (", "Missing key 0123"),
        (NO_NAMES, "http://a.example/debian (Temporary failure resolving", "is DNS set up"),
    ],
)
def test_the_source_and_its_cause_are_named_where_the_packages_are_missed(
    host: package_manager.Apt, tmp_path: Path, update: str, where: str, why: str
) -> None:
    apt_get(tmp_path, update=update, install=LACKS)
    said = failure(host)
    assert said.startswith(f"found no package lists at {where}")
    assert why in said
    assert said.endswith("expected sources that answer and are signed, for python3-venv")


def test_a_package_that_a_source_has_lost_is_named_and_not_another_source(
    host: package_manager.Apt, tmp_path: Path
) -> None:
    lost = "http://a.example/debian/pool/v/venv_1_all.deb"
    missed = (
        "Err:1 http://a.example/debian bookworm/main all venv all 1\n  404  Not Found\n"
        f"E: Failed to fetch {lost}  404  Not Found [IP: 192.0.2.1 80]\n"
    )
    apt_get(tmp_path, update=UNSIGNED, install=missed)
    assert failure(host).startswith(f"found no package at {lost} (404  Not Found); expect")
    apt_get(tmp_path, update=UNREACHABLE, install=missed)
    assert failure(host).startswith("found no package lists at http://a.example/debian (Could not")


def test_what_else_apt_says_is_the_cause_with_what_does_not_fit(
    host: package_manager.Apt, tmp_path: Path
) -> None:
    unmet = (
        "The following packages have unmet dependencies:\n"
        " nvidia-driver : Depends: nvidia-kernel (= 1) but it is not\n going to be installed\n"
        "E: Unable to correct problems, you have held broken packages.\n"
    )
    apt_get(tmp_path, install=unmet)
    assert failure(host) == (
        "python3-venv could not be installed (Unable to correct problems, you have held broken "
        "packages; nvidia-driver : Depends: nvidia-kernel (= 1) but it is not)"
    )


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a source whose server has the right time."""

    class Source(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Source) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}/debian"
        serving.shutdown()
        thread.join()


@pytest.mark.parametrize("years", [-10, 10])
def test_a_clock_that_is_ten_years_off_is_told_by_the_source_s_server(
    server: str, monkeypatch: pytest.MonkeyPatch, years: int
) -> None:
    right = time.time()
    said = NOT_YET.replace("http://a.example/debian", server)
    found = apt_sources.problems(said)
    assert apt_sources.wrong_clock(said, found, "") == ""
    wrong = SimpleNamespace(**vars(time) | {"time": lambda: right + years * 365 * 86400})
    monkeypatch.setattr(apt_sources, "time", wrong)  # of the module alone, not of the server
    told = apt_sources.wrong_clock(said, found, "")
    there = time.strftime("%Y-%m-%d", time.gmtime(right))
    assert f"on this host's clock, where the package sources have {there}; expected" in told


def test_a_clock_that_is_behind_is_told_by_the_lists_where_no_server_answers(
    host: package_manager.Apt, tmp_path: Path
) -> None:
    later = time.time() + 10 * 365 * 86400
    date = formatdate(later).replace("-0000", "UTC")
    (tmp_path / "a.example_InRelease").write_text(f"Suite: x\nDate: {date}\n", encoding="utf-8")
    apt_get(tmp_path, update=NOT_YET.replace("http:", "file:"), install=LACKS)
    assert "on this host's clock, where the package sources have " in failure(host)


def test_a_source_that_apt_does_not_name_in_the_end_is_found_among_what_it_fetched() -> None:
    assert [each.url for each in apt_sources.problems(ONLY_THE_WORST_IN_THE_END)] == [
        "file:/srv/unsigned",
        "http://a.example/debian",
    ]


def test_only_what_is_not_there_or_in_another_version_is_missing() -> None:
    each = {"manual": True, "hold": False, "residual": False, "provides": []}
    there = {
        "a": {**each, "version": "1.2-3", "provides": ["virtual"]},
        "left": {**each, "version": "1", "residual": True},
    }
    names = ["a", "a=1.2-3", "a=1.2*", "a=1.3*", "virtual", "left", "b", "virtual=1"]
    assert module.missing(names, there) == ["a=1.3*", "left", "b", "virtual=1"]


def test_only_what_is_not_so_yet_is_removed_held_or_released() -> None:
    each = {"version": "1", "manual": True, "residual": False, "provides": []}
    there = {"free": {**each, "hold": False}, "held": {**each, "hold": True}}
    names = ["free", "held", "gone"]
    found = {state: module.concerned(state, names, there) for state in module.STATES}
    assert found == {
        "present": ["gone"],
        "absent": ["free", "held"],
        "held": ["free"],
        "released": ["held"],
    }
