"""What the unit tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.datasets.prepared import Store
from tests.support.bench_verbs import Files
from tests.support.fake_host import FakeHost
from tests.support.no_data import blank


@pytest.fixture
def write(tmp_path: Path) -> Files:
    """Records in a folder, as they are written."""
    return Files(tmp_path / "results")


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is trained on are a few black pictures."""
    monkeypatch.setattr(Store, "prepare", blank)


@pytest.fixture
def machine(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)
