"""Whether NVML answers at all, asked in a child.

A driver that is stuck hangs whoever calls it, in a call that no signal ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

# s; without persistence mode the first call wakes every GPU, some seconds each.
WITHIN = 30.0
_ASK = """
import sys
sys.path[:] = [path for path in sys.path if path]  # no module of the folder that one stands in
import pynvml
pynvml.nvmlInit()
for index in range(pynvml.nvmlDeviceGetCount()):
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    pynvml.nvmlDeviceGetName(handle), pynvml.nvmlDeviceGetUUID(handle)
"""


def why_not(within: float = WITHIN) -> str | None:
    """Why NVML must not be called here, or None: an error that it reports is an answer."""
    child = subprocess.Popen(
        [sys.executable, "-c", _ASK],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        code = child.wait(within)
    except subprocess.TimeoutExpired:
        return (
            f"NVML does not answer within {within:g} s; `sudo dmesg | grep -i xid` may say why, "
            "and a reboot helps"
        )
    finally:
        if child.returncode is None:
            _leave(child)
    if code < 0:
        return f"NVML broke off: its process was ended by {signal.Signals(-code).name}"
    return None


def _leave(child: subprocess.Popen[bytes]) -> None:
    """Ends it if it can be ended: one that waits in the kernel is not waited for."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(1.0)
