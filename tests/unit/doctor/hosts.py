"""The symptoms as the role has them, and the hosts of `hosts.yml` that their examples speak of."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

from plugins.plugin_utils import row_files
from plugins.plugin_utils.gpu_doctor.host import Host
from plugins.plugin_utils.gpu_doctor.playbook import parse_host
from plugins.plugin_utils.gpu_doctor.rows import symptoms
from plugins.plugin_utils.gpu_doctor.symptoms import Example

HERE = Path(__file__).parent
FOLDER = HERE.parents[2] / "roles/doctor/vars/symptoms"
SYMPTOMS = symptoms(str(FOLDER))
MATRIX = row_files.matrix()
HOSTS = row_files.parsed((HERE / "hosts.yml").read_text(encoding="utf-8"))
HEALTHY: dict[str, Any] = HOSTS["healthy"]


def seen(*states: str, failed_stage: str = "", **changes: Any) -> dict[str, Any]:
    """What was seen of the healthy host in some states, with changes by their path."""
    host = deepcopy(HEALTHY)
    if failed_stage:
        host["verify"] = failed(failed_stage)
    for change in (*(HOSTS["states"][state] for state in states), changes):
        for path, value in change.items():
            *folders, last = path.split(".")
            part = host
            for name in folders:
                part = part[name]
            part[last] = value
    return host


def failed(found: str) -> dict[str, Any]:
    """A verification whose stage on the GPU failed with these words."""
    failure = f"GPU product failed: {found}; undo any overclocking"
    stage = {"stage": "GPU product", "state": "failed", "found": found}
    return {"ok": False, "failure": failure, "stages": [stage]}


def host(*states: str, matrix: dict[str, Any] = MATRIX, **changes: Any) -> Host:
    """The same, typed."""
    return parse_host(seen(*states, **changes), matrix)


def of_example(example: Example) -> Host:
    """The host of an example."""
    return host(*example.host, failed_stage=example.failed_stage, **example.changes)
