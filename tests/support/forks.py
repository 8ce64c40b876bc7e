"""A Python that has imported what takes seconds to import, and runs file after file in a fork.

TensorFlow starts its threads, and looks for its devices, with the first operation: a fork of a
process that has only imported it is as a process that was started for the file alone.
"""

from __future__ import annotations

import functools
import hashlib
import json
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import ROOT
from tests.support.cache import cache_folder, locked

_FORKED = Path(__file__).with_name("forked.py")
# NumPy's threads would be those of the parent alone.
_ALONE = {"OPENBLAS_NUM_THREADS": "1"}


class Forks:
    """One such Python for all of the tests' processes: the first one starts it, the last ends it.

    env: all of its environment.
    """

    def __init__(
        self, python: Path, modules: tuple[str, ...], env: tuple[tuple[str, str], ...]
    ) -> None:
        asked = repr((str(ROOT), str(python), modules, env))
        name = f"forks-{hashlib.sha256(asked.encode()).hexdigest()[:12]}"
        path = cache_folder() / name
        self._server = socket.socket(socket.AF_UNIX)
        with locked(name):
            try:
                self._server.connect(str(path))
            except OSError:  # nobody listens
                path.unlink(missing_ok=True)
                with socket.socket(socket.AF_UNIX) as listening:
                    listening.bind(str(path))
                    listening.listen()
                    self._process = _started(python, modules, dict(env), listening, name)
                self._server.connect(str(path))
        self._said = self._server.makefile("r")

    def run(
        self, file: Path, *arguments: str, env: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Runs a file to its end, with more variables set."""
        with tempfile.TemporaryDirectory() as folder:
            said = {name: f"{folder}/{name}" for name in ("stdout", "stderr")}
            asked = {"file": str(file), "arguments": arguments, "env": dict(env), **said}
            self._server.sendall(f"{json.dumps(asked)}\n".encode())
            status = self._said.readline()
            assert status, "what runs files in forks has ended"
            told = [Path(path).read_text(encoding="utf-8") for path in said.values()]
        return subprocess.CompletedProcess([str(file), *arguments], int(status), *told)


def _started(
    python: Path, modules: tuple[str, ...], env: dict[str, str], listening: socket.socket, name: str
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [python, _FORKED, str(listening.fileno()), cache_folder() / f".{name}.lock", *modules],
        cwd=ROOT,
        env={**_ALONE, **env, "PYTHONPATH": str(ROOT)},
        pass_fds=(listening.fileno(),),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


# The one of a Python, what it imports and its environment.
forks = functools.cache(Forks)
