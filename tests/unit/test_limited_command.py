"""A command is waited for, for a while."""

from __future__ import annotations

import sys

import pytest

from plugins.module_utils import limited_command


def test_a_command_that_is_missing_says_nothing() -> None:
    assert limited_command.output("no-such-command-here") == ""
    assert limited_command.output(sys.executable, "-c", "print('said')") == "said\n"


def test_a_command_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited_command, "LIMIT", 0.2)
    assert limited_command.output(sys.executable, "-c", "import time; time.sleep(60)") == ""
