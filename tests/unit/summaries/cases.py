"""Records whose summaries are the texts beside this file."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from bench.record.head import Device
from bench.record.measured import known
from bench.record.model import Bottleneck, Concurrent, Finished, Input, Record
from bench.record.telemetry import Lost
from bench.record.verdict import Verdict
from tests.support.records import (
    CPU,
    GT1030,
    H100,
    WORKER,
    dataset,
    failed,
    machine,
    record,
    result,
    settings,
    telemetry,
    time_to_target,
)

OTHER_H100 = Device(H100.name, index=1, uuids=("GPU-2",))
BOTH = Device(f"2 × {H100.name}", group="gpus", uuids=(*H100.uuids, "GPU-2"))
ONE_OF_ALL = replace(H100, group="all")
OTHER_OF_ALL = replace(OTHER_H100, group="all")
NO_GPU = machine(
    driver=None,
    why_no_gpu="no NVIDIA driver installed (libnvidia-ml.so.1 not found)",
    devices=(CPU,),
)
NOISY = Verdict(
    "NOISY",
    "epochs vary by 6.7 % (MAD), cause unknown",
    "pytest bench/ -k cnn_large --profile full",
)
UNKNOWN = Bottleneck(
    "unknown", "34 % of peak matmul throughput", "pytest bench/ --mode stock,tuned"
)
COMPUTE = Bottleneck(
    "compute-bound", "51 % of peak matmul throughput", "only a faster device helps"
)
LAUNCH = Bottleneck("launch-bound", "the GPU is busy 31 % of the epoch", "steps_per_execution=50")


def cpu_only() -> Record:
    seconds = {"post": 2.12, "mlp": 1.52, "cnn_simple": 4.34, "cnn_large": 3.3, "convnet": 7.96}
    results = [
        result(name, seconds=(2 * each, each, 1.01 * each, 0.99 * each), bottleneck=UNKNOWN)
        for name, each in seconds.items()
    ]
    results[0] = replace(results[0], bottleneck=COMPUTE)
    results[3] = replace(results[3], verdict=NOISY)
    stalled = replace(results[1].epochs, paused=(1.02, 0.01, 1.04))
    results[1] = replace(results[1], epochs=stalled)
    return record(results, machine=NO_GPU)


def rows(name: str, cpu: float, gpu: float, tuned: float, device: Device = H100) -> list[Finished]:
    energy = telemetry(
        energy={"gross_per_epoch": 620.0},
        pcie={"width": 4, "width_limit": 16, "generation": 5, "generation_limit": 5},
    )
    watched: dict[str, Any] = {"telemetry": energy, "bottleneck": LAUNCH}
    xla = replace(WORKER, pinned=replace(WORKER.pinned, xla=True))
    return [
        result(name, seconds=(2 * cpu, cpu, cpu), bottleneck=UNKNOWN),
        result(name, device, seconds=(9.0, gpu, gpu), **watched),
        result(name, device, seconds=(9.0, tuned, tuned), mode="tuned", worker=xla, **watched),
    ]


def gpu_and_tuned() -> Record:
    return record([*rows("mlp", 1.5, 0.12, 0.04), *rows("post", 2.1, 0.052, 0.05)])


def wrong() -> Record:
    lost = telemetry(lost=Lost(4, 0.84, "GPU is lost"))
    worse = Verdict(
        "BELOW-FLOOR", "136.0 s² is above its floor of 90.0 s²", "pytest bench/ -k post"
    )
    nan = replace(worse, evidence="the mse is nan: the training diverged")
    return record(
        [
            result("mlp", dataset=dataset("mlp", "real", "MNIST from /data")),
            failed(
                "mlp", H100, "mlp on gpu:0: worker ended\nits last lines:\n  bang", telemetry=lost
            ),
            result("mlp", GT1030, seconds=(3.0, 2.5, 2.5)),
            result("convnet", value=0.1),
            failed("post", CPU, "post on cpu: the cache cannot be written", dataset=None),
            result("post", GT1030, value=136.0, verdict=worse),
            result("post", GT1030, value=float("nan"), mode="tuned", verdict=nan),
        ]
    )


def _several_gpus() -> Record:
    two = replace(WORKER, replicas=2)
    return record(
        [
            result("post", H100, seconds=(9.0, 2.0, 2.0)),
            result("post", OTHER_H100, seconds=(9.0, 1.8, 1.8)),
            result("post", BOTH, seconds=(9.0, 1.0, 1.0), worker=two),
            result(
                "post",
                ONE_OF_ALL,
                seconds=(9.0, 2.2, 2.2),
                concurrent=Concurrent((OTHER_OF_ALL,), 0.97),
            ),
            result(
                "post",
                OTHER_OF_ALL,
                seconds=(9.0, 2.0, 2.0),
                concurrent=Concurrent((ONE_OF_ALL,), 0.4),
            ),
        ],
        settings=settings(devices=("gpus", "all")),
    )


def to_target() -> Record:
    return record(
        (),
        [
            time_to_target(seconds=6.0),
            time_to_target(seconds=3.0, mode="tuned"),
            time_to_target(device=H100, seconds=0.5, mode="tuned", joules=known(620.0)),
            time_to_target(qualities=((0.97, 0.985), (0.981, 0.99)), device=H100),
            failed("post", CPU, "post on cpu, to target: worker killed by SIGKILL"),
        ],
    )


def _files() -> Record:
    source = Input(
        source="data-dir",
        folder="/mnt/nas/grind",
        file_system="nfs4",
        bytes=14_200_000,
        waiting=0.43,
        warm_seconds=0.8,
        warm_waiting=0.04,
    )
    return record([result("post", input=source)], settings=settings(profile="smoke"))


def _repeated() -> Record:
    noisy = replace(NOISY, fix="pytest bench/ -k mlp --profile full")
    results = [
        result("mlp", seconds=(3.0, median, median), repeat=number, side=side)
        for number, median in enumerate((1.3, 1.0, 1.1), start=1)
        for side in ("B", "A")
    ]
    results[1] = replace(results[1], verdict=noisy)
    return record(results, settings=settings(second_worker="/other/python", repeats=3))


CASES: dict[str, tuple[Record, dict[str, Any]]] = {
    "cpu_only": (cpu_only(), {}),
    "cpu_only_verbose": (cpu_only(), {"verbose": True}),
    "cpu_only_80": (cpu_only(), {"width": 80}),
    "gpu_and_tuned": (gpu_and_tuned(), {}),
    "gpu_and_tuned_80": (gpu_and_tuned(), {"width": 80}),
    "gpu_and_tuned_verbose": (gpu_and_tuned(), {"verbose": True}),
    "gpu_and_tuned_ascii": (gpu_and_tuned(), {"encoding": "ascii"}),
    "wrong": (wrong(), {}),
    "several_gpus": (_several_gpus(), {}),
    "time_to_target": (to_target(), {}),
    "time_to_target_80": (to_target(), {"width": 80}),
    "files": (_files(), {}),
    "repeated": (_repeated(), {}),
}
