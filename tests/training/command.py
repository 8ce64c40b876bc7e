"""The real command, `python -m pytest bench/`, run as a person runs it: in a pipe or a terminal."""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from bench.record.codec import read
from bench.record.model import Record
from tests.conftest import ROOT

# A loaded machine takes minutes over what a quiet one does in seconds; a hung test ends after all.
PATIENCE = 600.0
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
# A new session has no terminal until it asks for one, and Ctrl-C reaches who has one.
_WITH_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    output: all that it wrote, without escape codes where it had a terminal.
    """

    status: int
    output: str

    def failures(self) -> dict[str, list[str]]:
        """The lines of each failed test's report, by the test's name."""
        found: dict[str, list[str]] = {}
        lines: list[str] | None = None
        for line in self.output.splitlines():
            heading = re.fullmatch(r"_{3,} (?:\w+ of )?(\S+) _{3,}", line)
            if heading:
                lines = found.setdefault(heading[1], [])
            elif line.startswith(("===", "---")):
                lines = None
            elif lines is not None and line.strip():
                lines.append(line)
        return found

    def table(self) -> list[str]:
        """The summary: verdict, table and the lines below it."""
        lines = iter(self.output.splitlines())
        for line in lines:
            if re.fullmatch(r"[-=]+ Results [-=]+", line):
                break
        return list(itertools.takewhile(lambda line: not line.startswith(("---", "===")), lines))


@dataclass(frozen=True)
class Command:
    """`pytest bench/` with folders of its own.

    scratch: its TMPDIR, which it must leave empty.
    log: where its output goes.
    page: whether it writes one, which takes half a second of a processor.
    """

    worker_python: Path
    cache: Path
    results: Path
    scratch: Path
    log: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    page: bool = False

    def arguments(self, *options: str, where: tuple[str, ...] = ("bench/",)) -> list[str]:
        return [
            *("-m", "pytest", *where, "--profile=smoke", "-p", "no:cacheprovider"),
            f"--worker-python={self.worker_python}",
            f"--cache-dir={self.cache}",
            f"--results-dir={self.results}",
            "--plan=/nonexistent/plan.json",
            *([] if self.page else ["--no-page"]),
            *options,
        ]

    def environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTEST", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CI"))
        }
        return {
            **kept,
            "CUDA_VISIBLE_DEVICES": "-1",  # on a machine with GPUs, too, the CPU's rows are enough
            "GRINDSTONE_MNIST_URL": "",
            "TERM": "xterm-256color",
            "TMPDIR": str(self.scratch),
            **self.variables,
        }

    def run(self, *options: str, where: tuple[str, ...] = ("bench/",)) -> Ended:
        """Runs it to its end, its output going to a file."""
        with self.log.open("wb") as file:
            done = subprocess.run(
                [sys.executable, *self.arguments(*options, where=where)],
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
                timeout=PATIENCE,
            )
        return Ended(done.returncode, self.log.read_text(encoding="utf-8"))

    @contextmanager
    def in_terminal(self, *options: str) -> Iterator[Terminal]:
        """Runs it in a terminal of 120 columns, whose Ctrl-C it gets."""
        ours, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        command = [sys.executable, "-c", _WITH_TERMINAL, *self.arguments(*options)]
        with subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment(),
            stdin=its,
            stdout=its,
            stderr=its,
            start_new_session=True,
        ) as process:
            os.close(its)
            terminal = Terminal(process, ours)
            try:
                yield terminal
            finally:
                process.kill()
                os.close(ours)

    def record(self) -> Record:
        """The one record that was written."""
        files = [each for each in self.results.iterdir() if each.is_file()]
        (path,) = (each for each in files if each.suffix != ".html")
        return read(path)

    def result(self, workload: str, device: str = "cpu") -> Any:
        """The record's one result of a workload on a device, finished or failed."""
        results = self.record().results
        (result,) = (r for r in results if (r.workload, r.device.id) == (workload, device))
        return result

    def left_behind(self) -> list[str]:
        """Processes of a run that has ended, and what it left in its temporary folder."""
        mine = f"TMPDIR={self.scratch}".encode()
        found = []
        for process in psutil.process_iter():
            try:
                environment = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
                if mine in environment and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(" ".join(process.cmdline()))
            except (OSError, psutil.Error):  # it has ended meanwhile, or is not ours to look at
                continue
        return found + [path.name for path in self.scratch.iterdir()]


class Terminal:
    """A run that believes that a person watches."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self._process = process
        self._master = master
        self.raw = ""

    @property
    def shown(self) -> str:
        """What it has written so far, without escape codes."""
        return _ESCAPE.sub("", self.raw)

    def wait_for(self, pattern: str) -> None:
        """Reads until the pattern has been shown."""
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.shown):
            assert time.monotonic() < deadline, f"no {pattern!r} in:\n{self.shown}"
            assert self._read(), f"it ended without {pattern!r}:\n{self.shown}"

    def worker(self) -> psutil.Process:
        """The worker that runs now."""
        (worker,) = [
            child
            for child in psutil.Process(self._process.pid).children()
            if "bench.worker" in child.cmdline()
        ]
        return worker

    def press_ctrl_c(self) -> None:
        os.write(self._master, b"\x03")

    def kill(self) -> None:
        """Ends pytest as the kernel would, without a chance to clean up."""
        self._process.send_signal(signal.SIGKILL)

    def end(self) -> Ended:
        """Reads to the end."""
        while self._read():
            pass
        return Ended(self._process.wait(PATIENCE), self.shown)

    def _read(self) -> bool:
        """Reads what there is, waiting for it; False at the end."""
        assert select.select([self._master], [], [], PATIENCE)[0], f"silence after:\n{self.shown}"
        try:
            data = os.read(self._master, 65536)
        except OSError as error:
            if error.errno == errno.EIO:  # Linux' way to say that nobody has it open any more
                return False
            raise
        self.raw += data.decode(errors="replace")
        return bool(data)
