"""What cannot be done, as pytest tells it before anything is trained: one line, exit status 4."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

import pytest

from bench.errors import GrindstoneError, shown, unforeseen


@contextlib.contextmanager
def one_line(config: pytest.Config) -> Generator[None]:
    """Has whatever goes wrong in the block told in one line; all of it with --full-trace."""
    try:
        yield
    except GrindstoneError as error:
        raise pytest.UsageError(f"bench: {shown(error)}") from error
    except Exception as error:
        if config.option.fulltrace:
            raise
        told = f"bench: {unforeseen(error)}; --full-trace shows where it comes from"
        raise pytest.UsageError(told) from error
