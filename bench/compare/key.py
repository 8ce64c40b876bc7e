"""What has to be alike before two times may be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.record.repeats import ENOUGH

Entry = Mapping[str, Any]

# What a record does not say, because it is older than the question.
UNSAID = "not recorded"

# What differs between the two sides of one run, and is meant to; and the network's fingerprint,
# which another Keras may write otherwise: one checkout trained both.
OF_THE_ENVIRONMENT = ("TensorFlow", "Keras", "network")

_NEW_BASELINE = f"make a new baseline: pytest bench/ --processes {ENOUGH}"
_BOTH_IN_ONE_RUN = "train with both in one run: --worker-python A --worker-python B"
_MENDS = {
    "GPU": "compare on one GPU",
    "driver": f"go back to that driver, or {_NEW_BASELINE}",
    "power limit": "sudo nvidia-smi -pl WATTS sets it",
    "processor": "compare on one machine",
    "threads": "taskset chooses the processors; TF_NUM_INTRAOP_THREADS the threads",
    "thread settings": "unset TF_NUM_INTRAOP_THREADS and TF_NUM_INTEROP_THREADS",
    "TensorFlow": _BOTH_IN_ONE_RUN,
    "Keras": _BOTH_IN_ONE_RUN,
    "network": f"the network or its training was changed; {_NEW_BASELINE}",
    "mode": "use one --mode",
    "devices": "use one --device, with the same GPUs",
    "input": "use one --input, on the same file system",
    "data": "train on the same files (--data-dir), or on drawn data both times (--synthetic)",
    "profile": "use one --profile",
    "clock": _NEW_BASELINE,
    "program": f"another Grindstone trains this mode otherwise; {_NEW_BASELINE}",
}

Key = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """What two keys do not share, in words, and what mends the first of it."""

    words: str
    mend: str

    def __str__(self) -> str:
        return f"{self.words}; {self.mend}"


def of(entry: Entry, head: Mapping[str, Any]) -> Key:
    """The key of a finished training.

    Raises:
        KeyError, TypeError: the entry is not whole.
    """
    worker, gpu = entry["worker"], entry["device"] != "cpu"
    pinned = worker["pinned"]
    return {
        "mode": str(entry["mode"]),
        "devices": _devices(entry),
        "input": _input(entry.get("input")),
        # Schema 1 had `fit`'s pauses before an epoch in its time.
        "clock": "without pauses" if "paused" in entry["epochs"] else "with pauses",
        **(_of_gpu(entry, head) if gpu else {}),
        "processor": str(head["machine"]["cpu"]["name"]),
        "threads": str(pinned["threads"]),
        "thread settings": _thread_settings(pinned.get("environment", {})),
        "TensorFlow": str(worker["tensorflow"]),
        "Keras": str(worker["keras"]),
        "program": str(pinned.get("program", 1)),
        "XLA": "on" if pinned["xla"] else "off",
        "precision": str(pinned["precision"]) + (", TF32" if gpu and pinned["tf32"] else ""),
        "deterministic ops": "on" if pinned.get("deterministic_ops") else "off",
        "network": str(entry["model"]["workload_sha256"])[:12],
        "data": f"{entry['dataset']['kind']} {str(entry['dataset']['sha256'])[:12]}",
        "profile": f"{head['settings']['profile']}, {len(entry['epochs']['steady']) + 1} epochs",
    }


def difference(before: Key, now: Key, *, but: Iterable[str] = ()) -> Difference | None:
    """What makes two keys incomparable, or None.

    but: names that may differ.
    """
    names = [name for name in before if name not in but and before[name] != now.get(name, UNSAID)]
    if not names:
        return None
    told = [f"{name} {before[name]} → {now.get(name, UNSAID)}" for name in names]
    unsaid = [name for name in names if UNSAID in (before[name], now.get(name, UNSAID))]
    mend = _NEW_BASELINE if unsaid else _MENDS.get(names[0], "train both alike")
    return Difference(", ".join(told), mend)


def _of_gpu(entry: Entry, head: Mapping[str, Any]) -> dict[str, str]:
    return {
        "GPU": str(entry["device_name"]),
        "driver": str(head["machine"]["driver"]),
        "power limit": _power_limit(entry.get("telemetry")),
    }


def _devices(entry: Entry) -> str:
    """`1`, `2 together`, `1, beside 3 others`."""
    replicas, at_once = entry["worker"].get("replicas", 1), entry.get("at_once")
    if not at_once:
        return f"{replicas} together" if replicas > 1 else "1"
    count = len(at_once["beside"])
    return f"1, beside {count} other{'s' if count > 1 else ''}"


def _input(read: Mapping[str, Any] | None) -> str:
    """`arrays in memory`, `files (disk, ext4)`."""
    return f"files ({read['from']}, {read['file_system']})" if read else "arrays in memory"


def _power_limit(telemetry: Mapping[str, Any] | None) -> str:
    """`350 W`; where the GPU has none to tell, that is what has to be alike."""
    limit = ((telemetry or {}).get("power") or {}).get("limit")
    if limit is None:
        return UNSAID
    return f"n/a ({limit['why']})" if limit["value"] is None else f"{limit['value']:.0f} W"


def _thread_settings(environment: Mapping[str, str]) -> str:
    set_ = [f"{name}={value}" for name, value in environment.items() if name.startswith("TF_NUM_")]
    return " ".join(sorted(set_)) or "none"
