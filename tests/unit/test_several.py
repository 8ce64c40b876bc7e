"""Several GPUs: how they are asked for, and what their figures say."""

from __future__ import annotations

from typing import Any

import pytest

from bench.observe.devices import Device, several
from bench.record.timing import EpochTiming, Timings
from bench.report.several import at_once, scaling
from tests.unit.entries import CPU, GT1030, H100, failed, finished

OTHER_H100 = Device("gpu:1", H100.name, "GPU-2")


def test_one_gpu_is_not_several() -> None:
    assert several([]) == several([H100]) == ()


def test_one_network_over_two_gpus_is_one_worker_that_sees_both() -> None:
    gpus, _ = several([H100, GT1030])
    assert (gpus.id, gpus.replicas, gpus.apart) == ("gpus", 2, (gpus,))
    assert gpus.environment["CUDA_VISIBLE_DEVICES"] == f"{H100.uuid},{GT1030.uuid}"
    assert gpus.name == f"{H100.name} + {GT1030.name}"


def test_all_gpus_at_once_are_a_worker_each_that_sees_its_own() -> None:
    _, every = several([H100, OTHER_H100])
    assert (every.id, every.name) == ("all", f"2 × {H100.name}")
    assert [device.id for device in every.apart] == ["gpu:0 of all", "gpu:1 of all"]
    assert [device.replicas for device in every.apart] == [1, 1]
    visible = [device.environment["CUDA_VISIBLE_DEVICES"] for device in every.apart]
    assert visible == [H100.uuid, "GPU-2"]


def test_a_device_that_is_one_is_trained_on_by_itself() -> None:
    assert H100.apart == (H100,)
    assert H100.replicas == 1


# ---- at the same time


def _timings(*spans: tuple[float, float]) -> Timings:
    return Timings(
        tuple(EpochTiming(i, *span, images=100, loss=0.5) for i, span in enumerate(spans, 1))
    )


@pytest.mark.parametrize(
    ("other", "share"),
    [
        (_timings((0, 5), (10, 12), (12, 14)), 1.0),
        (_timings((0, 5), (10, 11), (11, 12)), 0.5),
        (_timings((0, 5), (13, 20), (20, 30)), 0.25),
        (_timings((0, 5), (90, 91), (91, 92)), 0.0),
    ],
)
def test_the_time_that_counts_as_beside_is_where_both_were_in_steady_epochs(
    other: Timings, share: float
) -> None:
    own = _timings((0, 9), (10, 12), (12, 14))
    assert own.share_beside([other]) == pytest.approx(share)
    assert own.share_beside([own, other]) == pytest.approx(share)


# ---- in words


def _over_both(workload: str, seconds: float) -> dict[str, Any]:
    both, _ = several([H100, OTHER_H100])
    entry = finished(workload, both, seconds=(9.0, seconds, seconds))
    return {**entry, "worker": {**entry["worker"], "replicas": 2}}


def test_scaling_is_told_against_the_best_gpu_alone() -> None:
    entries = [
        finished("post", CPU, seconds=(9.0, 0.1, 0.1)),
        finished("post", H100, seconds=(9.0, 2.0, 2.0)),
        finished("post", H100, seconds=(9.0, 0.2, 0.2), mode="tuned"),
        finished("post", OTHER_H100, seconds=(9.0, 1.8, 1.8)),
        _over_both("post", 1.0),
        _over_both("mlp", 1.0),
    ]
    assert scaling(entries) == [
        (
            f"post over 2 GPUs (2 × {H100.name}) trains 1.80 times as fast as on the best of them "
            "alone: scaling efficiency 90 %, the batch being split among them"
        )
    ]


def _at_once(device: Device, seconds: float, share: float) -> dict[str, Any]:
    entry = finished("post", device, seconds=(9.0, seconds, seconds))
    beside = {"beside": ["gpu:1 of all"], "share": share}
    return {**entry, "at_once": beside}


def test_the_pace_that_a_gpu_keeps_beside_others_is_told_against_its_own() -> None:
    _, every = several([H100, OTHER_H100])
    entries = [
        finished("post", H100, seconds=(9.0, 1.8, 1.8)),
        finished("post", OTHER_H100, seconds=(9.0, 1.0, 1.0)),
        _at_once(every.apart[0], 2.0, 0.97),
        failed("mlp", every, "mlp on gpu:1 of all: worker killed"),
    ]
    assert at_once(entries) == ["post on gpu:0 keeps 90 % of its pace while gpu:1 trained too"]
    entries[2]["at_once"]["share"] = 0.4
    (line,) = at_once(entries)
    assert line.endswith("for 40 % of the time only; --profile full trains longer")


def test_a_gpu_beside_others_is_not_the_best_one_alone() -> None:
    _, every = several([H100, OTHER_H100])
    assert scaling([_at_once(every.apart[0], 0.1, 1.0), _over_both("post", 1.0)]) == []
    assert at_once([_at_once(every.apart[0], 0.1, 1.0)]) == []
