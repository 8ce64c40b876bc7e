"""The version has one source, bench/__init__.py: what cannot read it there says the same."""

from __future__ import annotations

import re

import yaml

import bench
from plugins.plugin_utils.gpu_stack.plan import GRINDSTONE
from tests.conftest import ROOT


def test_collection_plan_and_changelog_have_the_version_of_the_package() -> None:
    told = {
        "galaxy.yml": yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"],
        "plan.json": GRINDSTONE,
        "CHANGELOG.md": _first(r"^## (\S+)", "CHANGELOG.md"),
    }
    assert told == dict.fromkeys(told, bench.__version__)


def test_the_wheel_has_it_from_there() -> None:
    assert _first(r"^dynamic = \[(.*)\]$", "pyproject.toml") == '"version"'
    assert _first(r"^path = (.*)$", "pyproject.toml") == '"bench/__init__.py"'


def _first(pattern: str, name: str) -> str:
    found = re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
    assert found, name
    return found.group(1)
