"""The doors from a playbook to the doctor in module_utils/gpu_doctor."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ..module_utils.gpu_doctor import (
    Look,
    Redaction,
    describe,
    examine,
    explain,
    recognise,
    sum_up,
)


def gpu_doctor(look: dict[str, Any], host: str, symptom: str = "") -> dict[str, Any]:
    """`findings`, the `block` to print, and the `failure` to end with, "" where all is well."""
    host_look = Look(**look)
    findings = examine(host_look)
    block = describe(host_look, findings, host)
    if symptom.strip():
        block = explain(symptom, recognise(symptom, host_look)) + "\n\n" + block
    return {
        "findings": [asdict(finding) for finding in findings],
        "block": block,
        "failure": sum_up(findings),
    }


def gpu_doctor_bundle(examined: list[dict[str, Any]]) -> dict[str, str]:
    """The files of a bundle, by name: for each host what was looked at, and what it came to.

    examined: for each host its `look`, its `kept` files, the `block` and `findings`, and under
    `private` the `hosts` and `users` whose names are known.  None of them leaves.
    """
    known = [host["private"] for host in examined]
    redaction = Redaction(
        [name for private in known for name in private["hosts"]],
        [name for private in known for name in private["users"]],
    )
    files = {}
    for number, host in enumerate(examined, 1):
        parts = {
            "doctor.txt": host["block"],
            "findings.json": host["findings"],
            **{f"{name}.json": part for name, part in host["look"].items()},
            **{f"kept/{name}": _parsed(text) for name, text in host["kept"].items()},
        }
        for name, part in parts.items():
            clean = redaction.value(part)
            told = clean if isinstance(clean, str) else json.dumps(clean, indent=2)
            files[f"host-{number}/{name}"] = told + "\n"
    return files


def _parsed(text: str) -> Any:
    """As a structure where it is JSON: a version is told from an address by its key."""
    try:
        return json.loads(text)
    except ValueError:
        return text


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """What a playbook calls `grindstone.grindstone.gpu_doctor`."""
        return {"gpu_doctor": gpu_doctor, "gpu_doctor_bundle": gpu_doctor_bundle}
