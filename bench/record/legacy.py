"""Older records as the current types have them: converted once, at the door."""

from __future__ import annotations

import re
from typing import Any

from bench.record.conditions import Conditions
from bench.record.head import SCHEMA
from bench.record.measured import NOT_RECORDED, filled
from bench.record.telemetry import Telemetry

Tree = dict[str, Any]
Devices = dict[str, Tree]

_DEVICE = re.compile(r"gpu:(?P<index>\d+)(:(?P<slice>\d+))?(?P<group> of all)?")
# By the object that they stand in: what a member was called, and is.
RENAMED = {
    "power": {"highest": "max"},
    "clocks": {"sm_lowest": "sm_min", "sm_at_most": "sm_limit", "memory_at_most": "memory_limit"},
    "pcie": {"generation_at_most": "generation_limit", "width_at_most": "width_limit"},
    "quota": {"held_back": "throttled"},
    "settings": {"again": "rerun_options"},
}
# What an older record does not say.
_WORKER = {"keras": NOT_RECORDED}
_PINNED = {"deterministic_ops": False, "environment": {}}


def upgraded(document: Tree) -> Tree:
    """The document in the current schema.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is not whole.
    """
    if document["schema"] == SCHEMA:
        return _renamed(document)
    head = {name: document[name] for name in ("grindstone", "started", "plan", "versions")}
    machine = dict(document["machine"])
    known = {each["id"]: each for each in machine["devices"]}
    machine["devices"] = [device(id_, known) for id_ in known]
    entries, to_target = document["results"], document.get("to_target", [])
    return {
        **head,
        "machine": machine,
        "settings": _settings(document["settings"]),
        "ended": document.get("ended", True),
        "results": [result(entry, known) for entry in entries],
        "time_to_target": [time_to_target(entry, known) for entry in to_target],
    }


def device(id_: str, known: Devices, name: str | None = None) -> Tree:
    """The fields that an id of schema 2 stood for: `gpu:0:1 of all`.

    name: of the device; by default that of the known one with its id.

    Raises:
        ValueError: it is none.
    """
    own = id_.partition(" of ")[0]
    seen = known.get(own, {})
    made: Tree = {"name": name or seen.get("name", own)}
    if id_ in ("gpus", "all"):
        gpus = [each for each in known.values() if each["uuid"]]
        return {**made, "group": id_, "uuids": [each["uuid"] for each in gpus]}
    if id_ == "cpu":
        return made
    match = _DEVICE.fullmatch(id_)
    if match is None:
        raise ValueError(f"{id_!r} is no device")
    return {
        **made,
        "index": int(match["index"]),
        "slice": int(match["slice"]) if match["slice"] else None,
        "group": "all" if match["group"] else None,
        "uuids": [seen["uuid"]] if seen.get("uuid") else [],
    }


def _settings(settings: Tree) -> Tree:
    later: Tree = {"modes": None, "inputs": [], "time_to_target": False, "second_worker": None}
    kept = {name: settings[name] for name in settings if name not in ("processes", "looks")}
    return {
        **later,
        "against": None,
        **kept,
        "repeats": settings.get("processes", 1),
        "interim_checks": settings.get("looks") or [1],
    }


def _training(entry: Tree, known: Devices) -> Tree:
    """What every result has."""
    telemetry = entry.get("telemetry")
    return {
        "status": entry["status"],
        "workload": entry["workload"],
        "device": device(entry["device"], known, entry["device_name"]),
        "mode": entry["mode"],
        "repeat": entry.get("process", 1),
        "side": entry.get("side"),
        "dataset": entry["dataset"],
        "conditions": filled(Conditions, _renamed(entry.get("conditions") or {}), NOT_RECORDED),
        "telemetry": filled(Telemetry, _renamed(telemetry), NOT_RECORDED) if telemetry else None,
    }


def _failed(entry: Tree, known: Devices) -> Tree:
    return {**_training(entry, known), "reason": entry["reason"]}


def _finished(entry: Tree, known: Devices) -> Tree:
    worker = entry["worker"]
    return {
        **_training(entry, known),
        **{name: entry[name] for name in ("quality", "model", "memory_peak")},
        "worker": {**_WORKER, **worker, "pinned": {**_PINNED, **worker["pinned"]}},
        "verdict": _name(entry.get("verdict"), {"mend": "fix"}),
    }


def result(entry: Tree, known: Devices) -> Tree:
    """An entry of the record's results; the devices are its machine's, by id."""
    if entry["status"] != "finished":
        return _failed(entry, known)
    paused = "paused" in entry["epochs"]
    return {
        **_finished(entry, known),
        "epochs": {"paused": None, **entry["epochs"], "pauses_included": not paused},
        "images_per_second": entry["images_per_second"],
        "rate": _name(entry.get("rate"), {"matrix": "peak"}),
        "input": _name(entry.get("input"), {"from": "source"}),
        "concurrent": _concurrent(entry.get("at_once"), known),
        "bottleneck": _bottleneck(entry.get("held_back")),
    }


def time_to_target(entry: Tree, known: Devices) -> Tree:
    """The same of a training to targets."""
    if entry["status"] != "finished":
        return _failed(entry, known)
    return {
        **_finished(entry, known),
        **{name: entry[name] for name in ("targets", "trials", "epochs")},
        "max_epochs": entry["most_epochs"],
    }


def _concurrent(at_once: Tree | None, known: Devices) -> Tree | None:
    if at_once is None:
        return None
    devices = [device(id_, known) for id_ in at_once["beside"]]
    return {"devices": devices, "share": at_once["share"]}


def _bottleneck(held_back: Tree | None) -> Tree | None:
    if held_back is None:
        return None
    evidence, _, fix = held_back["words"].removeprefix(f"{held_back['cause']}: ").partition("; ")
    return {"cause": held_back["cause"], "evidence": evidence, "fix": fix or None}


def _name(tree: Tree | None, renamed: dict[str, str]) -> Tree | None:
    return tree and {renamed.get(name, name): value for name, value in tree.items()}


def _renamed(tree: Tree) -> Tree:
    """The tree with what was renamed in its branches."""
    return {
        name: _name(branch, RENAMED[name]) if name in RENAMED else branch
        for name, branch in tree.items()
    }
