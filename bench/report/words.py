"""What the numbers say, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.report.table import seconds, speed_up

Entry = Mapping[str, Any]


def sentence(entries: Sequence[Entry], head: Mapping[str, Any]) -> str:
    """One sentence: what the GPU is worth here, or what the CPU does without one."""
    finished = [entry for entry in entries if entry["status"] == "finished"]
    if not finished:
        return "Nothing was trained to its end."
    # What a GPU is worth is told of one mode: of what a person would write, where that was trained.
    alike = [entry for entry in finished if entry["mode"] == "stock"] or finished
    gained = {entry["device"]: _gains(entry["device"], alike) for entry in alike}
    parts = [_worth(device, gains, alike) for device, gains in gained.items() if gains]
    if not parts:
        parts = [_without_ratio(alike, head)]
    return f"{'; '.join(parts)}, and {_quality(entries)}."


def tuning(entries: Sequence[Entry]) -> list[str]:
    """What tuning gains over stock, a line for each device where both were trained."""
    return [
        f"tuned, the same training on {device} is {_span(gains)} as fast as stock"
        for device in dict.fromkeys(entry["device"] for entry in entries)
        if (gains := _tuning_gains(device, entries))
    ]


def inputs(entries: Sequence[Entry]) -> list[str]:
    """What share of its time each training from files waited for them, a line each."""
    return [
        f"{entry['workload']} on {entry['device']} waits for images for "
        f"{100 * entry['input']['waiting']:.0f} % of an epoch, reading "
        f"{entry['input']['bytes'] / 1e6:.1f} MB from {entry['input']['folder']} "
        f"({entry['input']['file_system']}{_cold(entry)})"
        for entry in entries
        if entry.get("input") and entry["input"]["waiting"] is not None
    ]


def _cold(entry: Entry) -> str:
    memory = entry["input"]["from"] == "memory"
    return "" if memory else ", dropped from the page cache before each epoch"


def held_back(entries: Sequence[Entry]) -> list[str]:
    """What holds each training back, a line each."""
    return [
        f"what holds {entry['workload']} on {entry['device']}"
        + ("" if entry["mode"] == "stock" else f" ({entry['mode']})")
        + f" back: {entry['held_back']['words']}"
        for entry in entries
        if "held_back" in entry
    ]


def sources(entries: Sequence[Entry]) -> list[str]:
    """Where each data set came from, a line each."""
    notes: dict[str, None] = {}
    for entry in entries:
        if entry["dataset"]:
            notes[f"{entry['dataset']['name']}: {entry['dataset']['note']}"] = None
    return list(notes)


def failures(entries: Sequence[Entry]) -> list[str]:
    """What did not finish and why, a line each; the whole story stands with the failed test."""
    return [
        f"failed: {entry['reason'].splitlines()[0]}"
        for entry in entries
        if entry["status"] != "finished"
    ]


def trained_with(entries: Sequence[Entry]) -> list[str]:
    """The software that trained and what was pinned, a line each; one where all were alike."""
    notes: dict[str, None] = {}
    for entry in entries:
        if entry["status"] == "finished":
            worker = entry["worker"]
            pinned = worker["pinned"]
            tf32 = "TF32 allowed" if pinned["tf32"] else "TF32 off"
            notes[
                f"trained with TensorFlow {worker['tensorflow']}, Keras {worker['keras']}, "
                f"NumPy {worker['numpy']}, Python {worker['python']}; on every device alike: "
                f"XLA off{_but_where_xla_is_on(entries)}, {pinned['precision']} ({tf32})"
            ] = None
    return list(notes)


def _but_where_xla_is_on(entries: Sequence[Entry]) -> str:
    places = dict.fromkeys(
        f"{entry['mode']} on {entry['device']}"
        for entry in entries
        if entry["status"] == "finished" and entry["worker"]["pinned"]["xla"]
    )
    return f" (on: {', '.join(places)})" if places else ""


def _tuning_gains(device: str, entries: Sequence[Entry]) -> dict[str, float]:
    """How many times as fast as stock each workload is tuned."""
    medians = {
        (entry["workload"], entry["mode"]): float(entry["epochs"]["median"])
        for entry in entries
        if entry["device"] == device and entry["status"] == "finished"
    }
    return {
        workload: median / medians[workload, "tuned"]
        for (workload, mode), median in medians.items()
        if mode == "stock" and (workload, "tuned") in medians
    }


def _span(gains: Mapping[str, float]) -> str:
    """`1.2 times (convnet)`, `1.2 (convnet) to 1.8 (mlp) times`."""
    least, most = min(gains, key=gains.__getitem__), max(gains, key=gains.__getitem__)
    if len(gains) == 1:
        return f"{gains[least]:.1f} times ({least})"
    return f"{gains[least]:.1f} ({least}) to {gains[most]:.1f} ({most}) times"


def _gains(device: str, entries: Sequence[Entry]) -> dict[str, float]:
    """The speed-ups of a device by workload."""
    ratios = {e["workload"]: speed_up(e, entries) for e in entries if e["device"] == device}
    return {workload: ratio for workload, ratio in ratios.items() if ratio}


def _worth(device: str, gains: Mapping[str, float], entries: Sequence[Entry]) -> str:
    name = next(entry["device_name"] for entry in entries if entry["device"] == device)
    least, most = min(gains, key=gains.__getitem__), max(gains, key=gains.__getitem__)
    span = f"{gains[least]:.1f} times as fast as this CPU on {least}"
    if len(gains) > 1:
        span = (
            f"{gains[least]:.1f} ({least}) to {gains[most]:.1f} ({most}) times as fast as this CPU"
        )
    if gains[most] < 1:
        span += ": for networks as small as these it is worth nothing"
    return f"{device} ({name}) trains {span}"


def _without_ratio(entries: Sequence[Entry], head: Mapping[str, Any]) -> str:
    slowest = max(entries, key=lambda entry: float(entry["epochs"]["median"]))
    spent = f"{slowest['workload']}'s, with {seconds(slowest['epochs']['median'])}"
    if slowest["device"] != "cpu":
        place = f"{slowest['device']} ({slowest['device_name']})"
        return f"With no CPU run beside it, {place} has no ratio; its longest epoch is {spent}"
    cpu = head["machine"]["cpu"]
    place = f"this CPU ({cpu['name']}, {len(cpu['affinity'])} threads)"
    return f"With no GPU to compare with, the longest epoch of {place} is {spent}"


def _quality(entries: Sequence[Entry]) -> str:
    wrong = [
        f"{entry['workload']} on {entry['device']}"
        for entry in entries
        if entry["status"] != "finished" or not entry["quality"]["ok"]
    ]
    if not wrong:
        return "every network learned what it should"
    return f"do not count on {', '.join(wrong)}, for the reasons above"
