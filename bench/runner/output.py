"""Keeps a run training whose output cannot be written; a line at the end says so."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator
from typing import Any, TextIO

import pytest

from bench import files
from bench.errors import shown, why
from bench.runner.collection import SESSION


def open_streams(config: pytest.Config) -> None:
    """Gives pytest the streams that it was started without: it writes to them, there or not."""
    if sys.stdout is not None and sys.stderr is not None:
        return
    capturing = config.pluginmanager.getplugin("capturemanager")
    capturing.stop_global_capturing()  # which would put back what was there: nothing
    files.open_streams()
    capturing.start_global_capturing()
    capturing.suspend_global_capture()


class Output:
    """Standard output for pytest's reporter, and a plugin that tells at the end what it lost."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._problem = ""

    def __getattr__(self, name: str) -> Any:
        """All else is the stream's own."""
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Writes it, or lets it go."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._let_go(error)
            return len(text)

    def flush(self) -> None:
        """Writes what is left to write, or lets it go."""
        try:
            self._stream.flush()
        except OSError as error:
            self._let_go(error)

    def _let_go(self, error: OSError) -> None:
        """Empties the stream, which would fail once more at the process's end."""
        self._problem = self._problem or why(error)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        self._stream.flush()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        """Says it once all is told."""
        yield
        self.flush()
        if not self._problem:
            return
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        record = session.config.stash[SESSION].record
        where = f"; the record is {shown(record.path)}" if record.written else ""
        with contextlib.suppress(OSError):  # nor is there anybody to tell
            print(f"bench: the output cannot be written: {self._problem}{where}", file=sys.stderr)
