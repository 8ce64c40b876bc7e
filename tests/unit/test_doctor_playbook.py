"""playbooks/doctor.yml: foreign text is explained, and never evaluated."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_pasted_text_is_no_template(tmp_path: Path) -> None:
    text = '{{ lookup("pipe", "touch ran") }} {% if %} Driver/library version mismatch'
    inventory = tmp_path / "inventory.ini"
    inventory.write_text(
        f"here ansible_connection=local ansible_python_interpreter={sys.executable} "
        "ansible_become=false plan_prefix=nowhere\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "ansible", "playbook", "-i", str(inventory)]
    done = subprocess.run(
        [*command, "playbooks/doctor.yml"],
        cwd=ROOT,
        env={**os.environ, "DOCTOR_SYMPTOM": text},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stdout
    assert 'Meaning of: {{ lookup("pipe", "touch ran") }} {% if %}' in done.stdout
    assert "Known as: versions differ" in done.stdout
    assert "Doctor for here: 1 problem" in done.stdout
    assert "refused: found plan_prefix=«nowhere»" in done.stdout
    assert not list(ROOT.rglob("ran"))
