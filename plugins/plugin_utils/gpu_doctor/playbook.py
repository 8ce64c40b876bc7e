"""What a playbook asks of the doctor: see plugins/filter/imported.py."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from ansible.utils.unsafe_proxy import wrap_var

from ..gpu_stack.load import load
from ..host_facts import parse as parse_facts
from ..typed import decode
from .examine import examine
from .host import Host, Logs, Planned, Verification
from .knowledge import Knowledge
from .pasted import answer
from .redaction import Redaction
from .report import describe, explain, sum_up
from .rows import languages, symptoms


def gpu_doctor(
    seen: dict[str, Any], name: str, rows: str, matrix: dict[str, Any], text: str = ""
) -> dict[str, Any]:
    """`findings`, the `block` to print, and the `failure` to end with, "" for none.

    seen: what the modules found, the plan or its refusal, and the verification.
    name: the host's.  rows: the folder of symptoms.  text: an error to explain, "" for none.
    """
    known = symptoms(str(rows))
    host = parse_host(seen, matrix)
    findings = examine(host, known)
    block = describe(host, findings, name)
    if text.strip():
        told = answer(text, host, known, languages(str(rows)))
        block = explain(text, told, host=True) + "\n\n" + block
    result: dict[str, Any] = wrap_var(  # a stranger's text is among it
        {
            "findings": [asdict(finding) for finding in findings],
            "block": block,
            "failure": sum_up(findings),
        }
    )
    return result


def parse_host(seen: dict[str, Any], matrix: dict[str, Any]) -> Host:
    """What was seen of a host, typed."""
    known = Knowledge(load(matrix))
    return Host(
        facts=known.matrix.identified(parse_facts(seen["found"])),
        known=known,
        logs=decode(seen["logs"], Logs, "the logs of the host"),
        plan=decode(seen["plan"], Planned, "the plan"),
        refusal=str(seen["refusal"]),
        verify=decode(seen["verify"], Verification, "the verification"),
    )


def gpu_doctor_bundle(examined: list[dict[str, Any]]) -> dict[str, str]:
    """The files of a bundle, by name: for each host what was seen, and what it came to.

    examined: for each host what was `seen`, its `files`, the `block` and `findings`, and under
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
            **{f"{name}.json": part for name, part in host["seen"].items()},
            **{f"files/{name}": _parsed(text) for name, text in host["files"].items()},
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
