"""How Grindstone is called here, so that what is advised can be run as it is told."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The folder of a wheel in which `bench` is (pyproject.toml): nothing else is in it.
INSTALLED = ROOT.name == "grindstone_bench"

COMMAND = "grindstone" if INSTALLED else "python -m bench"
BENCHMARK = "grindstone run" if INSTALLED else "pytest bench/"
