"""What the options of a command line come to, without a plan unless one is named."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bench import options
from bench.observe.devices import Found
from bench.options import Settings
from bench.runner.limits import DEFAULT_LIMITS
from tests.support.records import CPU

BARE = Found((CPU,), why_no_gpu="no NVIDIA driver installed")


def parsed(*words: str) -> argparse.Namespace:
    """The options as they are written."""
    parser = argparse.ArgumentParser()
    options.add_options(parser.add_argument)
    return parser.parse_args(words)


def chosen(*words: str, found: Found = BARE, **more: Any) -> Settings:
    """What they choose on a host with such devices."""
    return options.read_settings(parsed("--plan=/none/plan.json", *words), found, **more)


def smoke(results: Path, worker: Path, **members: Any) -> Settings:
    """A smoke run on the CPU, which that worker trains."""
    usual: dict[str, Any] = {
        **dict.fromkeys(["devices_asked_for", "data_dir", "cache_dir", "plan"]),
        "profile": "smoke",
        "devices": (CPU,),
        "synthetic": False,
        "seed": 1,
        "limits": DEFAULT_LIMITS,
        "results_dir": results,
        "worker_python": worker,
        "worker_chosen_by": "--worker-python",
    }
    return Settings(**{**usual, **members})
