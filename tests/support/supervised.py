"""A worker that is supervised: a program that pretends to be one, and what came of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.errors import WorkerError
from bench.record.head import Device, Limits
from bench.record.timing import EpochTiming
from bench.runner import events
from bench.runner.events import Event, Listener
from bench.runner.limits import same_limits
from bench.runner.supervisor import Launch, Outcome, WorkerProcess
from bench.worker.messages import Job
from tests.support import fake_worker
from tests.support.records import CPU

LONG_ENOUGH = same_limits(60.0)  # whatever hangs by mistake fails after that
FILES = {"train": {"x": "a.npy", "y": "b.npy"}, "test": {"x": "c.npy", "y": "new\nline ü.npy"}}
JOB = Job("mlp", is_gpu=False, epochs=3, seed=5, data=FILES, evaluate_after=(1, 3))


class Child:
    """A program that is a worker: it is started, and trained with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[Event] = []
        self.epochs: list[EpochTiming] = []

    def train(
        self,
        program: str,
        *,
        limits: Limits = LONG_ENOUGH,
        device: Device = CPU,
        reads: str = fake_worker.READS,
        listener: Listener = events.ignore,
    ) -> Outcome:
        worker = fake_worker.write(self.folder, program, reads=reads)
        return self.train_with(worker, limits, device, listener)

    def train_with(
        self,
        interpreter: Path,
        limits: Limits = LONG_ENOUGH,
        device: Device = CPU,
        listener: Listener = events.ignore,
    ) -> Outcome:
        def listen(event: Event) -> None:
            self.events.append(event)
            listener(event)

        launch = Launch(f"mlp on {device.id}", device, interpreter, limits, self.folder)
        with WorkerProcess(JOB, launch, listen) as worker:
            self.pid = worker.pid
            for epoch in worker.epochs():
                self.epochs.append(epoch)
            return worker.outcome()

    def failure(self, program: str, **how: Any) -> list[str]:
        """The lines of the failure that training with the program ends in."""
        with pytest.raises(WorkerError) as failed:
            self.train(program, **how)
        return [line.strip() for line in str(failed.value).splitlines()]

    @property
    def told(self) -> dict[str, Any]:
        """What the worker told its test."""
        text = self.folder.joinpath("worker.json").read_text(encoding="utf-8")
        return dict(json.loads(text))
