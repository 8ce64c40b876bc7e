"""What the role nvidia_driver asks of lists and failures."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

# What pacman says where its lists, or the host, are older than the mirror.
_BEHIND = re.compile(r"in pacman's lists|failed retrieving file|could not find or read package")


def missing_components(
    targets: list[str], codename: str, components: list[str]
) -> list[dict[str, Any]]:
    """The distribution's own sources that lack components, each with what it lacks.

    `targets` are lines of `apt-get indextargets`: repository, suite, component, keyring; a source
    that names no keyring has apt's own word for it there.
    """
    known: dict[tuple[str, str, str], set[str]] = {}
    for line in targets:
        uri, suite, component, keyring = line.split()
        if suite.split("-")[0] == codename:
            source = (uri, suite, "" if keyring.startswith("$") else keyring)
            known.setdefault(source, set()).add(component)
    every: dict[tuple[str, str], set[str]] = {}
    for source, there in known.items():
        every.setdefault(source[:2], set()).update(there)
    lacking: list[dict[str, Any]] = []
    for (uri, suite, signed_by), there in known.items():
        missing = [name for name in components if name not in every[uri, suite]]
        if "main" in there and missing:
            where = {"uri": uri, "suite": suite, "signed_by": signed_by}
            lacking.append({**where, "components": missing})
    return lacking


def driver_failure(
    result: dict[str, Any],
    builds: list[dict[str, str]],
    plan: dict[str, Any],
    found: dict[str, Any],
    undone: dict[str, Any],
) -> str:
    """Why the driver could not be installed, and what would work, in one line."""
    kernel = found["kernels"]["next"]
    if builds:
        failed = builds[0]
        what = (
            f"driver {plan['branch']} does not build for kernel {failed['kernel'] or kernel} "
            f"({failed['error']}); expected a driver that is made for this kernel"
        )
    else:
        what = _reason(result)
    lost = [f"{name} could not be restored" for name in undone.get("not_restored", [])]
    lost += [f"{name} stays, others need it" for name in undone.get("kept", [])]
    state = "; ".join(lost) or "the host is as it was"
    if not builds and _BEHIND.search(what):
        return f"{what}; {state}: run `pacman -Syu`, reboot, then run the same command again"
    return f"{what}; {state}: {_advice(plan, found, bool(builds))}"


def _advice(plan: dict[str, Any], found: dict[str, Any], build: bool) -> str:
    if not build:
        return "fix that, then run the same command again"
    if plan["origin"] == "distribution" and found["distribution"]["id"] in ("debian", "ubuntu"):
        return (
            "set plan_driver_origin=nvidia for a newer driver, or boot an older kernel, then run "
            "the same command again"
        )
    return "boot an older kernel, then run the same command again"


def _reason(result: dict[str, Any]) -> str:
    """The task's message, or pacman's first errors, on one line."""
    said = "\n".join(str(result.get(key, "")) for key in ("stderr", "stdout"))
    errors = re.findall(r"^error: ?(.*)$", said, re.MULTILINE)
    if not errors:
        return " ".join(str(result.get("msg", "it ended without a word")).split()).rstrip(".")
    first = list(dict.fromkeys(error.strip().rstrip(".") for error in errors))[:2]
    return f"the driver could not be installed ({'; '.join(first)})"


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """What a playbook calls `grindstone.grindstone.…`."""
        return {"missing_components": missing_components, "driver_failure": driver_failure}
