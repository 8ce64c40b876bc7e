"""Trains on what `--against` has left unclear.  Collected with it only, behind all other tests."""

import pytest

from bench.conftest import REQUEST
from bench.runner.collection import ROWS, SESSION, must_pass


def test_against(pytestconfig: pytest.Config) -> None:
    """Trains further repeats of every row until it is clear, and holds them to their floors."""
    from bench.compare.until_clear import train_until_clear
    from bench.record.comparable import Rows

    stash = pytestconfig.stash
    session, request, rows = stash[SESSION], stash[REQUEST], stash[ROWS]
    recorded = Rows.of(session.record.path, session.record.record)
    must_pass(train_until_clear(rows, session.train, request, session.settings, recorded))
