"""What several GPUs are worth together, in words: one network over all, or one on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Entry = Mapping[str, Any]

# Below this the others had ended, or not begun, for much of the time that the median is taken over.
_LEAST_BESIDE = 0.9


def scaling(entries: Sequence[Entry]) -> list[str]:
    """How much faster one network trains on all GPUs than on the best of them, a line each."""
    lines = []
    for entry in entries:
        alone = [_seconds(e) for e in entries if _alike(e, entry) and _is_one_gpu(e)]
        if entry["device"] == "gpus" and entry["status"] == "finished" and alone:
            gain, count = min(alone) / _seconds(entry), entry["worker"]["replicas"]
            lines.append(
                f"{entry['workload']} over {count} GPUs ({entry['device_name']}) trains "
                f"{gain:.2f} times as fast as on the best of them alone: scaling efficiency "
                f"{100 * gain / count:.0f} %, the batch being split among them"
            )
    return lines


def at_once(entries: Sequence[Entry]) -> list[str]:
    """What pace each GPU keeps while all train, a line each."""
    lines = []
    for entry in entries:
        if entry["status"] != "finished" or not entry.get("at_once"):
            continue
        gpu = entry["device"].partition(" of ")[0]
        alone = [_seconds(e) for e in entries if _alike(e, entry) and e["device"] == gpu]
        if alone:
            kept, share = min(alone) / _seconds(entry), entry["at_once"]["share"]
            lines.append(
                f"{entry['workload']} on {gpu} keeps {100 * kept:.0f} % of its pace while "
                f"{' and '.join(_names(entry))} trained too{_reservation(share)}"
            )
    return lines


def _reservation(share: float) -> str:
    if share >= _LEAST_BESIDE:
        return ""
    return f", for {100 * share:.0f} % of the time only; --profile full trains longer"


def _names(entry: Entry) -> list[str]:
    return [device.partition(" of ")[0] for device in entry["at_once"]["beside"]]


def _alike(entry: Entry, other: Entry) -> bool:
    """Whether an entry is the same training as another, on whatever device, and finished."""
    same = all(entry.get(key) == other.get(key) for key in ("workload", "mode", "side"))
    return same and entry["status"] == "finished"


def _is_one_gpu(entry: Entry) -> bool:
    """Whether it was trained on one GPU that had the machine to itself."""
    return entry["device"].startswith("gpu:") and not entry.get("at_once")


def _seconds(entry: Entry) -> float:
    return float(entry["epochs"]["median"])
