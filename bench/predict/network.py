"""A saved network as a person names it: looked into, with what its images have to be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.errors import GrindstoneError, shown, why
from bench.invocation import BENCHMARK
from bench.predict import archive
from bench.record import description
from bench.record.description import Description, Preprocessing
from bench.runner.paths import from_here
from bench.runner.saved import copied
from bench.worker.saving import SUFFIX
from bench.workloads import EVERY
from bench.workloads.workload import Workload

_SAVE_ANEW = f"{BENCHMARK} --save-models saves one"
# What other networks are kept in, and why none of them is opened.
_OTHERS = {
    (".h5", ".hdf5"): "HDF5, in which a layer may be a program; where you trust it, load it with "
    "Keras and save it anew: model.save('network.keras')",
    (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".bin"): "a Python pickle, which could run any "
    "program and is never opened",
    (".pb", ".onnx", ".tflite", ".safetensors"): "another program's",
}


@dataclass(frozen=True, slots=True)
class Network:
    """One that may be loaded.

    name: of its file; path: of a copy of it that nobody changes any more.
    folder: that it came from, with what was saved beside it.
    """

    name: str
    path: Path
    folder: Path
    description: Description
    preprocessing: Preprocessing
    workload: Workload

    @property
    def is_classifier(self) -> bool:
        """Whether it answers with classes, else with seconds."""
        return bool(self.preprocessing.labels)


def opened(named: Path, scratch: Path) -> Network:
    """The network in a file, copied to a folder of this run and looked into.

    Raises:
        GrindstoneError: it is none, or none that may be loaded, or not known what it takes.
    """
    path = from_here("MODEL", named)
    name = shown(path)
    _must_be_keras(path, name)
    copy = scratch / f"opened{SUFFIX}"
    try:
        with path.open("rb") as source, copy.open("xb") as target:
            sha256, _ = copied(source, target)
    except OSError as error:
        raise GrindstoneError(f"{name} cannot be read: {why(error)}") from error
    archive.check(copy, name)
    told = description.read(description.beside(path))
    workload, preprocessing = _used_for(told, name)
    if sha256 != told.sha256:
        raise GrindstoneError(
            f"{name} is not the network that {shown(description.beside(path).name)} describes, or "
            "was changed since; copy both from where they were saved"
        )
    return Network(shown(path.name), copy, path.parent, told, preprocessing, workload)


def _must_be_keras(path: Path, name: str) -> None:
    expected = f"expected is a file that ends in {SUFFIX}: {_SAVE_ANEW}"
    if path.is_dir():
        found = "a SavedModel, whose graph runs whatever is in it"
        what = found if (path / "saved_model.pb").exists() else "a folder"
        raise GrindstoneError(f"{name} is {what}; {expected}")
    suffix = path.suffix.lower()
    for suffixes, what in _OTHERS.items():
        if suffix in suffixes:
            raise GrindstoneError(f"{name} is {what}; {expected}")
    if suffix != SUFFIX:
        raise GrindstoneError(f"{name} is no network by its name; {expected}")
    if path.is_file() and path.stat().st_size > archive.LARGEST:
        raise GrindstoneError(f"{name} is larger than any of Grindstone's networks; {expected}")
    if not path.is_file():
        there = "is no file" if path.exists() else "is not there"
        raise GrindstoneError(f"{name} {there}; {expected}")


def _used_for(told: Description, name: str) -> tuple[Workload, Preprocessing]:
    """The workload, and how its images are made.

    Raises:
        GrindstoneError: it is not known, or there is nothing to predict.
    """
    if told.preprocessing is None:
        raise GrindstoneError(
            f"{name} is a model of your own ({told.workload}), and only your file knows how its "
            "data are made; predict with Keras: keras.models.load_model"
        )
    workload = EVERY.get(told.workload)
    if workload is None or workload.dataset == "circles":
        known = ", ".join(each for each, work in EVERY.items() if work.dataset != "circles")
        raise GrindstoneError(
            f"{name} is of the workload {shown(told.workload)}, which predicts nothing of a "
            f"picture here; the workloads that do are {known}"
        )
    return workload, told.preprocessing
