"""A real command with a cache that all trainings share, because drawing takes its time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.support.drawn import drawn_digits
from tests.training.command import Command


@pytest.fixture(scope="session")
def cache(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all processes of a run: to draw the grind network's images takes ten seconds."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if hasattr(request.config, "workerinput") else own) / "cache"
    digits = drawn_digits()
    (folder / digits.parent.name).mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        (folder / digits.parent.name / digits.name).symlink_to(digits)
    return folder


@pytest.fixture(scope="module")
def module_command(
    worker_python: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Command:
    """For one run that several tests look at."""
    return _command(worker_python, cache, tmp_path_factory.mktemp("run"))


@pytest.fixture
def command(worker_python: Path, cache: Path, tmp_path: Path) -> Command:
    return _command(worker_python, cache, tmp_path)


def _command(worker_python: Path, cache: Path, folder: Path) -> Command:
    scratch = folder / "scratch"
    scratch.mkdir()
    return Command(worker_python, cache, folder / "results", scratch, folder / "output.txt")


@pytest.fixture
def memory_cage() -> Iterator[Callable[[int], Path]]:
    """Makes a cgroup of so many MiB; a process that writes its id to the path is in it."""
    root = Path("/sys/fs/cgroup")
    unified = (root / "cgroup.controllers").exists()
    parent, limit = (root, "memory.max") if unified else (root / "memory", "memory.limit_in_bytes")

    def cage(mebibytes: int) -> Path:
        folder = parent / f"grindstone-test-{os.getpid()}"
        try:
            folder.mkdir()
            stack.callback(folder.rmdir)
            (folder / limit).write_text(f"{mebibytes << 20}", encoding="ascii")
            if unified:
                (folder / "memory.swap.max").write_text("0", encoding="ascii")
        except OSError as error:
            pytest.skip(f"no cgroup can be made here to run out of memory in: {error}")
        return folder / "cgroup.procs"

    with ExitStack() as stack:
        yield cage
