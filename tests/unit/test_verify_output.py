"""What the role verify prints of a report: one line where all is well, each check where not."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from plugins.filter.verify import last_object
from tests.support.ansible_env import HERE, ansible_environment

CPU = [{"stage": "import", "state": "passed", "found": "TensorFlow 2.21.0"}]
GPU = [{"stage": "cuDNN", "state": "not applicable", "found": "no NVIDIA GPU found"}]
SINCE = "2025-10-09 08:53 UTC"
SAME = "nothing changed since; -e verify_force=true checks again"
BROKEN = [
    {"stage": "XLA", "state": "failed", "found": "it differs from NumPy by 0.2"},
    {"stage": "driver", "state": "not reached", "found": ""},
]
FAILURE = "XLA failed: it differs from NumPy by 0.2; run site.yml again"


def interpreter(
    folder: Path, stages: list[dict[str, str]], failure: str, before: str = ":", **more: str
) -> Path:
    """A program that takes whatever it is to run, does something, and reports those stages."""
    report = {"schema": 1, "ok": not failure, "interpreter": "", "stages": stages, **more}
    path = folder / f"python{len(stages)}"  # which tells its last argument, too
    said = shlex.quote(json.dumps({**report, "failure": failure}))
    told = f'for last; do :; done; echo "asked with <$last>" > {path}.last'
    path.write_text(f"#!/bin/sh\ncat >/dev/null; {told}; {before}; echo {said}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def played(
    folder: Path, hosts: dict[str, Path], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """The verification of hosts with those interpreters, in check mode."""
    inventory = folder / "hosts"
    lines = [f"{name} verify_interpreter={path}\n" for name, path in hosts.items()]
    inventory.write_text(
        f"[all]\n{''.join(lines)}"
        "[all:vars]\nansible_connection=local\nansible_become=false\n"
        "ansible_python_interpreter=/usr/bin/python3\n",
        encoding="utf-8",
    )
    return subprocess.run(
        ["ansible-playbook", "-i", inventory, "--check", "playbooks/verify.yml", *arguments],
        env=ansible_environment(
            ANSIBLE_STDOUT_CALLBACK="grindstone.grindstone.summary", ANSIBLE_FORKS="1"
        ),
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_start_files_print_is_read_past_and_an_interpreter_that_fails_is_one_line(
    tmp_path: Path,
) -> None:
    prints = interpreter(tmp_path, CPU, "", "echo 'hello {\"a\": 1} {'")
    traceback = "printf '%s\\n' 'Traceback:' \"No module named '_ctypes'\" >&2; exit 1"
    fails = interpreter(tmp_path, CPU + GPU, "", traceback)
    done = played(tmp_path, {"prints": prints, "fails": fails})
    assert "Verification of prints: 1 of 1 checks passed" in done.stdout, done.stdout
    error = "No module named '_ctypes'"
    assert f"  interpreter      failed  {error}\n" in done.stdout
    assert f"  interpreter failed: {error}; run site.yml again\n" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ('{"stages": 1}', {"stages": 1}),
        ('hello {"stages": 1}{"stages": 2}\n{"other": 3}\nbye }', {"stages": 2}),
        ('{"stages": {"stages": 1', {}),
        ("", {}),
    ],
)
def test_the_last_object_with_the_key_is_taken(said: str, found: dict[str, int]) -> None:
    assert last_object(said, "stages") == found


def test_a_pass_is_one_line_and_a_failure_lists_what_was_run(tmp_path: Path) -> None:
    fine = interpreter(tmp_path, CPU + GPU, "")
    same = interpreter(tmp_path, CPU, "", since=SINCE)
    wrong = interpreter(tmp_path, CPU + BROKEN, FAILURE)
    hosts = {"fine": fine, "same": same, "wrong": wrong}
    done = played(tmp_path, hosts)
    assert done.stdout.splitlines() == [
        "Verification of fine: 1 of 1 checks passed, 1 do not apply (no NVIDIA GPU found)",
        f"Verification of same: verified {SINCE}, {SAME}",
        "Verification of wrong: XLA failed, 1 of 3 checks passed",
        "  import           passed  TensorFlow 2.21.0",
        "  XLA              failed  it differs from NumPy by 0.2",
        "would change: [fine] Write verify.json",
        "would change: [wrong] Write verify.json",
        "FAILED: [wrong] Fail where a check failed",
        f"  {FAILURE}",
        "fine: ok, 1 would change",
        "same: ok, nothing would change",
        "wrong: failed, 1 would change",
    ]
    assert done.returncode == 2
    asked = tmp_path / "python2.last"
    assert asked.read_text(encoding="utf-8") == "asked with <>\n", "the playbook verify.yml forces"
    played(tmp_path, hosts, "--limit=fine", "-e", "verify_force=false")
    assert asked.read_text(encoding="utf-8") == "asked with </etc/grindstone/verify.json>\n"
