"""A worker's standard error, and the lines of it that tell why it ended."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from bench.errors import WorkerError, why

_LAST_LINES = 12
# What a backend says on every start, on healthy machines, and the addresses that it adds to a
# fatal line: they would hide the line that matters.
_ROUTINE = re.compile(
    r"WARNING: All log messages before absl|.*\bI0000 00:00:|.*oneDNN custom ops"
    r"|.*Unable to register cu|.*TF-TRT Warning|.*Overriding orig_value setting"
    r"|\s*@\s+0x[0-9a-f]+|\*\*\* Check failure stack trace"
)
_ROUTINE_WITHOUT_GPU = re.compile(rf"{_ROUTINE.pattern}|.*failed call to cuInit")
# What a backend logs of a GPU before the error that it ends with, and what that means.
_CAUSES = (
    (
        re.compile("UNSUPPORTED_PTX_VERSION|driver version is insufficient"),
        "the driver is too old for what trains on this GPU: `./run site` installs a newer one",
    ),
    (
        re.compile("NO_BINARY_FOR_GPU|INVALID_PTX|no kernel image is available"),
        "what trains has no kernels for this GPU: `./run site` installs one that has",
    ),
)
# Its own allocators, C++'s and the C library's words for the same.
_OUT_OF_MEMORY = re.compile(
    "ran out of memory|RESOURCE_EXHAUSTED|CUDA out of memory|bad_alloc|annot allocate memory"
)
# What Python says in a process that begins others before it has run its program's file, and in one
# of a pool that fails, for which the pool begins another.
_AGAIN = "current process has finished its bootstrapping phase"
_DIED = re.compile(r"Process \w*PoolWorker-\d+:$")
_MANY_DIED = 30


class WorkerLog:
    """The file that takes a worker's standard error, and its output where that is no message."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def make(self) -> None:
        """Begins anew: what killed the process before must not be found in the log of this one.

        Raises:
            WorkerError: it cannot be made.
        """
        try:
            self.path.unlink(missing_ok=True)
            self.path.touch()
        except OSError as error:
            raise WorkerError(
                f"the worker's log {self.path} cannot be made: {why(error)}; make room there, "
                "or name another place with TMPDIR"
            ) from error

    def add(self, line: str) -> None:
        """Adds a line that was no message: a start-up hook may print anything."""
        with contextlib.suppress(OSError), self.path.open("a", encoding="utf-8") as log:
            log.write(line)

    def last_lines(self, *, is_gpu: bool) -> list[str]:
        """The end of it, less what is routine; what was said again, once."""
        routine = _ROUTINE if is_gpu else _ROUTINE_WITHOUT_GPU
        told = dict.fromkeys(line for line in self._lines() if not routine.match(line))
        return list(told)[-_LAST_LINES:]

    def why_processes_end(self, file: Path) -> str:
        """Why those that a file of one's own begins end, each at once; "" while they do not."""
        lines = self._lines()
        if any(_AGAIN in line for line in lines):
            found = re.findall(rf'File "{re.escape(str(file))}", line (\d+)', "\n".join(lines))
            at = f":{found[0]}" if found else ""
            return (
                f"{file.name}{at}: each process that it begins runs it, too; begin them in data()"
            )
        died = [number for number, line in enumerate(lines) if _DIED.match(line)]
        if len(died) < _MANY_DIED:
            return ""
        *_, said = lines[died[-2] : died[-1]]
        return f"{file.name}: each process of its pool ends as it begins: {said}"

    def tells_of_memory(self) -> bool:
        """Whether it says that memory ran out."""
        return bool(_OUT_OF_MEMORY.search("\n".join(self._lines())))

    def cause(self, error: str) -> str:
        """What the error means, by what was logged before it; "" where nothing tells."""
        text = "\n".join([*self._lines(), error])
        return next((meaning for said, meaning in _CAUSES if said.search(text)), "")

    def _lines(self) -> list[str]:
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except OSError:  # somebody has cleaned up below us
            return []
        return [line.expandtabs().rstrip() for line in text.splitlines() if line.strip()]
