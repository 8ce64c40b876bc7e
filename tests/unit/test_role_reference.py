"""What is said of the roles is what they take, and every role works alone with that."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml

from docs import roles
from tests.support.program import playbook

NAMES = sorted(path.name for path in roles.ROLES.iterdir())
PARTS = ("tasks", "templates", "vars", "defaults")
LEFT_BY_PLAN = re.compile(r"\bplan_(result|facts|prefix)\b")
HERE_ALONE = ("-c", "local", "-e", "ansible_become=false")
INTERPRETER = ("-e", f"ansible_python_interpreter={sys.executable}")
WRITTEN = [Path("/etc/apt/preferences.d/grindstone-nvidia-cuda"), Path("/etc/grindstone")]
# Each host is named like the role that it is given, with nothing that the role needs.
BARE = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.include_role:
        name: grindstone.grindstone.{{ inventory_hostname }}
"""


def specification(name: str) -> Path:
    return roles.ROLES / name / "meta/argument_specs.yml"


def play(*arguments: str) -> tuple[int, str]:
    """Ansible's exit status and output, here and not as another user."""
    done = playbook(*HERE_ALONE, *INTERPRETER, *arguments)
    return done.returncode, done.stdout + done.stderr


def test_what_is_made_of_the_roles_is_up_to_date() -> None:
    stale = [
        str(path.relative_to(roles.ROOT))
        for path, text in roles.files()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    assert not stale, f"run:  {roles.COMMAND}"
    assert sorted(roles.ORDER) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_role_says_what_it_takes_and_starts_with_the_same(name: str) -> None:
    text = specification(name).read_text(encoding="utf-8")
    spec = yaml.safe_load(text)["argument_specs"]["main"]
    path = roles.ROLES / name / "defaults/main.yml"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    told = {
        key: option["default"] for key, option in spec["options"].items() if "default" in option
    }
    assert told == values, f"{specification(name)} and {path} differ"
    assert all(option.startswith(f"{name}_") for option in spec["options"])


@pytest.mark.parametrize("name", sorted({*NAMES} - {"plan", "doctor"}))
def test_what_the_role_plan_leaves_is_passed_to_a_role_and_not_read_by_it(name: str) -> None:
    folder = roles.ROLES / name
    for path in (each for each in folder.rglob("*") if each.parent.name in PARTS):
        assert not LEFT_BY_PLAN.search(path.read_text(encoding="utf-8")), path


def test_the_marks_of_ansible_s_documentation_become_code() -> None:
    assert roles._plain("C(a.json) and V(x=1),\n  O(b) | c") == r"`a.json` and `x=1`, `b` \| c"


@pytest.mark.usefixtures("room_for_a_plan")
def test_every_role_s_example_runs_alone_and_changes_nothing_in_check_mode(tmp_path: Path) -> None:
    before = [path.exists() for path in WRITTEN]
    # The doctor last: it fails, for there is nothing of Grindstone's below that prefix.
    names = sorted(NAMES, key=lambda name: (name == "doctor", name))
    examples = (str(roles.ROLES / name / "examples/playbook.yml") for name in names)
    status, said = play(
        "--check", "-i", "localhost,", "-e", f"plan_prefix={tmp_path}/none", *examples
    )
    assert status == 2, said
    for name in NAMES:
        assert f"TASK [grindstone.grindstone.{name} : " in said, said
    assert "there is no TensorFlow of Grindstone's here" in said, said
    assert not (tmp_path / "none").exists()
    assert [path.exists() for path in WRITTEN] == before


def test_a_role_without_what_it_needs_says_so_in_one_line(tmp_path: Path) -> None:
    needy = [name for name in NAMES if "required: true" in specification(name).read_text("utf-8")]
    assert len(needy) == 5
    bare = tmp_path / "bare.yml"
    bare.write_text(BARE, encoding="utf-8")
    status, said = play("-i", ",".join(needy), str(bare))
    assert status == 2
    for name in needy:
        assert re.search(
            rf"^ *missing required arguments: {name}_\w+(, {name}_\w+)*$", said, re.MULTILINE
        )
