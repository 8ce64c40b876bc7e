"""`./run` on a fresh Debian whose python3 cannot make environments yet, with the real apt."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.ansible_env import HERE
from tests.support.program import to_the_end
from tests.support.roots import Root

# Where a person stands, whose folder has the pytest that only speaks.
_IN_THE_CHECKOUT = "cd '/srv/a checkout' && exec ./run bench"


@pytest.fixture
def checkout(fresh: Callable[[str], Root]) -> Root:
    """A root with a checkout in `/srv/a checkout`: its lock is empty and its pytest only speaks."""
    root = fresh("bookworm")
    folder = root.path / "srv/a checkout"
    (folder / "requirements").mkdir(parents=True)
    (folder / "requirements/run.txt").touch()
    (folder / "pytest.py").write_text(
        "if __name__ == '__main__':\n    print('benchmarked')\n", encoding="utf-8"
    )
    for name in ("ansible.py", "msgspec.py", "numpy.py"):
        (folder / name).touch()
    shutil.copy(HERE / "run", folder)
    return root


def run(root: Root, user: str) -> subprocess.CompletedProcess[str]:
    return to_the_end(
        ["chroot", f"--userspec={user}", str(root.path), "sh", "-c", _IN_THE_CHECKOUT],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/"},
    )


def test_root_gets_the_package_that_is_missing_and_goes_on(checkout: Root) -> None:
    done = run(checkout, "root")
    assert done.returncode == 0, done.stderr
    assert "--no-install-recommends python3-venv\n" in done.stderr
    assert done.stdout.endswith("benchmarked\n")


def test_an_ordinary_user_is_told_the_command_that_installs_it(checkout: Root) -> None:
    ensurepip = Path("usr/lib/python3.11/ensurepip")
    assert not (checkout.path / ensurepip).exists()
    done = run(checkout, "nobody")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "run: python3 has no ensurepip; install it, then run this again:  "
        "sudo apt-get install python3-venv"
    )
