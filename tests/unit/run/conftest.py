"""A copy of this checkout, and what its `./run` finds on PATH."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.ansible_env import HERE
from tests.support.run_copy import PYTHON, SAYS_HOW, Run, Start, stub


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A checkout in a path with spaces."""
    folder = tmp_path / "a path with spaces"
    (folder / "requirements").mkdir(parents=True)
    (folder / "requirements/run.txt").touch()
    (folder / "ansible").mkdir()
    (folder / "ansible/__init__.py").touch()
    (folder / "ansible/__main__.py").write_text(SAYS_HOW, encoding="utf-8")
    (folder / "pytest.py").write_text(SAYS_HOW, encoding="utf-8")
    (folder / "plugins/plugin_utils").mkdir(parents=True)
    for name in ("msgspec.py", "numpy.py", "plugins/plugin_utils/playbook_words.py"):
        (folder / name).touch()
    shutil.copy(HERE / "run", folder)
    return folder


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder of commands that holds what `run` needs and no Python, no uv and no sudo."""
    folder = tmp_path / "tools"
    folder.mkdir()
    needed = ("sh", "cat", "dirname", "env", "id", "locale", "readlink", "rm", "sha256sum")
    for name in (*needed, "flock", "setpriv", "setsid", "sleep"):
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    return folder


@pytest.fixture
def run(copy: Path, tools: Path, tmp_path: Path) -> Run:
    def call(
        *arguments: str,
        env: dict[str, str] | None = None,
        user: int | None = None,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(copy / "run"), *arguments],
            cwd=cwd or tmp_path,
            env={"PATH": str(tools), "HOME": str(tmp_path), **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )

    return call


@pytest.fixture
def start(copy: Path, tools: Path, tmp_path: Path) -> Start:
    def call(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(copy / "run"), *arguments],
            env={"PATH": str(tools), "HOME": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return call


@pytest.fixture
def python(tools: Path) -> None:
    """`python3` on that path."""
    stub(tools / "python3", f'exec "{PYTHON}" "$@"')


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment without packages, to be copied: quicker than to make it anew."""
    folder = tmp_path_factory.mktemp("environment") / "made"
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", str(folder)], check=True)
    return folder


@pytest.fixture
def makes(made_once: Path, copy: Path) -> str:
    """Shell code that makes the environment which is its last argument, and installs nothing.

    It finds what says how it was called from every folder.
    """
    return (
        f'for folder; do :; done; {shutil.which("cp")} -a "{made_once}" "$folder"; '
        f'for site in "$folder"/lib/python*/site-packages; do echo "{copy}" >"$site/copy.pth"; done'
    )


@pytest.fixture
def uv(python: None, tools: Path, makes: str) -> None:  # noqa: ARG001
    """`python3`, and a `uv` that pretends."""
    stub(tools / "uv", f"case $1 in venv) {makes};; esac")
