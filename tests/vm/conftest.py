"""Virtual machines for the tests; where none can be made, they are skipped and say why."""

from __future__ import annotations

import pytest

from tests.support import roots
from tests.vm import images, machine


@pytest.fixture(scope="session")
def vm_base() -> images.Base:
    """The root that every machine starts from, not to be changed."""
    reason = roots.missing() or machine.missing()
    if reason:
        pytest.skip(reason)
    try:
        roots.unshare_mounts()
    except OSError as error:
        pytest.skip(f"it mounts roots of its own: {error}")
    return images.base()
