"""Predicts in a worker: this process has no Keras, and runs nothing of a network."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import GrindstoneError
from bench.predict.network import Network, opened

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench.options import Settings
    from bench.record.head import Device
    from bench.worker.answers import Question
    from bench.worker.messages import Job

# Options that the saved network has settled, or that say nothing here.
_SETTLED = (
    *("--precision", "--epochs", "--profile", "--data-dir", "--dataset", "--seed"),
    *("--results-dir", "--no-plots", "--save-models"),
)
_OF_AN_EVALUATION = ("--synthetic", "--cache-dir", "--html", "--no-page")
# What the options of a run are called where nothing is trained.
_CALLED: dict[str, dict[str, str]] = {
    "--device": {
        "metavar": "cpu|gpu:N",
        "help": "where the network is asked (default: on the first GPU, else on the CPU)",
    },
    "--backend": {"help": "what is below Keras (default: the plan's, else the first that is here)"},
    "--worker-python": {
        "help": "ask with this interpreter (default: the one that the plan on this host names, "
        "else the running one)"
    },
    "--worker-image": {"help": "ask inside this container image, by podman or docker"},
    "--html": {"help": "where the page goes (default: beside the network)"},
}


def add_options(parser: argparse.ArgumentParser, *, evaluates: bool) -> None:
    """Adds MODEL and those of a run's options that are about the worker."""
    from bench.options import add_to_verb
    from bench.runner.option_table import OF_A_RUN

    parser.add_argument(
        "model", type=Path, metavar="MODEL", help="a .keras file that --save-models saved"
    )
    of_the_other = () if evaluates else _OF_AN_EVALUATION
    add_to_verb(parser, (*OF_A_RUN, *_SETTLED, *of_the_other), _CALLED)
    # Nothing is written there, and the folder where one stands may not be one's own.
    parser.set_defaults(results_dir=Path(tempfile.gettempdir()))


@dataclass(frozen=True, slots=True)
class Predictor:
    """A saved network on a device.

    predict: takes images as the network has them, `(n, height, width, channels) uint8`; gives
        `(n, outputs) float32`, seconds or the probability of each class.
    """

    network: Network
    settings: Settings
    device: Device
    scratch: Path
    predict: Callable[[NDArray[np.uint8]], NDArray[np.float32]]

    @property
    def title(self) -> str:
        """`post-cpu.keras on cpu`."""
        return f"{self.network.name} on {self.device.id}"


@contextmanager
def predictor_of(options: argparse.Namespace) -> Iterator[Predictor]:
    """The network that was named, on the device that was.

    Raises:
        GrindstoneError: it may not be loaded, or an option is wrong.
    """
    from bench.observe import devices
    from bench.options import read_settings
    from bench.runner.scratch import Scratch

    scratch = Scratch()
    try:
        network = opened(options.model, scratch.path)
        found = devices.find()
        settings = read_settings(options, found)
        device = settings.one_device(found)

        def predict(images: NDArray[np.uint8]) -> NDArray[np.float32]:
            return _answers(network, settings, device, scratch.path, images)

        yield Predictor(network, settings, device, scratch.path, predict)
    finally:
        scratch.clean()


def _answers(
    network: Network, settings: Settings, device: Device, scratch: Path, images: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """What the network answers, by a worker of its own.

    Raises:
        GrindstoneError: there is no worker, it cannot load the network, or that answers otherwise.
    """
    import numpy as np

    from bench.runner.events import ignore
    from bench.runner.supervisor import Launch, WorkerProcess
    from bench.worker.answers import Question

    settings.check_workers()
    question = Question(
        str(network.path),
        str(scratch / "images.npy"),
        str(scratch / "answers.npy"),
        network.preprocessing.scale,
        network.preprocessing.target_scale,
    )
    np.save(question.images, images, allow_pickle=False)
    job = _job(network, settings, device, question)
    launch = Launch(
        f"{network.name} on {device.id}",
        device,
        settings.worker_python,
        settings.limits,
        scratch,
        settings.worker_image,
    )
    with WorkerProcess(job, launch, ignore) as worker:
        for _ in worker.told():
            pass
    made: NDArray[np.float32] = np.load(question.answers, allow_pickle=False)
    outputs = len(network.preprocessing.labels) or 1
    if made.shape != (len(images), outputs):
        raise GrindstoneError(
            f"{network.name} answers with an array of shape {made.shape[1:]} for a picture, and "
            f"{outputs} number{'s' if outputs > 1 else ''} of it {'are' if outputs > 1 else 'is'} "
            f"expected: it is not the network of {network.workload.name} that its description says"
        )
    return made


def _job(network: Network, settings: Settings, device: Device, question: Question) -> Job:
    from bench.worker.messages import Job

    return Job(
        network.workload.name,
        is_gpu=device.is_gpu,
        epochs=1,
        seed=settings.seed,
        data={},
        backend=settings.variants[0].backend or "tensorflow",
        purpose="prediction",
        question=question,
    )
