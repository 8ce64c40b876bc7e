"""Makes docs/roles.md, every role's README.md and the platforms of its meta/main.yml.

They come from each role's meta/argument_specs.yml and examples/, and from the role plan's rows:
`python -m docs.roles`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from plugins.plugin_utils import row_files

COMMAND = "python -m docs.roles"
ROOT = Path(__file__).parents[1]
ROLES = ROOT / "roles"
ORDER = (
    *("plan", "nvidia_repository", "nvidia_driver", "cuda", "container", "tensorflow"),
    *("verify", "benchmark", "doctor", "remove"),
)
# Galaxy names a distribution's releases by their code names.
CODENAMES = {
    "12": "bookworm",
    "13": "trixie",
    "22.04": "jammy",
    "24.04": "noble",
    "26.04": "resolute",
}
GALAXY = {"Arch": "ArchLinux"}

_HEAD = f"""\
# The roles and what they take

Made by `{COMMAND}` from each role's `meta/argument_specs.yml`, which Ansible checks before a
role runs. The roles' full names are `grindstone.grindstone.plan` and so on. Set the variables in
the inventory, in `group_vars`, or by `-e NAME=VALUE`.
"""
_README = """\
<!-- Made by `{command}`. -->

# grindstone.grindstone.{name}

{section}
## Example

```yaml
{example}```

It needs Python 3.8 or newer on the host, and {root}. Licence: Apache-2.0.
"""
_NOT_AS_ROOT = {"plan", "doctor"}


def files() -> Iterator[tuple[Path, str]]:
    """Every generated file, and what it has to hold."""
    yield ROOT / "docs/roles.md", page()
    for name in ORDER:
        yield ROLES / name / "README.md", readme(name)
        meta = ROLES / name / "meta/main.yml"
        yield meta, with_platforms(meta.read_text(encoding="utf-8"), platforms(name))


def page() -> str:
    """docs/roles.md."""
    return "\n".join([_HEAD, *(f"## {name}\n\n{section(name)}" for name in ORDER)])


def readme(name: str) -> str:
    """A role's README.md."""
    example = (ROLES / name / "examples/playbook.yml").read_text(encoding="utf-8")
    return _README.format(
        command=COMMAND,
        name=name,
        section=section(name),
        example=example.removeprefix("---\n"),
        root="reads files only" if name in _NOT_AS_ROOT else "root there",
    )


def section(name: str) -> str:
    """What a role does, and a row for each of its inputs."""
    text = (ROLES / name / "meta/argument_specs.yml").read_text(encoding="utf-8")
    specs = yaml.safe_load(text)["argument_specs"]
    spec = specs["main"]
    lines = [f"**{spec['short_description']}.**", ""]
    lines += [f"{_plain(part)}  " for part in _parts(spec.get("description"))]
    lines += ["", "| variable | type | default | |", "|---|---|---|---|"]
    lines += [_row(option, spec) for option, spec in spec["options"].items()]
    lines += [
        f"\nEntry point `{entry}`: {_plain(other['short_description'])}."
        for entry, other in specs.items()
        if entry != "main"
    ]
    return "\n".join([*lines, ""])


def platforms(name: str) -> dict[str, list[str]]:
    """The distributions that a role is for, by Galaxy's names: those of the role plan's rows."""
    matrix = row_files.matrix()
    systems = matrix["systems"]
    if name == "nvidia_repository":
        offered = {(row["system"], row["version"]) for row in matrix["repositories"]}
        toolkits = [row for row in matrix["containers"] if "repository" in row]
        offered |= {(row["system"], version) for row in toolkits for version in row["versions"]}
        for system in systems:
            versions = [each for each in system["versions"] if (system["id"], each) in offered]
            system["versions"] = versions
        systems = [system for system in systems if system["versions"]]
    return {
        GALAXY.get(system["name"], system["name"]): [
            CODENAMES[version] for version in system["versions"]
        ]
        or ["all"]
        for system in systems
    }


def with_platforms(meta: str, found: dict[str, list[str]]) -> str:
    """The text of a meta/main.yml with these platforms."""
    lines = "".join(
        f"    - name: {name}\n      versions: [{', '.join(versions)}]\n"
        for name, versions in found.items()
    )
    return re.sub(r"(?<=^  platforms:\n)(?:    .*\n)*", lines, meta, flags=re.MULTILINE)


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


if __name__ == "__main__":
    for path, text in files():
        path.write_text(text, encoding="utf-8")
