"""Roots for the tests of the roles; where none can be made, they are skipped and say why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.roles import roots


@pytest.fixture(scope="session")
def base() -> Callable[[str], Path]:
    """A fresh Debian's root by its suite, not to be changed."""
    reason = roots.missing()
    if reason:
        pytest.skip(reason)
    try:
        roots.leave_the_mounts_to_this_process()
    except OSError as error:
        pytest.skip(f"it mounts roots of its own: {error}")
    return roots.base


@pytest.fixture
def fresh(base: Callable[[str], Path], tmp_path: Path) -> Iterator[Callable[[str], roots.Root]]:
    """Makes a fresh root of a Debian suite."""
    with ExitStack() as stack:
        yield lambda suite: stack.enter_context(roots.root_on([base(suite)], tmp_path))


@pytest.fixture(scope="session")
def first_run(
    base: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[roots.Played, list[Path]]:
    """The first run of `site.yml` on a fresh Debian 12, and the layers that it came to."""
    with roots.root_on([base("bookworm")], tmp_path_factory.mktemp("installed")) as root:
        root.share_downloads()
        return root.play(), [root.changes, *root.layers]


@pytest.fixture
def installed(first_run: tuple[roots.Played, list[Path]], tmp_path: Path) -> Iterator[roots.Root]:
    """A root where `site.yml` has run once."""
    played, layers = first_run
    assert played.status == 0, played.output
    with roots.root_on(layers, tmp_path) as root:
        root.share_downloads()
        yield root
