"""What the role nvidia_driver says where it fails; the components it adds to sources."""

from __future__ import annotations

from typing import Any

from plugins.filter.nvidia_driver import driver_failure, missing_components

PLAN = {"branch": "550", "origin": "distribution"}
FOUND = {"kernels": {"next": "6.12.57"}, "distribution": {"id": "debian"}}
WAS: dict[str, Any] = {"not_restored": [], "kept": []}
AGAIN = "then run the same command again"


def said(result: dict[str, Any], undone: dict[str, Any] = WAS) -> str:
    return driver_failure(result, [], PLAN, FOUND, undone)


def build(**plan: str) -> str:
    failed = {"kernel": "", "error": "nv-pci.c:12:3: error: too few arguments"}
    return driver_failure({}, [failed], {**PLAN, **plan}, FOUND, WAS)


def test_a_module_that_does_not_build_has_the_compiler_s_error_and_the_other_origin() -> None:
    assert build() == (
        "driver 550 does not build for kernel 6.12.57 (nv-pci.c:12:3: error: too few arguments); "
        "expected a driver that is made for this kernel; the host is as it was: set "
        f"plan_driver_origin=nvidia for a newer driver, or boot an older kernel, {AGAIN}"
    )
    assert "plan_driver_origin" not in build(origin="nvidia")


def test_what_could_not_be_taken_back_is_said_in_place_of_that_it_was() -> None:
    line = said({"msg": "It went wrong."}, {"not_restored": ["tool"], "kept": ["library"]})
    assert line == (
        "It went wrong; tool could not be restored; library stays, others need it: "
        f"fix that, {AGAIN}"
    )


def test_lists_that_are_older_than_arch_s_mirror_take_an_upgrade_of_all() -> None:
    line = said({"stderr": "error: failed retrieving file 'nvidia-utils.pkg'\n"})
    assert line.endswith(f"run `pacman -Syu`, reboot, {AGAIN}")


def test_each_of_the_host_s_own_sources_gets_the_components_that_it_lacks_and_no_other_does() -> (
    None
):
    targets = [
        "http://d.example/debian bookworm main $(SIGNED_BY)",
        "http://d.example/debian bookworm contrib $(SIGNED_BY)",
        "http://d.example/debian bookworm-updates main /k.gpg",
        "http://d.example/debian sid main $(SIGNED_BY)",
        "http://other.example/debian bookworm tools $(SIGNED_BY)",
    ]
    assert missing_components(targets, "bookworm", ["contrib", "non-free"]) == [
        {
            "uri": "http://d.example/debian",
            "suite": "bookworm",
            "signed_by": "",
            "components": ["non-free"],
        },
        {
            "uri": "http://d.example/debian",
            "suite": "bookworm-updates",
            "signed_by": "/k.gpg",
            "components": ["contrib", "non-free"],
        },
    ]
