"""What the unit tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.comparison import Files
from tests.support.fake_host import FakeHost


@pytest.fixture
def write(tmp_path: Path) -> Files:
    """Records in a folder, as they are written."""
    return Files(tmp_path / "results")


@pytest.fixture
def machine(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path)
