"""playbooks/plan.yml: every host of an inventory in one table, and nothing changed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.support.program import SUMMARY, inventory, playbook


def test_plan_yml_ends_in_one_table_with_a_row_for_every_host_that_is_refused(
    tmp_path: Path,
) -> None:
    lost = f"lost ansible_python_interpreter={tmp_path}/none"
    hosts = inventory(tmp_path, "wrong plan_prefix=here", "other plan_driver=newest", lost)
    done = playbook("-i", hosts, "playbooks/plan.yml")
    said = " ".join(done.stdout.split())
    assert "- 'Plans: 0 planned, 2 refused, 1 not reached'" in said
    assert "wrong refused: found plan_prefix=«here»; expected an absolute path" in said
    assert "other refused: found plan_driver=newest; expected keep, skip, or a branch" in said
    assert "lost not reached, or its facts could not be gathered" in said
    changed = re.findall(r"changed=(\d+)", done.stdout)
    assert changed == ["0", "0", "0"]


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("plan", "plan_drvier", "plan_driver"),
        ("plan", "tensorflow_indx", "tensorflow_index"),
        ("doctor", "doctor_bundel", "doctor_bundle"),
        ("remove", "remove_prefx", "remove_prefix"),
        ("verify", "verify_timout", "verify_timeout"),
    ],
)
def test_a_misspelled_variable_is_refused_in_one_line(
    tmp_path: Path, name: str, given: str, expected: str
) -> None:
    hosts = inventory(tmp_path, f"here {given}=1")
    done = playbook("-i", hosts, f"playbooks/{name}.yml", callback=SUMMARY)
    said = " ".join(done.stdout.split())
    assert f"found the variable {given}; expected {expected}: correct its name" in said
    assert done.returncode == (0 if name == "plan" else 2)
    assert "changed:" not in said


@pytest.mark.parametrize(
    "arguments", [["--skip-tags", "always"], ["--start-at-task", "Install TensorFlow"]]
)
def test_a_plan_that_was_skipped_is_said_in_one_line(tmp_path: Path, arguments: list[str]) -> None:
    here = ("-i", inventory(tmp_path, "here"), "--check", "site.yml")
    done = playbook(*here, *arguments, callback=SUMMARY)
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
    hosts = inventory(tmp_path, "here")
    done = playbook("-i", hosts, "site.yml", "--tags", "tensorflow", "--list-tasks")
    listed = re.findall(r"^ +(\S+) : (?!Validating arguments)", done.stdout, re.MULTILINE)
    roles = [name.rpartition(".")[2] for name in listed]
    assert list(dict.fromkeys(roles)) == ["plan", "tensorflow"]
