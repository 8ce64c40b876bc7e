"""Whole records as `pytest bench/` leaves them, from the medians that a test chooses."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.compare.rows import Reading, of
from bench.observe.devices import Device
from bench.record.bridge import telemetry as old_telemetry
from bench.record.repeats import Process, Side
from bench.record.store import SCHEMA
from tests.record_schema import validate
from tests.unit.entries import CPU, H100, finished
from tests.unit.test_telemetry import Bench

STEADY = (0.98, 0.99, 1.0, 1.01, 1.02, 0.985, 1.015, 0.995, 1.005, 1.0, 0.99, 1.01)
"""Medians of twelve quiet processes, in s."""

_TELEMETRY = old_telemetry(Bench("hopper").result()) or {}
_TELEMETRY["power"]["limit"] = {"value": 350.0, "why": None}


def slower(by: float, medians: Sequence[float] = STEADY) -> tuple[float, ...]:
    """The same medians, longer by a share."""
    return tuple(median * (1 + by) for median in medians)


def entries(
    workload: str,
    medians: Sequence[float] = STEADY,
    device: Device = CPU,
    side: Side | None = None,
) -> list[dict[str, Any]]:
    """A row's entries, one a median."""
    made = []
    for number, median in enumerate(medians, start=1):
        entry = finished(
            workload,
            device,
            seconds=(2 * median, median, median),
            process=Process(number, side),
        )
        made.append({**entry, "telemetry": copy.deepcopy(_TELEMETRY) if device.uuid else None})
    return made


def document(
    results: Sequence[Mapping[str, Any]], started: str = "2026-11-21T12:00:00+00:00", **head: Any
) -> dict[str, Any]:
    """A record of these entries, as the schema has it; `head` replaces members of its head."""
    made = {
        "schema": SCHEMA,
        "grindstone": "0.1.0",
        "started": started,
        "machine": {
            "host": "bench-1",
            "system": "Debian GNU/Linux 13 (trixie)",
            "kernel": "6.12.48+deb13-amd64",
            "architecture": "x86_64",
            "cpu": {
                "name": CPU.name,
                "cores": 2,
                "threads": 2,
                "affinity": [0, 1],
                "governor": None,
            },
            "memory": 25_276_510_208,
            "driver": "580.95.05",
            "why_no_gpu": None,
            "devices": [{"id": d.id, "name": d.name, "uuid": d.uuid} for d in (CPU, H100)],
        },
        "plan": None,
        "settings": {
            "profile": "quick",
            "devices": None,
            "modes": None,
            "inputs": [],
            "time_to_target": False,
            "data_dir": None,
            "synthetic": False,
            "seed": 1,
            "limits": {"start": 300.0, "first_epoch": 1800.0, "epoch": 120.0, "patience": 20.0},
            "worker_python": "/opt/grindstone/tensorflow/bin/python",
            "second_worker": None,
            "processes": 12,
            "looks": [12],
            "against": None,
        },
        "versions": {"python": "3.11.2", "pytest": "9.2.0"},
        "results": copy.deepcopy(list(results)),
        "to_target": [],
        **head,
    }
    validate(made)
    return made


def reading(results: Sequence[Mapping[str, Any]], path: str = "now.json", **head: Any) -> Reading:
    """The same, as a comparison reads it."""
    return of(Path(path), document(results, **head))


def write(folder: Path, name: str, results: Sequence[Mapping[str, Any]], **head: Any) -> Path:
    """The same in a file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(json.dumps(document(results, **head)), encoding="utf-8")
    return path


def old(made: Mapping[str, Any]) -> dict[str, Any]:
    """The record as schema 1 had it, from before there were processes, sides and telemetry."""
    before = copy.deepcopy(dict(made))
    before["schema"] = 1
    later = ("second_worker", "processes", "looks", "against", "modes", "inputs", "time_to_target")
    for name in later:
        del before["settings"][name]
    del before["to_target"]
    for entry in before["results"]:
        for name in ("process", "side", "conditions", "telemetry", "verdict", "rate", "input"):
            entry.pop(name, None)
        if entry["status"] == "finished":
            del entry["epochs"]["paused"]
    return before
