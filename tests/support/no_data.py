"""A plugin of pytest: `pytest bench/` with no data drawn, for workers that only pretend.

It is copied to where `-p no_data` finds it, and must import nothing of `bench` by itself: which
checkout that is becomes known later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from bench.datasets.prepared import Prepared


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    if session.config.option.collectonly:
        return
    from bench.datasets.prepared import Store

    Store.prepare = blank  # type: ignore[assignment, method-assign]


def blank(*_: object) -> Prepared:
    """Black pictures, in the place of `Store.prepare`."""
    import numpy as np

    from bench.datasets.dataset import Dataset, Split
    from bench.datasets.prepared import Prepared

    split = Split(np.zeros((60, 2, 2, 1), np.uint8), np.arange(60) % 10)
    dataset = Dataset("mnist", "synthetic", "generated", split, split)
    return Prepared(dataset, {}, dataset.sha256())
