"""What this machine would train with, as JSON: asked of all before they train together.

python -m bench.runner.describe [the options of pytest bench/]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from bench import options
from bench.errors import GrindstoneError
from bench.observe import devices
from bench.runner.interpreter import ROOT, clean_environment

_VERSION = "import tensorflow as tf; print(tf.__version__)"


def main(arguments: list[str]) -> int:
    """0, or 2 and one line."""
    parser = argparse.ArgumentParser(add_help=False)
    options.add_options(parser.add_argument)
    chosen, _of_pytest = parser.parse_known_args(arguments)
    try:
        found = devices.find()
        settings = options.read_settings(chosen, found)
        version = _version(settings.worker_python, settings.limits.start)
    except GrindstoneError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    told = {
        "tensorflow": version,
        "interpreter": str(settings.worker_python),
        "gpus": len(found.devices) - 1,
        "chosen": chosen.device is not None,
    }
    print(json.dumps(told))
    return 0


def _version(python: Path, within: float) -> str:
    """That of the TensorFlow that trains.

    Raises:
        GrindstoneError: there is none, or it cannot be imported.
    """
    try:
        done = subprocess.run(
            [python, "-c", _VERSION],
            capture_output=True,
            text=True,
            check=False,
            env={**clean_environment(), "CUDA_VISIBLE_DEVICES": "-1"},
            cwd=ROOT,
            timeout=within,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GrindstoneError(f"{python} cannot be started: {error}") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise GrindstoneError(f"{python} cannot import TensorFlow: {last}")
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
