"""The epoch off the clock in which kernels are compiled for a GPU: when it is trained, and once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import WorkerError
from bench.options import Settings
from bench.record.head import Device
from bench.runner import events
from bench.runner.compilation import FOR_MINUTES, PHASE, compile_first
from bench.runner.events import Event
from bench.runner.interpreter import Plan
from bench.runner.supervisor import Launch
from bench.worker.messages import Job
from tests.support import fake_worker
from tests.support.records import CPU, GT1030, H100
from tests.support.run_settings import smoke

JOB = Job("mlp", is_gpu=True, epochs=5, seed=1, data={}, wait=True, target=0.9, seeds=(1, 2))
TOLD = "tell(job=job)\n" + fake_worker.HEALTHY


class Run:
    """What is asked of compile_first, with a worker that only pretends."""

    def __init__(self, folder: Path, program: str = TOLD) -> None:
        self.folder = folder
        self.worker = fake_worker.write(folder, program)
        self.told: list[Event] = []

    def settings(self, compiled: str = "GH100 (Hopper)", plan: bool = True) -> Settings:
        planned = Plan(Path("plan.json"), "turing", "2.21.0", self.worker, compiled)
        of_plan = {"worker_chosen_by": "the plan on this host", "plan": planned if plan else None}
        return smoke(self.folder, self.worker, cache_dir=self.folder / "cache", **of_plan)

    def before(
        self,
        settings: Settings,
        device: Device = H100,
        job: Job = JOB,
        driver: str = "580.95.05",
        python: Path | None = None,
    ) -> bool:
        """Whether a worker was started."""
        (self.folder / "worker.json").unlink(missing_ok=True)
        launch = Launch("mlp", device, python or self.worker, settings.limits, self.folder)
        compile_first(settings, driver, job, launch, self.told.append)
        return (self.folder / "worker.json").exists()


def test_one_epoch_is_trained_and_not_again_for_the_same_network_gpu_driver_and_tensorflow(
    tmp_path: Path,
) -> None:
    run = Run(tmp_path)
    settings = run.settings()
    assert run.before(settings)
    job = json.loads((tmp_path / "worker.json").read_text(encoding="utf-8"))["job"]
    assert (job["epochs"], job["wait"], job["target"], job["seeds"]) == (1, False, None, [])
    assert (job["workload"], job["mode"]) == ("mlp", "stock")
    assert run.told == [events.Phase(FOR_MINUTES)]
    assert not run.before(settings)
    assert not run.before(settings, job=replace(JOB, seed=2))
    assert run.before(settings, job=replace(JOB, mode="tuned"))
    assert run.before(settings, job=replace(JOB, workload="convnet"))
    assert run.before(settings, device=GT1030)
    assert run.before(settings, driver="580.126.09")


def test_minutes_are_told_of_only_where_all_kernels_are_compiled(tmp_path: Path) -> None:
    run = Run(tmp_path)
    plan = replace(run.settings().plan or pytest.fail("no plan"), partly=True)
    assert run.before(replace(run.settings(), plan=plan))
    assert run.told == [events.Phase(PHASE)]


def test_nothing_is_trained_where_the_plan_says_nothing_of_it(tmp_path: Path) -> None:
    run = Run(tmp_path)
    assert not run.before(run.settings(compiled=""))
    assert not run.before(run.settings(plan=False))
    assert not run.before(run.settings(), device=CPU)
    other = fake_worker.write(tmp_path, TOLD).rename(tmp_path / "other")
    assert not run.before(run.settings(), python=other)
    assert run.told == []


def test_a_worker_that_dies_over_it_is_the_training_s_failure_and_is_tried_again(
    tmp_path: Path,
) -> None:
    run = Run(tmp_path, 'tell(job=job)\nbegin()\nsys.exit("no kernel image is available")')
    for _ in range(2):
        with pytest.raises(WorkerError, match="no kernel image is available"):
            run.before(run.settings())


def test_a_cache_that_cannot_be_written_costs_the_next_run_another_epoch(tmp_path: Path) -> None:
    run = Run(tmp_path)
    (tmp_path / "cache").write_text("", encoding="utf-8")
    assert run.before(run.settings())
    assert run.before(run.settings())
