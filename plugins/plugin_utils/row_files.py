"""The rows of the roles' YAML files, where no Ansible has read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

MATRIX = Path(__file__).parents[2] / "roles/plan/vars/main"
# The C library's, where PyYAML has it, is seven times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parsed(text: str) -> Any:
    """The builtins that a YAML document holds."""
    return yaml.load(text, Loader=_LOADER)


def matrix() -> dict[str, Any]:
    """The matrix's lists by name, as `gpu_stack.load.load` takes them."""
    told: dict[str, Any] = {}
    for path in sorted(MATRIX.glob("*.yml")):
        told |= parsed(path.read_text(encoding="utf-8"))
    return {name: told[f"plan_{name}"] for name in told["plan_matrix"]}
