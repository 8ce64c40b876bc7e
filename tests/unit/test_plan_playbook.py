"""playbooks/plan.yml: every host of an inventory in one table, and nothing changed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.program import SUMMARY, playbook


def test_plan_yml_ends_in_one_table_with_a_row_for_every_host_that_is_refused(
    tmp_path: Path,
) -> None:
    inventory = tmp_path / "inventory.ini"
    inventory.write_text(
        "[all:vars]\n"
        "ansible_connection=local\n"
        f"ansible_python_interpreter={sys.executable}\n"
        "[all]\n"
        "wrong plan_prefix=here\n"
        "other plan_driver=newest\n"
        f"lost ansible_python_interpreter={tmp_path}/none\n",
        encoding="utf-8",
    )
    done = playbook("-i", inventory, "playbooks/plan.yml")
    said = " ".join(done.stdout.split())
    assert "- 'Plans: 0 planned, 2 refused, 1 not reached'" in said
    assert "wrong refused: found plan_prefix=«here»; expected an absolute path" in said
    assert "other refused: found plan_driver=newest; expected keep, skip, or a branch" in said
    assert "lost not reached, or its facts could not be gathered" in said
    changed = re.findall(r"changed=(\d+)", done.stdout)
    assert changed == ["0", "0", "0"]


@pytest.mark.parametrize(
    "arguments", [["--skip-tags", "always"], ["--start-at-task", "Install TensorFlow"]]
)
def test_a_plan_that_was_skipped_is_said_in_one_line(tmp_path: Path, arguments: list[str]) -> None:
    inventory = tmp_path / "inventory.ini"
    inventory.write_text(
        f"[all]\nhere ansible_connection=local ansible_python_interpreter={sys.executable} "
        "ansible_become=false\n",
        encoding="utf-8",
    )
    done = playbook("-i", inventory, "--check", "site.yml", *arguments, callback=SUMMARY)
    assert done.returncode == 2
    assert done.stdout.splitlines()[1] == (
        "  the plan was skipped; expected it to run first, so leave out --start-at-task and "
        "--skip-tags always"
    ), done.stdout


def test_each_role_has_its_tag_and_the_plan_always_runs_before_it(tmp_path: Path) -> None:
    (play,) = yaml.safe_load(Path("playbooks/site.yml").read_text(encoding="utf-8"))
    tags = {each["role"].rpartition(".")[2]: each["tags"] for each in play["roles"]}
    assert tags.pop("plan") == ["always"]
    assert tags == {name: [name] for name in tags}
    inventory = tmp_path / "inventory.ini"
    inventory.write_text("[all]\nhere ansible_connection=local\n", encoding="utf-8")
    done = playbook("-i", inventory, "site.yml", "--tags", "tensorflow", "--list-tasks")
    listed = re.findall(r"^ +(\S+) : (?!Validating arguments)", done.stdout, re.MULTILINE)
    roles = [name.rpartition(".")[2] for name in listed]
    assert list(dict.fromkeys(roles)) == ["plan", "tensorflow"]
