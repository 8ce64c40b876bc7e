"""What the role verify prints of a report: one line where all is well, each check where not."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from plugins.filter.verify import last_object
from tests.support.program import SUMMARY, Ended, inventory, playbook, script

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
    folder: Path,
    name: str,
    stages: list[dict[str, str]],
    failure: str,
    before: str = ":",
    **more: str,
) -> Path:
    """A program that takes whatever it is to run, does something, and reports those stages."""
    report = {"schema": 1, "ok": not failure, "interpreter": "", "stages": stages, **more}
    path = folder / name  # which tells its last argument, too
    said = shlex.quote(json.dumps({**report, "failure": failure}))
    told = f'for last; do :; done; echo "asked with <$last>" > {path}.last'
    return script(path, f"#!/bin/sh\ncat >/dev/null; {told}; {before}; echo {said}\n")


def played(folder: Path, hosts: dict[str, Path], *arguments: str) -> Ended:
    """The verification of hosts with those interpreters, in check mode."""
    own = "ansible_python_interpreter=/usr/bin/python3"
    lines = [f"{name} {own} verify_interpreter={path}" for name, path in hosts.items()]
    verify = ("--check", "playbooks/verify.yml", *arguments)
    return playbook("-i", inventory(folder, *lines), *verify, callback=SUMMARY, ANSIBLE_FORKS="1")


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
    traceback = "printf '%s\\n' 'Traceback:' \"No module named '_ctypes'\" >&2; exit 1"
    hosts = {
        "fine": interpreter(tmp_path, "fine", CPU + GPU, "", "echo 'hello {\"a\": 1} {'"),
        "same": interpreter(tmp_path, "same", CPU, "", since=SINCE),
        "wrong": interpreter(tmp_path, "wrong", CPU + BROKEN, FAILURE),
        "ends": interpreter(tmp_path, "ends", CPU, "", traceback),
    }
    done = played(tmp_path, hosts)
    assert done.stdout.splitlines() == [
        "Verification of fine: 1 of 1 checks passed, 1 do not apply (no NVIDIA GPU found)",
        f"Verification of same: verified {SINCE}, {SAME}",
        "Verification of wrong: XLA failed, 1 of 3 checks passed",
        "  import           passed  TensorFlow 2.21.0",
        "  XLA              failed  it differs from NumPy by 0.2",
        "Verification of ends: interpreter failed, 0 of 1 checks passed",
        "  interpreter      failed  No module named '_ctypes'",
        "would change: [fine] Write verify.json",
        "would change: [wrong] Write verify.json",
        "would change: [ends] Write verify.json",
        "FAILED: [wrong] Fail where a check failed",
        f"  {FAILURE}",
        "FAILED: [ends] Fail where a check failed",
        "  interpreter failed: No module named '_ctypes'; run site.yml again",
        "ends: failed, 1 would change",
        "fine: ok, 1 would change",
        "same: ok, nothing would change",
        "wrong: failed, 1 would change",
    ]
    assert done.returncode == 2
    asked = tmp_path / "fine.last"
    assert asked.read_text(encoding="utf-8") == "asked with <>\n", "the playbook verify.yml forces"
    played(tmp_path, hosts, "--limit=fine", "-e", "verify_force=false")
    assert asked.read_text(encoding="utf-8") == "asked with </etc/grindstone/verify.json>\n"
