"""A pin of apt's preferences lets a driver in where apt itself does, and is read as apt does."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import host_sources
from plugins.plugin_utils.gpu_stack.options import Options
from tests.support import archives, resolver
from tests.unit import hosts
from tests.unit.plans import recorded

NAMES = [
    "nvidia-headless-no-dkms-580-server-open",
    "nvidia-utils-580-server",
    "linux-modules-nvidia-580-server-open-generic",
]
RELEASE = "Origin: Ubuntu\nLabel: Ubuntu\nSuite: noble-updates\nCodename: noble\nVersion: 24.04\n"
NEVER = -1
Said = tuple[str, str, int]  # packages, pin, priority

# Each alone keeps the driver out, or lets it in.
OUT: list[Said] = [
    ("nvidia-*", "release *", NEVER),
    ("*nvidia*:any", "release o=Ubuntu", NEVER),
    ("nvidia-utils-580-server", "release l=Ubuntu, n=noble", NEVER),
    ("libnvidia-compute-*", "version 580.*", NEVER),
    ("nvidia-kernel-common-580-server", "release a=noble-updates", NEVER),
    ("curl /^nvidia-utils/", "version *", NEVER),
    ("*", "release o=Ubuntu", NEVER),
]
IN: list[Said] = [
    ("nvidia-*", "version 595.*", NEVER),
    ("*nvidia*", "version 59*.*", NEVER),
    ("*nvidia*", "version 550.*", 1001),
    ("nvidia-*", "version 580.0.1-*", NEVER),
    ("nvidia-*", "release o=NVIDIA", NEVER),
    ("*nvidia*", "release n=jammy", NEVER),
    ("*nvidia*", "release a=noble", NEVER),  # the release itself has no such driver
    ("nvidia-driver-*", "release *", NEVER),
    ("*nvidia*", "origin developer.download.nvidia.com", NEVER),
    ("nvidia-*:i386", "release *", NEVER),
    ("/nvidia$/", "release *", NEVER),
    ("*", "release n=jammy", NEVER),
    ("nvidia-*", "release *", 100),
]
LETS_IN: Said = ("nvidia-* libnvidia-* linux-*", "release o=Ubuntu", 500)


def outcome(said: Sequence[Said], of_archives: Sequence[dict[str, str]] = ()) -> str:
    """The refusal of a host with those pins and archives, "" for a plan."""
    found = recorded.system("ubuntu-24.04") | {"gpus": [recorded.gpu("RTX 4090", 0)]}
    keys = ("packages", "pin", "priority")
    pins = [
        {"file": "/etc/apt/preferences.d/x", **dict(zip(keys, each, strict=True))} for each in said
    ]
    packages = {"pins": pins, "archives": list(of_archives)}
    came = recorded.outcome(recorded.Recorded("", found | {"packages": packages}, Options()))
    if isinstance(came, str):
        return came
    assert recorded.summary(came)["packages"].split() == NAMES
    return ""


def written(said: Sequence[Said]) -> str:
    return "\n".join(f"Package: {p}\nPin: {pin}\nPin-Priority: {n}\n" for p, pin, n in said)


class Here(resolver.Apt):
    """Ubuntu's archive, whose Release file says that it is."""

    def prefer(self, said: Sequence[Said]) -> None:
        """Writes the pins."""
        offered = self.folder / "offered"
        packages = (offered / "Packages").read_bytes()
        sums = f"SHA256:\n {hashlib.sha256(packages).hexdigest()} {len(packages)} Packages\n"
        date = "Date: Fri, 27 Nov 2026 00:00:00 UTC\n"
        (offered / "Release").write_text(RELEASE + date + sums, encoding="utf-8")
        text = written(said)
        (self.folder / "etc/apt/preferences.d/x").write_text(text, encoding="utf-8")
        self._run("update").check_returncode()


@pytest.mark.parametrize("said", [*OUT, *IN], ids=lambda each: f"{each[0]} {each[1]}")
def test_a_pin_keeps_out_what_apt_keeps_out(said: Said, tmp_path: Path) -> None:
    assert bool(outcome([said])) == (said in OUT)
    if reason := resolver.missing("apt-get"):
        pytest.skip(reason)
    here = Here(tmp_path, archives.ubuntu("24.04", []))
    here.prefer([said])
    assert bool(here.refuses(NAMES)) == (said in OUT)


# What the sources say, a pin, and whether it keeps the driver out.
MIRRORED = {"noble": "mirror.example.org", "noble-updates": "mirror.example.org"}
SECURITY = {"noble-security": "security.ubuntu.com"}
OF_ARCHIVES: list[tuple[dict[str, str], Said, bool]] = [
    ({}, ("nvidia-*", "origin archive.ubuntu.com", NEVER), True),
    ({}, ("*", "origin archive.ubuntu.com", NEVER), True),
    ({}, ("nvidia-*", "origin security.ubuntu.com", NEVER), False),  # the updates have it too
    ({}, ("nvidia-*", "origin ppa.ubuntu.com", NEVER), False),
    (MIRRORED | SECURITY, ("nvidia-*", 'origin "mirror.example.org"', NEVER), True),
    (MIRRORED | SECURITY, ("nvidia-*", "origin archive.ubuntu.com", NEVER), False),
    (MIRRORED, ("*", "origin *.example.org", NEVER), True),
    ({}, ("nvidia-*", "release a=noble-updates", NEVER), True),
    ({}, ("*", "release a=noble-updates", NEVER), False),  # all of it is of the security archive
    (MIRRORED, ("*", "release a=noble-updates", NEVER), True),
    (SECURITY, ("*", "release a=noble-updates", NEVER), False),
    ({}, ("*", "release n=noble", NEVER), True),
]


@pytest.mark.parametrize(("archives_of", "said", "out"), OF_ARCHIVES)
def test_a_pin_is_of_the_archives_that_the_host_takes_packages_from(
    archives_of: dict[str, str], said: Said, out: bool
) -> None:
    told = [{"suite": suite, "host": host} for suite, host in archives_of.items()]
    assert bool(outcome([said], told)) == out


def test_two_pins_keep_out_what_each_alone_lets_in() -> None:
    of_both = [("*", f"release a=noble-{each}", NEVER) for each in ("updates", "security")]
    assert outcome(of_both)
    assert not outcome(of_both[:1])
    assert not outcome(of_both[1:])


@pytest.mark.parametrize("said", OUT, ids=lambda each: f"{each[0]} {each[1]}")
def test_of_several_pins_the_first_that_fits_counts(said: Said, tmp_path: Path) -> None:
    first, last = [LETS_IN, said], [said, LETS_IN]
    assert not outcome(first)
    assert bool(outcome(last)) == (said[0] != "*")  # one of all packages comes last
    if reason := resolver.missing("apt-get"):
        pytest.skip(reason)
    for number, order in enumerate((first, last)):
        here = Here(tmp_path / str(number), archives.ubuntu("24.04", []))
        here.prefer(order)
        assert bool(here.refuses(NAMES)) == bool(outcome(order))


def test_a_refusal_is_one_line_that_names_the_file() -> None:
    line = outcome([OUT[0]])
    assert line.count("\n") == 0
    assert (
        "found /etc/apt/preferences.d/x, which keeps Ubuntu 24.04's nvidia-headless-no-dkms" in line
    )


def pins(root: Path, files: dict[str, str]) -> list[dict[str, Any]]:
    return host_sources.pins(hosts.write(root, files))


def test_pins_are_read_in_apt_s_order_from_the_files_that_apt_reads(tmp_path: Path) -> None:
    each = {
        "preferences": "/etc/apt/preferences",
        "preferences.d/10-a": "/etc/apt/preferences.d/10-a",
        "preferences.d/b.pref": "/etc/apt/preferences.d/b.pref",
        "preferences.d/c.bak": "",
        "preferences.d/d~": "",
        "preferences.d/grindstone-nvidia": "",
    }
    files = {f"etc/apt/{name}": written([("a", "release *", NEVER)]) for name in each}
    assert [pin["file"] for pin in pins(tmp_path, files)] == [
        name for name in each.values() if name
    ]


def test_a_stanza_is_read_as_apt_reads_it(tmp_path: Path) -> None:
    said = (
        "# a comment\nExplanation: of mine\nPackage: nvidia-*\n  libnvidia-*\n#Pin: release *\n"
        "pin: version 580.*\nPin-Priority: 1001\n \nPackage: a\nPin: release *\n\n"
        "Package: b\nPin: release *\nPin-Priority: many\n"
    )
    assert pins(tmp_path, {"etc/apt/preferences": said}) == [
        {
            "file": "/etc/apt/preferences",
            "packages": "nvidia-* libnvidia-*",
            "pin": "version 580.*",
            "priority": 1001,
        }
    ]


def test_what_is_said_of_an_archive_without_drivers_is_not_told(tmp_path: Path) -> None:
    private = ["origin packages.example.org", "release o=Example", "release n=noble,l=Example"]
    public = ["origin developer.download.nvidia.com", "release o=Ubuntu", "release l=NVIDIA CUDA"]
    said = written([("*", pin, NEVER) for pin in [*private, *public]])
    found = pins(tmp_path, {"etc/apt/preferences": said})
    assert [pin["pin"] for pin in found] == public


SOURCES = {
    "etc/apt/sources.list": "deb http://mirror.example.org/ubuntu noble main restricted\n",
    "etc/apt/sources.list.d/ubuntu.sources": (
        "Types: deb\nURIs: http://security.ubuntu.com/ubuntu/\nSuites: noble-security\n"
        "Components: main restricted\n\nTypes: deb\nURIs: http://free.example.org/\n"
        "Suites: noble-updates\nComponents: main universe\n"
    ),
}


def test_a_mirror_is_told_where_a_pin_is_of_it_and_its_pin_with_it(tmp_path: Path) -> None:
    security = {"suite": "noble-security", "host": "security.ubuntu.com"}
    unnamed = host_sources.archives(hosts.write(tmp_path / "a", SOURCES))
    assert unnamed == [{"suite": "noble", "host": ""}, security]
    pin = {"etc/apt/preferences": written([("*", 'origin "mirror.example.org"', NEVER)])}
    named = hosts.write(tmp_path / "b", SOURCES | pin)
    assert host_sources.archives(named) == [
        {"suite": "noble", "host": "mirror.example.org"},
        security,
    ]
    assert [each["pin"] for each in host_sources.pins(named)] == ['origin "mirror.example.org"']
