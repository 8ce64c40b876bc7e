"""Several GPUs: how they are asked for, and when they train at the same time."""

from __future__ import annotations

import pytest

from bench.observe.devices import Device, several
from bench.record.timing import EpochTiming, Timings
from tests.unit.entries import GT1030, H100

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
