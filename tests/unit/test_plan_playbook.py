"""playbooks/plan.yml: every host of an inventory in one table, and nothing changed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.support.ansible_env import ansible_environment

ROOT = Path(__file__).parents[2]


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
    command = [sys.executable, "-m", "ansible", "playbook", "-i", str(inventory)]
    done = subprocess.run(
        [*command, "playbooks/plan.yml"],
        env=ansible_environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    said = " ".join(done.stdout.split())
    assert "- 'Plans: 0 planned, 2 refused, 1 not reached'" in said
    assert "wrong refused: found plan_prefix=«here»; expected an absolute path" in said
    assert "other refused: found plan_driver=newest; expected keep, skip, or a branch" in said
    assert "lost not reached, or its facts could not be gathered" in said
    changed = re.findall(r"changed=(\d+)", done.stdout)
    assert changed == ["0", "0", "0"]
