"""Virtual machines for the tests; where none can be made, they are skipped and say why.

What each file takes on 2 idle cores stands in its first lines.  The base image takes a minute more
where none is kept.  The update of a kernel is left out of `./run test` for its time:

    GRINDSTONE_VM=all python -m pytest tests/vm
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import roots
from tests.vm import images, machine


@pytest.fixture(scope="session")
def vm_base() -> images.Base:
    """The disk that every machine starts from, not to be changed."""
    reason = roots.missing() or machine.missing()
    if reason:
        pytest.skip(reason)
    try:
        roots.unshare_mounts()
    except OSError as error:
        pytest.skip(f"it mounts roots of its own: {error}")
    return images.base()


@pytest.fixture
def guest(vm_base: images.Base, tmp_path: Path) -> Iterator[Callable[..., machine.Machine]]:
    """Makes a machine on the base's disk; it is off."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(
            machine.machine(vm_base, vm_base.disk, tmp_path, **options)
        )
