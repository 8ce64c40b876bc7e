"""What ends a run from outside: SIGTERM and SIGHUP do what Ctrl-C does; exit status 143, 129."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class StoppedError(KeyboardInterrupt):
    """A signal asks this process to end: everything is kept and cleaned as after Ctrl-C."""


class Stopping:
    """Until it is closed, the signals raise StoppedError; one that is ignored (nohup) stays so.

    status: the exit status of a process that such a signal has ended; 0 while none has come.
    """

    def __init__(self) -> None:
        self.status = 0
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.getsignal(number) for number in _SIGNALS}
        for number, handler in self._before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, self._stop)

    def close(self) -> None:
        """Puts things back as they were."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)  # the way out is short, and is gone to its end
        self.status = 128 + number
        if number == signal.SIGHUP:
            _forget_terminal()
        raise StoppedError(f"ended by {signal.Signals(number).name}")


def _forget_terminal() -> None:
    """Whoever closed it reads no more, and each write to it would fail."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
        with contextlib.suppress(OSError):
            if os.isatty(number):
                os.dup2(nowhere, number)
    os.close(nowhere)
