"""What a playbook is doing at the moment, as one line of a terminal."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time

PATIENCE = 30  # s in which a log says nothing of a task that runs
FIRST = 2  # s in which a terminal says nothing of it


def elapsed(seconds: float) -> str:
    """A time as a person says it."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


class Progress:
    """Says which task runs and for how long: in a terminal each second, in a log once.

    It writes past Python's buffers and holds no lock of theirs, for Ansible forks while it runs.
    """

    def __init__(self) -> None:
        self.terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.task = ""
        self._running: dict[str, float] = {}
        self._answered: set[str] = set()
        self._told = False
        self._shown = False
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, host: str) -> None:
        """The host begins with a task."""
        with self._lock:
            if not self._running:
                self._told = False
            self._running[host] = time.monotonic()
        if self._thread is None:
            self._thread = threading.Thread(target=self._tick, daemon=True)
            self._thread.start()

    def end(self, host: str) -> float:
        """The host is through with it: how long it took, in s."""
        with self._lock:
            self._answered.add(host)
            began = self._running.pop(host, None)
            return 0.0 if began is None else time.monotonic() - began

    def clear(self) -> None:
        """Makes room for a line that is there to stay."""
        with self._lock:
            if self._shown:
                os.write(sys.stdout.fileno(), b"\r\x1b[K")
                self._shown = False

    def close(self) -> None:
        """Says no more."""
        self._ended.set()
        self.clear()

    def _tick(self) -> None:
        while not self._ended.wait(1):
            with self._lock:
                self.tell()

    def tell(self) -> None:
        """Writes the line, where it is time for it."""
        # Whoever has not answered yet may be asked for a password, in this very line.
        hosts = [host for host in self._running if host in self._answered]
        if not self.task or not hosts or len(hosts) < len(self._running):
            return
        seconds = time.monotonic() - min(self._running.values())
        others = f" and {len(hosts) - 1} more" if hosts[1:] else ""
        line = f"[{hosts[0]}{others}] {self.task} ({elapsed(seconds)} so far)"
        if self.terminal and seconds >= FIRST:
            columns = shutil.get_terminal_size().columns - 1
            os.write(sys.stdout.fileno(), f"\r{line[:columns]}\x1b[K\r".encode())
            self._shown = True
        elif not self.terminal and seconds >= PATIENCE and not self._told:
            os.write(sys.stdout.fileno(), f"running: {line}\n".encode())
            self._told = True
