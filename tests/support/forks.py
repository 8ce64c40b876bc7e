"""A Python that has imported what takes seconds to import, and runs file after file in a fork.

TensorFlow starts its threads, and looks for its devices, with the first operation: a fork of a
process that has only imported it is as a process that was started for the file alone.
"""

from __future__ import annotations

import atexit
import functools
import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.conftest import ROOT

_FORKED = Path(__file__).with_name("forked.py")
# NumPy's threads would be those of the parent alone.
_ALONE = {"OPENBLAS_NUM_THREADS": "1"}


class Forks:
    """One such Python: it imports where it is first asked, and ends with this process.

    env: all of its environment.
    """

    def __init__(self, python: Path, modules: Sequence[str], env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [python, _FORKED, *modules],
            cwd=ROOT,
            env={**_ALONE, **env, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        atexit.register(self._end)

    def run(
        self, file: Path, *arguments: str, env: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Runs a file to its end, with more variables set."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            said = {name: f"{folder}/{name}" for name in ("stdout", "stderr")}
            asked = {"file": str(file), "arguments": arguments, "env": dict(env), **said}
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            status = self._process.stdout.readline()
            assert status, f"{self._process.args!r} ended with {self._process.wait()}"
            told = [Path(path).read_text(encoding="utf-8") for path in said.values()]
        return subprocess.CompletedProcess([str(file), *arguments], int(status), *told)

    def _end(self) -> None:
        self._process.communicate()


@functools.cache
def forks(python: Path, modules: tuple[str, ...], env: tuple[tuple[str, str], ...]) -> Forks:
    """The one of a Python, what it imports and its environment."""
    return Forks(python, modules, dict(env))
