from __future__ import annotations

import subprocess
import sys

import pytest

from bench.workloads import WORKLOADS, grind, mnist
from bench.workloads.workload import PROFILES, Workload
from tests.conftest import ROOT

_HEAVY = ("tensorflow", "keras", "numpy", "PIL", "rich", "psutil", "scipy")

each_workload = pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)


def test_no_two_workloads_share_a_name() -> None:
    assert len(WORKLOADS) == len(mnist.WORKLOADS) + len(grind.WORKLOADS)
    assert list(WORKLOADS) == [workload.name for workload in WORKLOADS.values()]


def test_no_name_is_part_of_another_so_that_k_chooses_one() -> None:
    names = list(WORKLOADS)
    assert not [(a, b) for a in names for b in names if a != b and a in b]


@each_workload
def test_every_profile_trains_three_epochs_or_more(workload: Workload) -> None:
    assert set(workload.schedules) == set(PROFILES)
    assert min(schedule.epochs for schedule in workload.schedules.values()) >= 3


@each_workload
def test_a_larger_profile_trains_more(workload: Workload) -> None:
    epochs = [workload.schedules[profile].epochs for profile in PROFILES]
    assert epochs == sorted(epochs)
    assert workload.schedules["smoke"].train is not None
    assert workload.schedules["full"].train is workload.schedules["full"].test is None


@each_workload
def test_a_workload_says_where_its_network_comes_from(workload: Workload) -> None:
    assert workload.source
    assert (
        workload.loss
        == {"accuracy": "sparse_categorical_crossentropy", "mse": "mse"}[workload.metric]
    )


@pytest.mark.parametrize(
    ("name", "parameters", "batch", "learning_rate", "epochs", "published"),
    [
        ("mlp", 623_290, 200, 1e-3, 10, 0.975),
        ("cnn_simple", 592_074, 200, 1e-3, 10, 0.980),
        ("cnn_large", 59_933, 200, 1e-3, 10, 0.987),
        ("convnet", 34_826, 128, 1e-3, 15, 0.987),
        ("post", 14_839_105, 16, 1e-4, 200, None),
    ],
)
def test_a_workload_is_trained_as_it_was_published(
    name: str,
    parameters: int,
    batch: int,
    learning_rate: float,
    epochs: int,
    published: float | None,
) -> None:
    workload = WORKLOADS[name]
    assert workload.parameters == parameters
    assert workload.batch == batch
    assert workload.learning_rate == learning_rate
    assert workload.schedules["full"].epochs == epochs
    assert workload.published == published


def _modules_after(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after running some code."""
    show = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    # -S: nothing but the standard library and this checkout, which is what a worker may rely on.
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"{code}\n{show}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["bench.workloads", "bench.worker"])
def test_what_a_worker_imports_first_needs_the_standard_library_alone(module: str) -> None:
    assert not _modules_after(f"import {module}") & set(_HEAVY)
