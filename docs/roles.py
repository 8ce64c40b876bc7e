"""Makes docs/roles.md from every role's meta/argument_specs.yml, by `python docs/roles.py`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

COMMAND = "python docs/roles.py"
PAGE = Path(__file__).with_suffix(".md")
ROLES = Path(__file__).parents[1] / "roles"
ORDER = ["plan", "nvidia_driver", "cuda", "tensorflow", "verify", "doctor", "remove", "benchmark"]

_HEAD = f"""\
# The roles and what they take

Made by `{COMMAND}` from each role's `meta/argument_specs.yml`, which Ansible checks before a
role runs. The roles' full names are `grindstone.grindstone.plan` and so on. Set the variables in
the inventory, in `group_vars`, or by `-e NAME=VALUE`.
"""


def page() -> str:
    """The whole page."""
    names = sorted(
        (path.parents[1].name for path in ROLES.glob("*/meta/argument_specs.yml")), key=_place
    )
    return "\n".join([_HEAD, *(section(name) for name in names)])


def section(name: str) -> str:
    """One role's: what it does, and a row for each of its inputs."""
    text = (ROLES / name / "meta/argument_specs.yml").read_text(encoding="utf-8")
    spec = yaml.safe_load(text)["argument_specs"]["main"]
    lines = [f"## {name}", "", f"**{spec['short_description']}.**", ""]
    lines += [f"{_plain(part)}  " for part in _parts(spec.get("description"))]
    options = spec.get("options") or {}
    if not options:
        return "\n".join([*lines, "", "It takes nothing.", ""])
    lines += ["", "| variable | type | default | |", "|---|---|---|---|"]
    lines += [_row(option, spec) for option, spec in options.items()]
    return "\n".join([*lines, ""])


def _row(name: str, option: dict[str, Any]) -> str:
    told = " ".join(_plain(part) for part in _parts(option.get("description")))
    if option.get("choices"):
        told += f" One of {', '.join(f'`{choice}`' for choice in option['choices'])}."
    default = "required" if option.get("required") else f"`{_value(option.get('default'))}`"
    kind = option["type"]
    if option.get("elements"):
        kind += f" of {option['elements']}"
    return f"| `{name}` | {kind} | {default} | {told} |".replace("|  |", "| |")


def _value(value: Any) -> str:
    return json.dumps(value) if not isinstance(value, str) else value or '""'


def _parts(description: str | list[str] | None) -> list[str]:
    if description is None:
        return []
    return [description] if isinstance(description, str) else description


def _plain(text: str) -> str:
    """Ansible's marks as Markdown's: C(x), V(x) and O(x) are code."""
    text = re.sub(r"\b[CVOE]\(([^)]*)\)", r"`\1`", " ".join(text.split()))
    return text.replace("|", r"\|")


def _place(name: str) -> tuple[int, str]:
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
