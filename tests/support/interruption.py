"""Power cuts at chosen points of mock packages' scripts and tools (mock_packages.WAIT)."""

from __future__ import annotations

import os
import subprocess

from tests.support import playbook, roots


def kill_at(points: list[tuple[str, roots.Root]], running: subprocess.Popen[str]) -> None:
    """Cuts the power, as it were, when a script or a tool is at each point of a root (see WAIT)."""
    writers = []
    for point, root in points:
        gate = root.path / f"srv/wait-{point}"
        while True:
            try:
                writers.append(os.open(gate, os.O_WRONLY | os.O_NONBLOCK))
            except OSError:  # nobody reads yet
                try:
                    output, _ = running.communicate(timeout=0.05)
                except subprocess.TimeoutExpired:
                    continue
                raise AssertionError(f"it ended before it came to «{gate}»:\n{output}") from None
            break
    playbook.kill(running)
    for (point, root), writer in zip(points, writers, strict=True):
        root.kill()
        os.close(writer)
        (root.path / f"srv/wait-{point}").unlink()


def hold_at(point: str, root: roots.Root) -> None:
    """Lets what comes to `point` in the root wait there."""
    os.mkfifo(root.path / f"srv/wait-{point}")
