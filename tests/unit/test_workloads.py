from __future__ import annotations

import subprocess
import sys

import pytest

from bench.workloads import EVERY, ON_REQUEST, WORKLOADS, grind, mnist, on_request
from bench.workloads.workload import PROFILES, Workload
from tests.conftest import ROOT

_HEAVY = ("tensorflow", "keras", "numpy", "PIL", "rich", "psutil", "scipy")

DIRECT = {**WORKLOADS, **ON_REQUEST}  # those that a test of their own names
each_workload = pytest.mark.parametrize("workload", DIRECT.values(), ids=DIRECT)


def test_no_two_workloads_share_a_name() -> None:
    every = (*mnist.WORKLOADS, *grind.WORKLOADS, *grind.FROM_FILES, *ON_REQUEST.values())
    assert len(EVERY) == len(every)
    assert {workload.name for workload in every} == set(EVERY)


def test_no_name_is_part_of_another_so_that_k_chooses_one() -> None:
    names = list(WORKLOADS)
    assert not [(a, b) for a in names for b in DIRECT if a != b and (a in b or b in a)]


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("strided", ["strided"]),
        ("(Strided or nvidia2) and cpu", ["strided", "nvidia2"]),
        ("", []),
        ("not mlp", []),
        ("cifar", ["cifar_classic", "cifar_dense"]),
        ("cnn", []),
        ("grind", []),
        ("mnist or cpu", []),
        ("test", []),
    ],
)
def test_on_request_is_what_k_names_and_nothing_that_it_merely_leaves_in(
    expression: str, names: list[str]
) -> None:
    assert [workload.name for workload in on_request(expression)] == names


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
    assert (workload.loss == "sparse_categorical_crossentropy") is (workload.metric == "accuracy")


@pytest.mark.parametrize(
    ("name", "parameters", "batch", "learning_rate", "epochs", "published"),
    [
        ("mlp", 623_290, 200, 1e-3, 10, 0.975),
        ("cnn_simple", 592_074, 200, 1e-3, 10, 0.980),
        ("cnn_large", 59_933, 200, 1e-3, 10, 0.987),
        ("convnet", 34_826, 128, 1e-3, 15, 0.987),
        ("post", 14_839_105, 16, 1e-4, 200, None),
        ("strided", 16_456_289, 16, 1e-4, 200, None),
        ("nvidia2", 301_947, 16, 3e-4, 200, None),
        ("last", 731_201, 128, 3e-4, 500, None),
        ("circles", 48_817, 8, 1e-3, 20, None),
        ("cifar_classic", 1_250_858, 32, 1e-4, 50, 0.75),
        ("cifar_dense", 3_937_290, 128, 3e-4, 50, None),
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
    workload = EVERY[name]
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
