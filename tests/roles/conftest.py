"""Roots for the tests of the roles; where none can be made, they are skipped and say why."""

from __future__ import annotations

import fcntl
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.support import roots
from tests.support.playbook import PlayResult


@pytest.fixture(scope="session")
def base() -> Callable[[str], Path]:
    """A fresh Debian's root by its suite, not to be changed."""
    reason = roots.missing()
    if reason:
        pytest.skip(reason)
    try:
        roots.unshare_mounts()
    except OSError as error:
        pytest.skip(f"it mounts roots of its own: {error}")
    return roots.base


@pytest.fixture
def fresh(base: Callable[[str], Path], tmp_path: Path) -> Iterator[Callable[[str], roots.Root]]:
    """Makes fresh roots of a Debian suite."""
    with ExitStack() as stack:

        def made(suite: str) -> roots.Root:
            folder = Path(tempfile.mkdtemp(dir=tmp_path))
            stack.callback(roots.discard, folder)
            return stack.enter_context(roots.root_on([base(suite)], folder))

        yield made


@pytest.fixture(scope="session")
def first_run(
    base: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
) -> Iterator[tuple[PlayResult, list[Path]]]:
    """The first run of `site.yml` on a fresh Debian 12, and the layers that it came to.

    Whichever process of the tests comes first makes it, and the last removes it.  Two locks: one
    is held while it is made or removed, the other shared by all that use it.
    """
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if hasattr(pytestconfig, "workerinput") else own) / "first-run"
    folder.mkdir(exist_ok=True)
    note = folder / "played.json"
    with (folder / "making").open("w") as making, (folder / "used").open("w") as used:
        fcntl.flock(making, fcntl.LOCK_EX)
        if not note.exists():
            with roots.root_on([base("bookworm")], folder, on_disk=True) as root:
                root.share_downloads()
                played = root.play()
            note.write_text(json.dumps([played.status, played.output]), encoding="utf-8")
        fcntl.flock(used, fcntl.LOCK_SH)
        fcntl.flock(making, fcntl.LOCK_UN)
        status, output = json.loads(note.read_text(encoding="utf-8"))
        yield PlayResult(status, output), [folder / "changes", base("bookworm")]
        fcntl.flock(making, fcntl.LOCK_EX)
        with suppress(BlockingIOError):
            fcntl.flock(used, fcntl.LOCK_EX | fcntl.LOCK_NB)
            note.unlink()
            roots.discard(folder)
            (folder / "root").rmdir()


@pytest.fixture
def installed(first_run: tuple[PlayResult, list[Path]], tmp_path: Path) -> Iterator[roots.Root]:
    """A root where `site.yml` has run once."""
    played, layers = first_run
    assert played.status == 0, played.output
    with roots.root_on(layers, tmp_path) as root:
        root.share_downloads()
        yield root
    roots.discard(tmp_path)
