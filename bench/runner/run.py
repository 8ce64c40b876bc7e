"""One training from its job to its entry in the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.datasets.prepared import Prepared
from bench.judge import bridge
from bench.judge.floors import Bounds
from bench.observe.devices import Device
from bench.record.repeats import ALONE, Process
from bench.record.timing import Timings
from bench.runner.supervisor import Outcome, title
from bench.workloads.workload import Mode, Workload


@dataclass(frozen=True, slots=True)
class Run:
    """A finished training.

    bounds: what its quality is held to.
    conditions, telemetry: what the machine and its GPU did meanwhile, as the record keeps it.
    beside: the trainings on other GPUs that ran at the same time.
    """

    workload: Workload
    device: Device
    prepared: Prepared
    timings: Timings
    outcome: Outcome
    bounds: Bounds
    conditions: dict[str, Any]
    telemetry: dict[str, Any] | None
    mode: Mode = "stock"
    process: Process = ALONE
    beside: tuple[Run, ...] = ()

    @property
    def miss(self) -> str | None:
        """What is wrong with the quality, or None."""
        return self.bounds.reason(self.outcome.quality, self.outcome.untrained)

    def must_reach_floors(self) -> None:
        """Fails the test when the model did not learn what it should, or learned too well."""
        import pytest

        if self.miss is not None:
            who = title(self.workload, self.device, self.mode)
            pytest.fail(f"{who}: {self.miss}", pytrace=False)
        for run in self.beside:
            run.must_reach_floors()

    def entry(self) -> dict[str, Any]:
        """The run as the record keeps it.  Times are in s."""
        timings, outcome = self.timings, self.outcome
        entry = {
            **identity(self.workload, self.device, self.mode, self.process),
            "status": "finished",
            "reason": None,
            "dataset": dataset(self.prepared),
            "epochs": {
                "first": timings.first,
                "steady": list(timings.steady),
                "median": timings.median,
                "spread": timings.spread,
                "loss": [epoch.loss for epoch in timings.epochs],
                "paused": None if timings.paused is None else list(timings.paused),
            },
            "images_per_second": timings.images_per_second,
            "quality": {
                "metric": self.workload.metric,
                "value": outcome.quality,
                "untrained": outcome.untrained,
                "floor": self.bounds.floor,
                "bound": self.bounds.bound,
                "ok": self.miss is None,
                "reason": self.miss,
            },
            "model": outcome.model,
            "worker": outcome.worker,
            "memory_peak": outcome.memory_peak,
            "rate": self.rate,
            "at_once": self.at_once,
            "input": self.input,
            "conditions": self.conditions,
            "telemetry": self.telemetry,
        }
        return {**entry, "verdict": bridge.verdict(entry)}

    @property
    def input(self) -> dict[str, Any] | None:
        """Where images were read from on the clock, and the share of it spent waiting for them."""
        pictures = self.prepared.pictures
        if pictures is None:
            return None
        return {
            "from": self.workload.input,
            "folder": str(pictures.folder),
            "file_system": pictures.file_system,
            "bytes": pictures.size,
            "waiting": self.timings.waiting,
        }

    @property
    def at_once(self) -> dict[str, Any] | None:
        """Where else was trained at the same time, and for what share of the steady epochs."""
        if not self.beside:
            return None
        share = self.timings.share_beside([run.timings for run in self.beside])
        return {"beside": [run.device.id for run in self.beside], "share": share}

    @property
    def rate(self) -> dict[str, Any] | None:
        """FLOP/s achieved beside the device's own, and how busy the GPU was."""
        if self.outcome.rate is None:
            return None
        flop, matrix = self.outcome.rate["flop_per_image"], self.outcome.rate["matrix"]
        achieved = flop * self.timings.images_per_second
        return {
            "flop_per_image": flop,
            "achieved": achieved,
            "matrix": matrix,
            "share": achieved / matrix if matrix else None,
            "gpu_busy": self.telemetry["busy"]["value"] if self.telemetry else None,
        }


def failed_entry(
    workload: Workload,
    device: Device,
    prepared: Prepared | None,
    reason: str,
    conditions: dict[str, Any],
    telemetry: dict[str, Any] | None = None,
    mode: Mode = "stock",
    process: Process = ALONE,
) -> dict[str, Any]:
    """The entry of a training that did not finish: why, and what it would have trained on.

    telemetry: what the GPU did until then; a GPU that was lost is in there.
    """
    return {
        **identity(workload, device, mode, process),
        "status": "failed",
        "reason": reason,
        "dataset": dataset(prepared) if prepared else None,
        "conditions": conditions,
        "telemetry": telemetry,
        "verdict": None,
    }


def identity(workload: Workload, device: Device, mode: Mode, process: Process) -> dict[str, Any]:
    """What a result is the result of."""
    return {
        "workload": workload.name,
        "device": device.id,
        "device_name": device.name,
        "mode": mode,
        "process": process.number,
        "side": process.side,
    }


def dataset(prepared: Prepared) -> dict[str, Any]:
    """What was trained on, as the record keeps it."""
    made = prepared.dataset
    return {
        "name": made.name,
        "kind": made.kind,
        "source": made.source,
        "note": made.note,
        "sha256": prepared.sha256,
        "train_images": len(made.train),
        "test_images": len(made.test),
        "baselines": dict(made.baselines),
    }
