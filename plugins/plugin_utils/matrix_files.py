"""The rows of the matrix from the role's files, where no Ansible has read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import yaml_text

ROWS = Path(__file__).parents[2] / "roles/plan/vars/main"


def rows(folder: Path = ROWS) -> dict[str, Any]:
    """The matrix's lists by name, as `gpu_stack.load.load` takes them."""
    told: dict[str, Any] = {}
    for path in sorted(folder.glob("*.yml")):
        told |= yaml_text.load(path.read_text(encoding="utf-8"))
    return {name: told[f"plan_{name}"] for name in told["plan_matrix"]}
