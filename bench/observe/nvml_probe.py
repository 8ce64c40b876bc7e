"""Whether NVML answers at all, asked in a child.

A driver that is stuck hangs whoever calls it, in a call that no signal ends.
"""

from __future__ import annotations

import signal
import sys

from bench.observe import child

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
    code = child.status([sys.executable, "-c", _ASK], within)
    if code is None:
        return (
            f"NVML does not answer within {within:g} s; `sudo dmesg | grep -i xid` may say why, "
            "and a reboot helps"
        )
    if code < 0:
        return (
            f"NVML broke off: its process was ended by {signal.Signals(-code).name}; "
            "libnvidia-ml.so.1 may be damaged: reinstall the NVIDIA driver"
        )
    return None
