"""Saved networks without Keras: archives as it writes them, with descriptions beside them."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bench.datasets import fingerprints
from bench.record import description
from bench.record.description import Description, Preprocessing, TrainedOn
from bench.workloads import EVERY
from tests.support import records


def layer(kind: str, module: str = "keras.layers", **config: Any) -> dict[str, Any]:
    """An object as Keras writes it."""
    return {"module": module, "class_name": kind, "config": config, "registered_name": None}


def config(*layers: dict[str, Any]) -> dict[str, Any]:
    """A network of these layers, of a Dense one by themselves."""
    policy = layer("DTypePolicy", "keras", name="float32")
    dense = layer(
        "Dense", units=1, dtype=policy, kernel_initializer=layer("Zeros", "keras.initializers")
    )
    made = layer("Sequential", "keras", name="sequential", layers=list(layers or (dense,)))
    return {**made, "build_config": {"input_shape": [None, 2]}, "compile_config": {}}


def archive(
    path: Path,
    tree: Any = None,
    members: Mapping[str, bytes] | None = None,
    packed: int = zipfile.ZIP_STORED,
) -> Path:
    """A `.keras` file.  members: in the place of those that it has, or besides."""
    parts = {
        "metadata.json": b'{"keras_version": "3.15.1"}',
        "config.json": json.dumps(config() if tree is None else tree).encode(),
        "model.weights.h5": b"\x89HDF\r\n",
        **(members or {}),
    }
    with zipfile.ZipFile(path, "w", packed) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return path


def saved(
    folder: Path,
    workload: str = "post",
    trained_on: NDArray[np.uint8] | None = None,
    mean: float | None = 30.0,
    image: tuple[int, int, int] | None = None,
    **members: Any,
) -> Path:
    """A network of a workload as `--save-models` leaves it."""
    folder.mkdir(exist_ok=True)
    path = archive(folder / f"{workload}-cpu.keras")
    work = EVERY[workload]
    on = None
    if trained_on is not None:
        np.save(folder / "trained-on-0.npy", fingerprints.of(trained_on))
        sha256 = hashlib.sha256((folder / "trained-on-0.npy").read_bytes()).hexdigest()
        on = TrainedOn(file="trained-on-0.npy", sha256=sha256, mean=mean)
    classes = work.metric == "accuracy"
    made = Description(
        grindstone="0.1.0",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        keras="3.15.1",
        workload=workload,
        mode="stock",
        seed=1,
        dataset=msgspec.structs.replace(records.dataset(), name=work.dataset),
        quality=records.quality(workload),
        preprocessing=Preprocessing(
            image=image or work.image,
            scale=work.scale,
            target_scale=work.target_scale,
            metric=work.metric,
            labels=tuple("0123456789") if classes else (),
        ),
        trained_on=on,
    )
    made = msgspec.structs.replace(made, **members)
    description.beside(path).write_bytes(description.encode(made))
    return path
