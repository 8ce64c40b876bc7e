"""The page on the roles says what the roles take."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from docs import roles

ROLES = Path(__file__).parents[2] / "roles"
NAMES = sorted(path.name for path in ROLES.iterdir())


def test_the_page_is_what_the_roles_specifications_say() -> None:
    written = roles.PAGE.read_text(encoding="utf-8") if roles.PAGE.exists() else ""
    assert written == roles.page(), f"docs/roles.md is stale; run:  {roles.COMMAND}"


@pytest.mark.parametrize("name", NAMES)
def test_every_role_says_what_it_takes_and_starts_with_the_same(name: str) -> None:
    specification = ROLES / name / "meta/argument_specs.yml"
    spec = yaml.safe_load(specification.read_text(encoding="utf-8"))["argument_specs"]["main"]
    options = spec.get("options") or {}
    path = ROLES / name / "defaults/main.yml"
    values = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    told = {key: option["default"] for key, option in options.items() if "default" in option}
    assert told == (values or {}), f"{specification} and {path} differ"
    for option in options:
        assert f"| `{option}` |" in roles.page()


def test_the_marks_of_ansible_s_documentation_become_code() -> None:
    assert roles._plain("C(a.json) and V(x=1),\n  O(b) | c") == r"`a.json` and `x=1`, `b` \| c"
