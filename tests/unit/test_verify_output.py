"""What the role verify prints of a report: one line where all is well, each check where not."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

from tests.support.ansible_env import HERE, ansible_environment

CPU = [{"stage": "import", "state": "passed", "found": "TensorFlow 2.21.0"}]
GPU = [{"stage": "cuDNN", "state": "not applicable", "found": "no NVIDIA GPU found"}]
BROKEN = [
    {"stage": "XLA", "state": "failed", "found": "it differs from NumPy by 0.2"},
    {"stage": "driver", "state": "not reached", "found": ""},
]
FAILURE = "XLA failed: it differs from NumPy by 0.2; run site.yml again"


def interpreter(folder: Path, stages: list[dict[str, str]], failure: str) -> Path:
    """A program that takes whatever it is to run, and reports those stages."""
    report = {"schema": 1, "ok": not failure, "interpreter": "", "stages": stages}
    path = folder / f"python{len(stages)}"
    said = shlex.quote(json.dumps({**report, "failure": failure}))
    path.write_text(f"#!/bin/sh\ncat >/dev/null; echo {said}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_a_pass_is_one_line_and_a_failure_lists_what_was_run(tmp_path: Path) -> None:
    inventory = tmp_path / "hosts"
    inventory.write_text(
        f"[all]\nfine verify_interpreter={interpreter(tmp_path, CPU + GPU, '')}\n"
        f"wrong verify_interpreter={interpreter(tmp_path, CPU + BROKEN, FAILURE)}\n"
        "[all:vars]\nansible_connection=local\nansible_become=false\n"
        "ansible_python_interpreter=/usr/bin/python3\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        ["ansible-playbook", "-i", inventory, "--check", "playbooks/verify.yml"],
        env=ansible_environment(
            ANSIBLE_STDOUT_CALLBACK="grindstone.grindstone.summary", ANSIBLE_FORKS="1"
        ),
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == [
        "Verification of fine: 1 of 1 checks passed, 1 do not apply (no NVIDIA GPU found)",
        "Verification of wrong: XLA failed, 1 of 3 checks passed",
        "  import           passed  TensorFlow 2.21.0",
        "  XLA              failed  it differs from NumPy by 0.2",
        "would change: [fine] Write verify.json",
        "would change: [wrong] Write verify.json",
        "FAILED: [wrong] Fail where a check failed",
        f"  {FAILURE}",
        "fine: ok, 1 would change",
        "wrong: failed, 1 would change",
    ]
    assert done.returncode == 2
