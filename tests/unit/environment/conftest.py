"""An index, and an environment from it that is made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from plugins.modules import locked_environment as module
from tests.support.edge_index import make, wheel


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds edge 1.0, made once for all tests here."""
    folder = tmp_path_factory.mktemp("first")
    make(folder / "here", folder / "index", wheel(folder / "index/edge", "1.0"))
    return folder / "here"


@pytest.fixture
def made(first: Path, tmp_path: Path) -> tuple[Path, str]:
    """The same one for this test alone, and its lock."""
    path = shutil.copytree(first, tmp_path / "here", symlinks=True)
    return path, (path / module.LOCK).read_text(encoding="utf-8")
