"""`python -m bench predict MODEL FILES…`: what a saved network says of pictures."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import DataError, shown
from bench.predict.predictor import Predictor, add_options, predictor_of
from bench.report.arguments import Verbs, add_out, new_file, write

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench.report.export.formats import Row

_PREDICT = """\
Predicts, a line for each file, how many seconds an espresso of this coffee will take, or what an
image shows, with its probability.  Images are decoded, resized and scaled as the training images
were.  Nothing in MODEL is run: only networks as --save-models saves them are loaded
(docs/predict.md).

Exit status: 1 if a file could not be read, 2 if nothing could be predicted, else 0.
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a file.

    value: the seconds, or the probability of the label; None where there is none.
    """

    file: Path
    value: float | None = None
    label: str | None = None
    problem: str | None = None


def add(verbs: Verbs) -> None:
    """Adds the verb to `python -m bench`."""
    parser = verbs.add_parser(
        "predict", help="predict images with a saved network", description=_PREDICT
    )
    add_options(parser, evaluates=False)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="images")
    form = parser.add_mutually_exclusive_group()
    for name in ("csv", "json"):
        form.add_argument(
            f"--{name}",
            dest="form",
            action="store_const",
            const=name,
            help=f"write {name.upper()} instead of lines",
        )
    add_out(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints what the network says of each file; 1 where one could not be read.

    Raises:
        GrindstoneError: the network may not be loaded, or there is no worker to ask it.
    """
    new_file(options.out)
    with predictor_of(options) as predictor:
        answers = list(_answered(predictor, options.files))
    problems = [each for each in answers if each.problem is not None]
    for each in problems:
        print(f"bench: {each.problem}", file=sys.stderr)
    classifier = predictor.network.is_classifier
    if options.form or options.out:
        write(_written(answers, options.form or "csv", classifier=classifier), options.out)
    else:
        for line in _lines(answers, classifier=classifier):
            print(line)
    return 1 if problems else 0


def _answered(predictor: Predictor, files: Sequence[Path]) -> Iterator[Answer]:
    """An answer for each file, in their order."""
    import numpy as np

    from bench.datasets.pictures import read_all
    from bench.predict import pictures

    network = predictor.network
    decoded = pictures.reader(network.workload.dataset, network.preprocessing.image)

    def read(path: Path) -> NDArray[np.uint8]:
        if path.is_dir():
            raise DataError(f"{shown(path)} is a folder: name its pictures, or use evaluate")
        if not path.exists():
            raise DataError(f"{shown(path)} is not there")
        return decoded(path)

    images, problems = read_all(files, read)
    readable = [each for each in images if each is not None]
    told = iter(predictor.predict(np.stack(readable)) if readable else ())
    why = iter(problems)
    for file, image in zip(files, images, strict=True):
        if image is None:
            yield Answer(file, problem=next(why))
        else:
            yield _answer(file, next(told), network.preprocessing.labels)


def _answer(file: Path, said: NDArray[np.float32], labels: Sequence[str]) -> Answer:
    best = int(said.argmax())
    value = float(said[best])
    if not math.isfinite(value):
        return Answer(file, problem=f"{shown(file)}: the network answers with no number ({value})")
    return Answer(file, value, labels[best] if labels else None)


def _lines(answers: Sequence[Answer], *, classifier: bool) -> Iterator[str]:
    """`photo.png  27.4 s`, `7.png  7  99.8 %`."""
    known = [each for each in answers if each.value is not None]
    names = [shown(each.file) for each in known]
    width = max(map(len, names), default=0)
    label = max((len(str(each.label)) for each in known), default=0)
    for name, each in zip(names, known, strict=True):
        assert each.value is not None
        if classifier:
            yield f"{name:<{width}}  {each.label:>{label}}  {100 * each.value:5.1f} %"
        else:
            yield f"{name:<{width}}  {each.value:5.1f} s"


def _written(answers: Sequence[Answer], form: str, *, classifier: bool) -> str:
    from bench.report.export import formats

    said = ["label", "probability"] if classifier else ["seconds"]
    rows: list[Row] = [
        {
            "file": shown(each.file),
            "label": each.label,
            said[-1]: each.value,
            "problem": each.problem,
        }
        for each in answers
    ]
    make = formats.as_csv if form == "csv" else formats.as_json
    return make(["file", *said, "problem"], rows)
