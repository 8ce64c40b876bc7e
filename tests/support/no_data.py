"""A plugin of pytest: `pytest bench/` with no data drawn, for workers that only pretend.

It is copied to where `-p no_data` finds it, and must import nothing of `bench` by itself: which
checkout that is becomes known later.
"""

from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    if session.config.option.collectonly:
        return
    import numpy as np

    from bench.datasets.dataset import Dataset, Split
    from bench.datasets.prepared import Prepared, Store

    split = Split(np.zeros((3, 2, 2, 1), np.uint8), np.zeros(3, np.int64))
    dataset = Dataset("mnist", "synthetic", "generated", split, split)
    Store.prepare = lambda *_: Prepared(dataset, {}, dataset.sha256())  # type: ignore[method-assign]
