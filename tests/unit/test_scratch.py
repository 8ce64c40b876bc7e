from __future__ import annotations

from pathlib import Path

import pytest

from bench.runner import scratch


def test_folders_of_dead_runs_are_swept_and_those_of_living_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(scratch, "_YOUNG", -1.0)
    living, dead = scratch.Scratch(), tmp_path / "grindstone-dead"
    dead.mkdir()
    (dead / "lock").touch()
    (dead / "train.npy").touch()
    (tmp_path / "grindstone-other").mkdir()  # somebody's, and no run's
    scratch.sweep()
    assert {path.name for path in tmp_path.iterdir()} == {living.path.name, "grindstone-other"}
    living.clean()
    assert not living.path.exists()
