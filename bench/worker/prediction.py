"""Asks a saved network, of whose file nothing is run.

Before Keras opens it the parent has looked into the archive (bench.predict.archive), and the
weights are looked into here, where there is a library for them.  Keras' own guard, `safe_mode`, is
on, and what the network was compiled with is not even read.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from bench.worker import devices
from bench.worker.answers import Question
from bench.worker.messages import Done, Job, Phase, Say
from bench.worker.task import as_taken

WEIGHTS = "model.weights.h5"
_MOST = 10_000  # groups and arrays; HDF5 lets a group hold itself
_NUMBERS = "fiub"  # kinds of NumPy's types
_LONGEST = 200


class NetworkError(Exception):
    """A saved network is not what it should be."""


def predict(job: Job, say: Say, _wait: object = None) -> None:
    """Writes the answers to a file.

    Raises:
        NetworkError: the network cannot be loaded.
    """
    import numpy as np

    asked = job.question
    assert asked is not None
    backend, _ = devices.start(job, say)
    say(Phase("loading the network"))
    model = _loaded(backend.keras, asked.network)
    images = np.load(asked.images, mmap_mode="r", allow_pickle=False)
    answers = []
    for start in range(0, len(images), asked.batch):
        say(Phase("prediction"))  # as a sign of life
        answers.append(_answered(model, images[start : start + asked.batch], asked))
    np.save(asked.answers, np.concatenate(answers), allow_pickle=False)
    say(Done())


def _answered(model: Any, images: Any, asked: Question) -> Any:
    import numpy as np

    said = np.asarray(model.predict_on_batch(as_taken(np.asarray(images), asked.scale)))
    return said.astype("float32") / np.float32(asked.target_scale)


def _loaded(keras: Any, path: str) -> Any:
    with zipfile.ZipFile(path) as archive:
        must_be_numbers(archive.read(WEIGHTS))
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # what does not fit fails anywhere in Keras
        told = " ".join(str(error).split())
        told = told if len(told) <= _LONGEST else f"{told[:_LONGEST]}…"
        raise NetworkError(
            f"Keras {keras.__version__} cannot load it ({type(error).__name__}: {told}); predict "
            "with the Keras that saved it (--worker-python)"
        ) from None


def must_be_numbers(data: bytes) -> None:
    """Refuses weights that are more than numbers: HDF5 can point at any file of this machine.

    Raises:
        NetworkError: a link, data that lie in another file or are computed, text, or more
            numbers than the file has bytes for.
    """
    import h5py

    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            claimed = sum(_bytes_in(h5py, file))
    except NetworkError:
        raise
    except Exception as error:  # a damaged file fails anywhere in HDF5
        raise NetworkError(f"its {WEIGHTS} is damaged; copy the file again") from error
    if claimed > len(data):
        raise NetworkError(
            f"its {WEIGHTS} claims {claimed:,} bytes of numbers and has {len(data):,}"
        )


def _bytes_in(h5py: Any, file: Any) -> Iterator[int]:
    """How many bytes each array of numbers in a file takes."""
    waiting, found = [file], 0
    while waiting:
        group = waiting.pop()
        for name in group:
            found += 1
            if found > _MOST:
                raise NetworkError(f"its {WEIGHTS} holds groups in groups without end")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise NetworkError(f"its {WEIGHTS} points elsewhere ({name!r}), as no weights do")
            item = group[name]
            if isinstance(item, h5py.Group):
                waiting.append(item)
            elif _is_plain(h5py, item):
                yield item.nbytes
            else:
                raise NetworkError(f"its {WEIGHTS} holds something else than numbers ({name!r})")


def _is_plain(h5py: Any, item: Any) -> bool:
    return (
        isinstance(item, h5py.Dataset)
        and item.dtype.kind in _NUMBERS
        and not item.external
        and not item.is_virtual
    )
