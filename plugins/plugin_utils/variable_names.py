"""The names of the roles' variables, and names that are nearly those."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from .row_files import parsed

_TREE = Path(__file__).parents[2]
_ALIKE = 0.8  # SequenceMatcher's ratio: two letters that changed places in a word of six have 0.83


def misspelled(names: Iterable[str]) -> str:
    """Why a host's variables are refused, in a line; "" where none is misspelled.

    names: of the host's variables, whoever's they are.  Of another's making is what no role knows,
    unless an input of that role is nearly called so: Ansible would ignore it without a word.
    """
    given = sorted(names)
    for role in sorted(path.name for path in (_TREE / "roles").iterdir()):
        prefix = f"{role}_"
        own = [name for name in given if name.startswith(prefix)]
        unknown = [name for name in own if name not in _known(role)] if own else []
        inputs = [each.removeprefix(prefix) for each in _inputs(role)] if unknown else []
        for name in unknown:
            for near in get_close_matches(name.removeprefix(prefix), inputs, 1, _ALIKE):
                return f"found the variable {name}; expected {prefix}{near}: correct its name"
    return ""


def _inputs(role: str) -> list[str]:
    """What the role takes, by its argument_specs."""
    specification = (_TREE / "roles" / role / "meta/argument_specs.yml").read_text("utf-8")
    return list(parsed(specification)["argument_specs"]["main"]["options"])


def _known(role: str) -> set[str]:
    """The names that stand in the role's own files and in the playbooks."""
    files = [*(_TREE / "roles" / role).rglob("*.yml"), *(_TREE / "playbooks").glob("*.yml")]
    return {
        name for file in files for name in re.findall(rf"\b{role}_\w+", file.read_text("utf-8"))
    }
