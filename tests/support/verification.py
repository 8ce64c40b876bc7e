"""The plan that a test verifies by, and how a check of it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from roles.verify.files.verify.stage import StageError

KERNEL = "6.1.0-50-amd64"
PLAN: dict[str, Any] = {
    "host": {"kernel": KERNEL},
    "gpus": [{"address": "0000:01:00.0"}, {"address": "0000:02:00.0", "used": True}],
    "driver": {"action": "install"},
    "cuda": {"action": "wheels", "version": "12.5", "cudnn": "9.3.0.75"},
    "tensorflow": {"gpu": True},
}


def failure(check: Callable[..., str], *arguments: Any) -> tuple[str, str]:
    with pytest.raises(StageError) as caught:
        check(*arguments)
    return str(caught.value), caught.value.advice
