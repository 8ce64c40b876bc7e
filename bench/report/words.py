"""What the numbers say, in words."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
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
        f"tuned, the same training on {place} is {_span(gains)} as fast as stock"
        for place in dict.fromkeys(_place(entry) for entry in entries)
        if (gains := _tuning_gains([entry for entry in entries if _place(entry) == place]))
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


# Pauses before epochs that are worth a word, in s and as a share of the median epoch: drawing the
# order and starting the input takes up to 0.1 s, and is no pause.
_PAUSE, _PAUSE_SHARE = 0.2, 0.05


def pauses(entries: Sequence[Entry]) -> list[str]:
    """Where `fit` paused before epochs, and what your own script is rid of it by, in one line."""
    found = [
        f"{who(entry)} {seconds(statistics.median(long))} "
        f"(before {len(long)} of {len(entry['epochs']['paused'])})"
        for entry in entries
        if (long := _long_pauses(entry.get("epochs") or {}))
    ]
    if not found:
        return []
    told = (
        f"fit() paused before steady epochs, which is not in their times: {', '.join(found)}; it "
        "waits for tf.data's autotuner to end: in your own script train from a tf.data.Dataset "
        "with options.autotune.enabled = False (docs/benchmark.md, the clock)"
    )
    return [told]


def _long_pauses(epochs: Mapping[str, Any]) -> list[float]:
    least = max(_PAUSE, _PAUSE_SHARE * epochs.get("median", 0.0))
    return [pause for pause in epochs.get("paused") or () if pause >= least]


def who(entry: Entry) -> str:
    """`mlp on cpu`, `mlp on gpu:0, tuned`, `mlp on cpu, side B`."""
    return f"{entry['workload']} on {entry['device']}{_mode(entry)}"


def _mode(entry: Entry) -> str:
    to_target = ["to target"] if "targets" in entry else []
    return "".join(f", {each}" for each in _variant(entry) + to_target)


def _variant(entry: Entry) -> list[str]:
    """What tells a row from others of its workload and device."""
    mode = [] if entry["mode"] == "stock" else [str(entry["mode"])]
    return mode + ([f"side {entry['side']}"] if entry.get("side") else [])


def _cold(entry: Entry) -> str:
    memory = entry["input"]["from"] == "memory"
    return "" if memory else ", dropped from the page cache before each epoch"


def held_back(entries: Sequence[Entry]) -> list[str]:
    """What holds each training back, a line each."""
    return [
        f"what holds {entry['workload']} on {entry['device']}"
        + (f" ({', '.join(variant)})" if (variant := _variant(entry)) else "")
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


def baselines(entries: Sequence[Entry]) -> list[str]:
    """What an MSE stands beside: a guess, and the best that anything could reach."""
    notes: dict[str, None] = {}
    for entry in entries:
        if entry["status"] == "finished" and entry["quality"]["metric"] == "mse":
            known = entry["dataset"]["baselines"]
            notes[
                f"{entry['workload']}: mean predictor {known['mean_predictor_mse']:.1f} s², "
                f"best possible {known['best_possible_mse']:.1f} s²"
            ] = None
    return list(notes)


def failures(entries: Sequence[Entry]) -> list[str]:
    """What did not finish and why, a line each; the whole story stands with the failed test."""
    return [
        f"failed: {entry['reason'].splitlines()[0]}"
        for entry in entries
        if entry["status"] != "finished"
    ]


def lost(entries: Sequence[Entry]) -> list[str]:
    """Each GPU that was lost in a training, a line each."""
    notes = []
    for entry in entries:
        event = (entry.get("telemetry") or {}).get("lost")
        if event:
            when = f"in epoch {event['epoch']}"
            if event["seconds_into_it"] is not None:
                when = f"{event['seconds_into_it']:.1f} s into epoch {event['epoch']}"
            notes.append(
                f"GPU lost: {entry['device']} ({entry['device_name']}), {when} of "
                f"{entry['workload']}{_mode(entry)}: {event['why']}; "
                "`sudo dmesg | grep -i xid` says why, and a power cycle may bring it back"
            )
    return notes


def flagged(entries: Sequence[Entry]) -> list[str]:
    """Each verdict but OK with its evidence and what mends it, a line each."""
    return [
        f"{verdict['word']}: {who(entry)}: {verdict['evidence']}; to mend it: {verdict['mend']}"
        for entry in entries
        if (verdict := entry.get("verdict")) and verdict["word"] != "OK"
    ]


def hardware(entries: Sequence[Entry]) -> list[str]:
    """What is odd about a GPU's link or memory, though no time need be wrong for it."""
    notes: dict[str, None] = {}
    for entry in entries:
        if entry.get("telemetry"):
            for what in _odd(entry["telemetry"]):
                notes[f"{entry['device']} ({entry['device_name']}): {what}"] = None
    return list(notes)


def watching(entries: Sequence[Entry]) -> list[str]:
    """What watching the GPUs has cost, in one line."""
    watched = [entry["telemetry"] for entry in entries if entry.get("telemetry")]
    shares = [each["cpu_seconds"] / each["watched"] for each in watched if each["watched"]]
    if not shares:
        return []
    often = f"{1 / watched[0]['interval']:.3g} readings a second"
    return [f"telemetry: {often}; its thread took {100 * max(shares):.2f} % of one CPU"]


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


def _place(entry: Entry) -> str:
    """The device, and the environment, where two trained."""
    return " ".join(filter(None, (entry["device"], entry.get("side"))))


def _tuning_gains(entries: Sequence[Entry]) -> dict[str, float]:
    """How many times as fast as stock each workload is tuned, all on one device."""
    medians = {
        (entry["workload"], entry["mode"]): float(entry["epochs"]["median"])
        for entry in entries
        if entry["status"] == "finished"
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


def _odd(telemetry: Mapping[str, Any]) -> Iterator[str]:
    pcie, ecc = telemetry["pcie"], telemetry["ecc"]
    for what, now, most in (
        ("generation", pcie["generation"]["value"], pcie["generation_at_most"]["value"]),
        ("lanes", pcie["width"]["value"], pcie["width_at_most"]["value"]),
    ):
        if now is not None and most is not None and now < most:
            shown = f"×{now} of ×{most}" if what == "lanes" else f"{what} {now} of {most}"
            yield f"its PCIe link ran at {shown}"
    if ecc["uncorrected"]["value"]:
        yield f"{ecc['uncorrected']['value']} memory errors that could not be corrected"
    rows = ecc["remapped_rows"]["value"] or {}
    if rows.get("pending") or rows.get("failed"):
        yield "its memory has rows to be remapped; `nvidia-smi -q -d ROW_REMAPPER` shows them"


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
        who(entry)
        for entry in entries
        if entry["status"] != "finished" or not entry["quality"]["ok"]
    ]
    if not wrong:
        return "every network learned what it should"
    return f"do not count on {', '.join(wrong)}, for the reasons above"
