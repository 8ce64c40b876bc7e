"""A running qemu, and the serial console of its guest."""

from __future__ import annotations

import atexit
import re
import subprocess
import threading
from pathlib import Path
from time import monotonic
from typing import BinaryIO

DOWN = "reboot: Power down"  # the kernel's last words
LIMIT_S = 1200  # what takes longer hangs, however busy the host is


class Console:
    """What a guest has printed, and its keyboard; qemu runs as long as the guest is on.

    qemu ends where its guest asks for a reset, and is started anew: on a busy host the firmware may
    hang in a reset of qemu's own, with two processors, and in SMM even with one.
    """

    def __init__(self, qemu: list[str], log: Path) -> None:
        self._command = [*qemu, "-no-reboot", "-serial", "stdio"]
        self._log = log
        self._text = ""
        self._seen = 0
        self._cut = self._ended = False
        self._more = threading.Condition()
        self._qemu = self._start()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        atexit.register(self.power_cut)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _read(self) -> None:
        with self._log.open("ab") as log:
            while True:
                before = len(self._text)
                self._read_one(log)
                with self._more:
                    asked = self._qemu.returncode == 0 and DOWN not in self._text[before:]
                    if self._cut or not asked:
                        self._ended = True
                        self._more.notify_all()
                        return
                    self._qemu = self._start()

    def _read_one(self, log: BinaryIO) -> None:
        """Reads what one qemu prints, to its end."""
        with self._qemu as qemu:
            assert qemu.stdout
            while piece := qemu.stdout.read1(65536):  # type: ignore[attr-defined]
                log.write(piece)
                log.flush()
                with self._more:
                    self._text += piece.decode("utf-8", "replace")
                    self._more.notify_all()

    @property
    def tail(self) -> str:
        """The end of what was printed."""
        return self._text[-2000:]

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Waits for `pattern` after what earlier calls have found, and returns the match."""
        until = monotonic() + LIMIT_S
        with self._more:
            while not (found := re.compile(pattern).search(self._text, self._seen)):
                left = until - monotonic()
                if self._ended:
                    raise AssertionError(f"qemu ended before «{pattern}» was printed:\n{self.tail}")
                if left <= 0 or not self._more.wait(left):
                    raise AssertionError(f"no «{pattern}» within {LIMIT_S} s:\n{self.tail}")
            self._seen = found.end()
        return found

    def send(self, keys: str) -> None:
        """Types `keys` on the console."""
        assert self._qemu.stdin
        self._qemu.stdin.write(keys.encode())
        self._qemu.stdin.flush()

    def power_cut(self) -> None:
        """Ends qemu at once, and reads what is left."""
        with self._more:
            self._cut = True
            self._qemu.kill()
        self._reader.join()
        atexit.unregister(self.power_cut)
