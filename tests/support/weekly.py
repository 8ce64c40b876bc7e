"""What is run once a week: it takes minutes, and what it looks at seldom changes."""

from __future__ import annotations

import os

import pytest

NAME = "GRINDSTONE_WEEKLY"


def asked() -> bool:
    """Whether this is the week's run, in which tests of chance and mass take more of either."""
    return bool(os.environ.get(NAME))


def weekly(what: str) -> pytest.MarkDecorator:
    """Skips a test unless the week's run is asked for; `what` says what it does."""
    return pytest.mark.skipif(not asked(), reason=f"once a week, {NAME}=1 {what}")
