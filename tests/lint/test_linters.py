"""Each linter over the whole tree, as a test, so that they run beside the others."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.program import to_the_end

LINTERS = {
    "ansible-lint": "python -m ansiblelint --offline --strict",
    "mypy": "python -m mypy",
    "ruff check": "python -m ruff check",
    "ruff format": "python -m ruff format --check",
    "imports": "lint-imports",
    "unused code": "vulture",
    "dependencies": "deptry .",
    "shellcheck": "shellcheck run .ci/run",
    "yamllint": "python -m yamllint --strict .",
}


@pytest.mark.parametrize("name", LINTERS)
def test_finds_nothing(name: str) -> None:
    folder = str(Path(sys.executable).parent)
    done = to_the_end(
        LINTERS[name].split(),
        cwd=ROOT,
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        together=True,
    )
    assert done.returncode == 0, done.stdout
