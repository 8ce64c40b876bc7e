"""Saves the networks that workers trained: beside the record, each whole or not there.

A worker writes into the run's temporary folder, the one place that a container may write to, and
what it wrote is moved from there, with a description of all that it takes to predict with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import msgspec

import bench
from bench.datasets import cache
from bench.datasets.prepared import Prepared
from bench.errors import why
from bench.record import description
from bench.record.artifacts import Saved, models
from bench.record.description import Description, Preprocessing, TrainedOn
from bench.record.head import Device
from bench.record.measured import known, unknown
from bench.record.model import Finished
from bench.record.repeats import Repeat
from bench.runner.result import DeviceRun
from bench.worker.messages import Job
from bench.worker.saving import SUFFIX
from bench.workloads.own import OwnWorkload
from bench.workloads.workload import ERRORS, Workload

_CHUNK = 1 << 20
_UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")  # for the name of a file


@dataclass(frozen=True, slots=True)
class ModelSaver:
    """Saves the networks of a run.

    record: the file of its record.
    scratch: its temporary folder.
    seed: that it trains from, where a repeat has none of its own.
    """

    record: Path
    scratch: Path
    seed: int

    def asked_for(self, job: Job, device: Device) -> Job:
        """The job with a file for what it trains; of a training to targets nothing is saved."""
        return job if job.seeds else replace(job, save=str(self._place(device)))

    def save(
        self,
        result: Finished,
        workload: Workload | OwnWorkload,
        prepared: Prepared | None,
        run: DeviceRun,
    ) -> Finished:
        """The result with the network that its worker saved, or with the reason for none.

        workload: as it was trained.
        """
        place = self._place(run.device)
        told = _told(result, workload, prepared, self.seed)
        try:
            made = known(self._moved(place, _name(result), told, prepared))
        except OSError as error:
            unsaved = run.outcome.unsaved if run.outcome else None
            reason = unsaved.why if unsaved else why(error)
            made = unknown(reason)
        finally:
            with contextlib.suppress(OSError):
                place.unlink(missing_ok=True)
        return msgspec.structs.replace(result, saved=made)

    def _place(self, device: Device) -> Path:
        return self.scratch / f"network-{_UNFIT.sub('-', device.id)}{SUFFIX}"

    def _moved(self, place: Path, name: str, told: Description, prepared: Prepared | None) -> Saved:
        folder = models(self.record)
        path = folder / f"{name}{SUFFIX}"
        with place.open("rb") as made, cache.whole(path) as file:
            sha256, size = copied(made, file)
        on = _trained_on(prepared, folder) if prepared else None
        described = msgspec.structs.replace(told, sha256=sha256, trained_on=on)
        with cache.whole(description.beside(path)) as file:
            file.write(description.encode(described))
        return Saved(file=path.name, sha256=sha256, bytes=size)


def copied(source: IO[bytes], target: IO[bytes]) -> tuple[str, int]:
    """Copies what is left of a file; the SHA-256 of it, and its size."""
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(_CHUNK):
        target.write(chunk)
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


def _name(result: Finished) -> str:
    """`post-cpu`, `mlp-gpu_0-tuned`, `post-cpu_3`."""
    suffix = Repeat(result.repeat, result.side, result.seed).suffix.replace(", ", "-", 1)
    return _UNFIT.sub("_", f"{result.workload}-{result.device.id}{result.way.id}{suffix}")


def _trained_on(prepared: Prepared, folder: Path) -> TrainedOn:
    """What the training images were; a file for all networks that were trained on the same."""
    import numpy as np

    from bench.datasets import fingerprints

    train = prepared.dataset.train
    packed = io.BytesIO()
    np.save(packed, fingerprints.of(train.x), allow_pickle=False)
    data = packed.getvalue()
    sha256 = hashlib.sha256(data).hexdigest()
    path = folder / f"trained-on-{sha256[:12]}.npy"
    if not path.exists():
        with cache.whole(path) as file:
            file.write(data)
    regression = train.y.ndim == 1 and train.y.dtype.kind == "f"
    mean = float(train.y.mean(dtype=np.float64)) if regression else None
    return TrainedOn(file=path.name, sha256=sha256, mean=mean)


def _told(
    result: Finished, workload: Workload | OwnWorkload, prepared: Prepared | None, seed: int
) -> Description:
    return Description(
        grindstone=bench.__version__,
        sha256="0" * 64,  # until it has been copied
        keras=result.worker.keras,
        workload=result.workload,
        file=result.file,
        mode=result.mode,
        variant=result.variant,
        seed=seed if result.seed is None else result.seed,
        dataset=result.dataset,
        quality=result.quality,
        preprocessing=_preprocessing(workload, prepared)
        if isinstance(workload, Workload) and prepared
        else None,
    )


def _preprocessing(workload: Workload, prepared: Prepared) -> Preprocessing:
    from bench.datasets.layouts import cifar_files

    made = prepared.dataset
    labels = (
        cifar_files.CLASSES
        if made.name == "cifar10"
        else tuple(map(str, range(made.classes or workload.classes)))
    )
    return Preprocessing(
        image=workload.image,
        scale=workload.scale,
        target_scale=workload.target_scale,
        metric=workload.metric,
        labels=() if workload.metric in ERRORS else labels,
    )
