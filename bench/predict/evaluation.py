"""`python -m bench evaluate MODEL FOLDER`: what a saved network is worth on other pictures."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import DataError, GrindstoneError, shown
from bench.predict.predictor import Predictor, add_options, predictor_of
from bench.report.arguments import Verbs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench.datasets.examples import Examples
    from bench.predict.network import Network

_EVALUATE = """\
Evaluates a saved network on the images in FOLDER, in any layout that --data-dir takes
(docs/data.md): on all of grind's photographs, or on the test images of MNIST and CIFAR-10.  Without
FOLDER, on the test images of `pytest bench/`.

Images that the network was trained on, or of a shot that it was trained on, are reported apart.  A
page has the plots and the images with the largest errors.

Exit status: 0 if it was evaluated, whatever the result.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """What a network said of examples.

    title: the network and the device.
    said: `(n, outputs)`; finite, all of it.
    seen: which examples it was trained on; None where that is not known, for this reason.
    """

    title: str
    network: Network
    examples: Examples
    said: NDArray[np.float32]
    seen: NDArray[np.bool_] | None
    why_unknown: str | None = None


def add(verbs: Verbs) -> None:
    """Adds the verb to `python -m bench`."""
    parser = verbs.add_parser(
        "evaluate",
        help="measure how well a saved network predicts",
        description=_EVALUATE,
    )
    add_options(parser, evaluates=True)
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="images")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints the figures and writes the page.

    Raises:
        GrindstoneError: the network may not be loaded, there is nothing to judge it on, or the
            page cannot be written.
    """
    from bench.predict import report
    from bench.report.format import Screen
    from bench.runner import paths

    if options.folder is not None and options.synthetic:
        raise GrindstoneError(
            "FOLDER names real pictures, and --synthetic wants none: leave one out"
        )
    page = None
    if not options.no_page:
        page = options.html or options.model.with_name(f"{options.model.stem}-evaluation.html")
        page = paths.page(page)
    with predictor_of(options) as predictor:
        made = _evaluated(predictor, options.folder)
    print(Screen.of(sys.stdout).draw(*report.printed(made)), end="")
    if page is not None:
        from bench.page.write import rendered, write
        from bench.predict.page import of

        write(rendered([of(made)]), page)
        print(f"Page: {shown(page)}")
    return 0


def _evaluated(predictor: Predictor, folder: Path | None) -> Evaluated:
    import numpy as np

    examples = _examples(predictor, folder)
    if not len(examples):
        raise DataError(f"{examples.note}: there is nothing to judge a network on")
    said = predictor.predict(examples.x)
    if lost := int(np.count_nonzero(~np.isfinite(said).all(axis=1))):
        raise GrindstoneError(
            f"{predictor.network.name} answers {lost} of {len(examples)} pictures with no number: "
            "its training diverged"
        )
    try:
        seen, why = _seen(predictor.network, examples), None
    except DataError as error:
        seen, why = None, str(error)
    return Evaluated(predictor.title, predictor.network, examples, said, seen, why)


def _examples(predictor: Predictor, folder: Path | None) -> Examples:
    """What the network is judged on."""
    from bench.datasets import data_folder, examples
    from bench.runner import paths

    network = predictor.network
    name, image = network.description.dataset.name, network.preprocessing.image
    if folder is None:
        return _without_folder(predictor)
    found = data_folder.look(paths.absolute("FOLDER", folder))
    classes = len(network.preprocessing.labels)
    try:
        if found.refusal is not None:
            raise DataError(found.refusal)
        return examples.of_folder(found, network.workload.dataset, name, image[:2], classes)
    except DataError as error:  # which speaks of the option that names the folder to a training
        raise DataError(str(error).replace("--data-dir", "FOLDER")) from error


def _without_folder(predictor: Predictor) -> Examples:
    """The test images of what `pytest bench/` has without --data-dir."""
    import dataclasses

    from bench.datasets import examples
    from bench.datasets.prepared import Store
    from bench.workloads.workload import DATA_NAMES, Schedule

    network, settings = predictor.network, predictor.settings
    name = network.description.dataset.name
    if name not in DATA_NAMES:
        raise GrindstoneError(f"{network.name} was trained on {shown(name)}: name its FOLDER")
    store = Store(predictor.scratch, None, settings.cache_dir, synthetic=settings.synthetic)
    workload = dataclasses.replace(network.workload, image=network.preprocessing.image, input=None)
    try:
        dataset = store.prepare(workload, Schedule(epochs=3, train=1)).dataset
    finally:
        store.close()
    return examples.of_dataset(dataset)


def _seen(network: Network, examples: Examples) -> NDArray[np.bool_]:
    """Which examples it was trained on.

    Raises:
        DataError: that is not known.
    """
    from bench.datasets import fingerprints

    on = network.description.trained_on
    if on is None:
        raise DataError("its description does not tell")
    return examples.known_to(fingerprints.read(network.folder / Path(on.file).name))
