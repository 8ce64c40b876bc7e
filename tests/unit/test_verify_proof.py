"""When the stages need not run again: a proof of what they depend on, and what breaks it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roles.verify.files.verify import main, proof
from tests.support.files import lay

BOOT = "proc/sys/kernel/random/boot_id"
CUDA = "usr/lib/x86_64-linux-gnu/libcuda.so.580.95.05"
INFORMATION = "proc/driver/nvidia/gpus/0000:01:00.0/information"
SOURCE = "lib/python3.12/site-packages/tensorflow/a.py"
PLAN: dict[str, Any] = {
    "cuda": {"action": "wheels"},
    "tensorflow": {"gpu": True},
    "driver": {"action": "install", "branch": "580"},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host with a GPU whose driver is loaded, and an environment."""
    root = tmp_path / "root"
    lay(root / "proc/sys/kernel/osrelease", "6.8.0-90-generic\n")
    lay(root / "proc/cpuinfo", "processor : 0\nmodel name : A\ncpu MHz : 1\nflags : avx\n\n")
    lay(root / BOOT, "a\n")
    lay(root / "proc/driver/nvidia/version", "NVRM version: 580.95.05\n")
    lay(root / INFORMATION, "Model: T4\nGPU UUID: GPU-1\n")
    lay(root / CUDA, "")
    lay(root / "dev/nvidia0", "")
    lay(root / f"env/{SOURCE}", "1\n")
    lay(root / "env/bin/python", "")
    lay(root / "env/include/a.h", "1\n")
    return root


def of(root: Path, *, plan: dict[str, Any] = PLAN, gpu: bool = True) -> dict[str, str]:
    return proof.proof(plan, "sources", gpu, root, root / "env")


def touch(root: Path, name: str) -> None:
    path = root / name
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


CHANGES: dict[str, Callable[[Path], object]] = {
    "kernel": lambda root: lay(root / "proc/sys/kernel/osrelease", "6.8.0-91-generic\n"),
    "processor": lambda root: lay(root / "proc/cpuinfo", "model name : A\nflags : avx avx2\n"),
    "boot": lambda root: lay(root / BOOT, "b\n"),
    "driver": lambda root: lay(root / "proc/driver/nvidia/version", "NVRM version: 580.105.08\n"),
    "libraries": lambda root: touch(root, CUDA),
    "GPUs": lambda root: lay(root / INFORMATION, "Model: T4\nGPU UUID: GPU-2\n"),
    "shares": lambda root: lay(root / "proc/driver/nvidia/capabilities/gpu0/mig/gi1/access", ""),
    "device nodes": lambda root: lay(root / "dev/nvidia-uvm", ""),
    "environment": lambda root: touch(root, f"env/{SOURCE}"),
}


@pytest.mark.parametrize("part", CHANGES)
def test_a_part_that_changes_breaks_the_proof(root: Path, part: str) -> None:
    before = of(root)
    assert before == of(root)
    CHANGES[part](root)
    after = of(root)
    assert {name for name in after if after[name] != before[name]} == {part}


@pytest.mark.parametrize(
    "change",
    [
        lambda root: lay(root / f"env/{SOURCE}c/new.so", "1"),
        lambda root: lay(root / f"env/{SOURCE}", "12\n"),
        lambda root: (root / "env" / SOURCE).unlink(),
    ],
    ids=["a new file", "a longer file", "a file that is gone"],
)
def test_every_file_of_the_environment_counts(root: Path, change: Callable[[Path], object]) -> None:
    before = of(root)
    (root / "env" / SOURCE).chmod(0o644)
    assert of(root) == before
    change(root)
    assert of(root)["environment"] != before["environment"]


def test_what_no_program_reads_there_does_not_count(root: Path) -> None:
    before = of(root)
    lay(root / "env/lib/__pycache__/a.pyc", "1")
    touch(root, "env/include/a.h")
    lay(root / "proc/cpuinfo", "processor : 1\nmodel name : A\ncpu MHz : 2\nflags : avx\n\n")
    assert of(root) == before


def test_the_plan_the_sources_and_the_variables_count(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = of(root)
    assert of(root, plan={**PLAN, "stack": "other"})["plan"] != before["plan"]
    other = proof.proof(PLAN, "other sources", True, root, root / "env")
    assert other["verification"] != before["verification"]
    monkeypatch.setenv("XLA_FLAGS", "--xla_gpu_autotune_level=0")
    assert of(root)["variables"] != before["variables"]


@pytest.mark.parametrize("gone", [BOOT, INFORMATION, CUDA, "proc/cpuinfo", "dev/nvidia0"])
def test_a_part_that_is_unknown_leaves_no_proof(root: Path, gone: str) -> None:
    (root / gone).unlink()
    assert of(root) == {}


def test_what_lies_beside_the_environment_leaves_no_proof(root: Path) -> None:
    assert of(root, plan={**PLAN, "cuda": {"action": "system"}}) == {}
    assert proof.proof(PLAN, "", True, root, root / "env") == {}
    lay(root / "proc/driver/nvidia-nvswitch/permissions", "")
    assert of(root) == {}


def test_without_a_gpu_a_reboot_and_the_driver_do_not_count(root: Path) -> None:
    before = of(root, gpu=False)
    assert before
    CHANGES["boot"](root)
    shutil.rmtree(root / "proc/driver")
    assert of(root, gpu=False) == before


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def test_stages_that_have_passed_are_not_run_again_until_something_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, earlier = tmp_path / "plan.json", tmp_path / "verify.json"
    known, ok, runs = {"plan": "1"}, True, []

    def run(_: dict[str, Any]) -> dict[str, Any]:
        runs.append(1)
        return {"ok": ok, "stages": [], "failure": ""}

    monkeypatch.setattr(main, "run", run)
    monkeypatch.setattr(main, "proof", lambda *_, **__: dict(known))
    monkeypatch.setattr("sys.argv", ["-c", str(plan), str(earlier)])
    main.main("sources")
    first = told(capsys)
    assert first["proof"] == known
    earlier.write_text(json.dumps(first), encoding="utf-8")
    os.utime(earlier, (1_760_000_000, 1_760_000_000))
    main.main("sources")
    assert told(capsys) == {**first, "since": "2025-10-09 08:53 UTC"}
    assert len(runs) == 1
    known["plan"] = "2"
    main.main("sources")
    assert "since" not in told(capsys)
    known.clear()  # something is unknown
    earlier.write_text(json.dumps({**first, "proof": {}}), encoding="utf-8")
    main.main("sources")
    assert len(runs) == 3


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"ok": false, "proof": {"plan": "1"}}', '{"ok": true}', '{"ok": true, "proof": 7}'],
)
def test_an_earlier_report_that_did_not_pass_or_is_none_proves_nothing(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "verify.json"
    path.write_text(text, encoding="utf-8")
    assert proof.passed(path, {"plan": "1"}) == {}
    assert proof.passed(tmp_path / "none.json", {"plan": "1"}) == {}


def test_who_asks_without_an_earlier_report_has_all_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(main, "run", lambda _: {"ok": False, "stages": [], "failure": ""})
    monkeypatch.setattr(main, "proof", lambda *_, **__: {"plan": "1"})
    monkeypatch.setattr("sys.argv", ["-c", str(tmp_path / "plan.json"), ""])
    main.main("sources")
    assert told(capsys)["proof"] == {}, "what has failed proves nothing"
