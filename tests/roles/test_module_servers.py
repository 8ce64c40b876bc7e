"""What runs modules in roots is to them as a Python of their own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import module_servers, roots
from tests.support.ansible_env import ansible_environment

PARENT = "import os; print(os.getppid())"


@pytest.fixture
def root(base: Callable[[str], Path], tmp_path: Path) -> Iterator[roots.Root]:
    with roots.root_on([base("bookworm")], tmp_path) as root:
        yield root
    roots.discard(tmp_path)


def started(root: roots.Root, python: str, source: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        ["chroot", str(root.path), python],
        env=ansible_environment(GIVEN="to it"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    process.stdin.write(source)
    process.stdin.close()
    process.stdin = None
    return process


def result(root: roots.Root, python: str, source: str) -> tuple[str, str, int]:
    with started(root, python, source) as process:
        output, errors = process.communicate()
    return output, errors, process.returncode


@pytest.mark.parametrize(
    "source",
    [
        "import os, sys; print(os.getcwd(), os.listdir('/'), sys.argv, __name__, os.environ)",
        "import sys; print('half', file=sys.stderr); sys.exit(7)",
        "import sys; sys.exit('said')",
        "import atexit; atexit.register(print, 'at last'); raise SystemExit",
        "import __main__; print(__main__.__file__)",
    ],
)
def test_a_fork_behaves_as_a_python_that_was_started(root: roots.Root, source: str) -> None:
    server = str(module_servers._SERVERS["python3.11"].pid)
    assert result(root, module_servers.interpreter(), PARENT)[0].strip() == server
    forked = result(root, module_servers.interpreter(), source)
    output, errors, status = result(root, module_servers.PYTHON, source)
    assert forked[0::2] == (output, status)
    assert forked[1].splitlines()[-1:] == errors.splitlines()[-1:]


def test_what_runs_for_a_client_that_is_killed_ends_with_it(root: roots.Root) -> None:
    source = "import subprocess; subprocess.run(['sleep', 'infinity'])"
    with started(root, module_servers.interpreter(), source) as client:
        while len(root.processes()) < len(("client", "fork", "sleep")):
            time.sleep(0.01)
        client.kill()
    for _ in range(1000):
        if not root.processes():
            break
        time.sleep(0.01)
    assert root.processes() == []
