"""Imports modules once, and runs Python files in forks of itself: half of tests/support/forks.py.

PYTHON forked.py MODULE…   # reads a line of JSON for each file, and answers with its exit status
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
import traceback
from typing import Any


def main() -> None:
    """The command line."""
    for name in sys.argv[1:]:
        importlib.import_module(name)
    for line in sys.stdin:
        if not (child := os.fork()):
            become(json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def become(asked: dict[str, Any]) -> None:
    """Runs the file as if this process had been started with it, and ends."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(asked[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.environ.update(asked["env"])
    sys.argv = [asked["file"], *asked["arguments"]]
    status = 1
    try:
        runpy.run_path(asked["file"], run_name="__main__")
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
