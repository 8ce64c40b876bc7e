"""`python -m bench summary` and `lr-range`: a network's layers, and its learning rates."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import GrindstoneError
from bench.report.arguments import Verbs

if TYPE_CHECKING:
    from bench.options import Settings
    from bench.runner.row import Row
    from bench.worker.messages import Layer, Message, Purpose
    from bench.workloads.own import OwnWorkload
    from bench.workloads.workload import Workload

_RANGE = """\
Trains on a batch at each of many learning rates, from 1e-6 to 1, draws the loss over them and
suggests a range: from where the loss falls most steeply to a third of where it is the least.
"""
_STEPS, _LEAST_STEPS, _MOST_STEPS = 100, 20, 10_000


def add(verbs: Verbs) -> None:
    """Adds the verbs to `python -m bench`."""
    parser = verbs.add_parser("summary", help="print a network's layers, parameters and operations")
    add_what(parser)
    add_where(parser)
    parser.set_defaults(run=summary)
    parser = verbs.add_parser(
        "lr-range", help="find the learning rates of a network", description=_RANGE
    )
    add_what(parser)
    add_where(parser, draws=True)
    parser.add_argument(
        "--steps", type=int, default=_STEPS, metavar="N", help=f"rates (default {_STEPS})"
    )
    parser.set_defaults(run=lr_range)


def add_where(parser: argparse.ArgumentParser, *, draws: bool = False) -> None:
    """Adds the options that say on which device, and by which Python, a network is looked at.

    draws: whether there is a plot that --html may name a file for.
    """
    from bench.options import ONE_DEVICE, add_to_verb
    from bench.runner.option_table import OF_A_RUN

    writes_nothing = {"--results-dir": {"help": argparse.SUPPRESS}}  # taken all the same
    page = {"help": "write the plot as a page" if draws else argparse.SUPPRESS}
    without = (*OF_A_RUN, "--epochs", "--no-page", "--no-plots", "--save-models")
    add_to_verb(parser, without, {**ONE_DEVICE, **writes_nothing, "--html": page})


def add_what(parser: argparse.ArgumentParser) -> None:
    """Adds the workload, or the file with one."""
    parser.add_argument(
        "what",
        metavar="WORKLOAD|FILE",
        help="as `-k` chooses it, or a file with model() and data()",
    )


def workload_of(word: str) -> Workload | OwnWorkload:
    """The workload of a name, or in a file.

    Raises:
        GrindstoneError: there is neither.
    """
    from bench.workloads import EVERY
    from bench.workloads.own import read

    if word in EVERY:
        return EVERY[word]
    if not Path(word).exists():
        names = ", ".join(EVERY)
        raise GrindstoneError(f"{word}: no such workload or file; the workloads are {names}")
    return read(Path(word))


def summary(options: argparse.Namespace) -> int:
    """Prints the layers.

    Raises:
        GrindstoneError: there is no such workload, or it cannot be built.
    """
    from bench.report.format import Screen
    from bench.worker.messages import Fault, Layer

    row, settings = row_and_settings(options)
    every = list(inspect(row, settings, "summary"))
    layers = [each for each in every if isinstance(each, Layer)]
    wrong = [f"Misplaced: {each.what}" for each in every if isinstance(each, Fault)]
    print(Screen.of(sys.stdout).draw(*_shown(row, layers), *wrong), end="")
    return 0


def lr_range(options: argparse.Namespace) -> int:
    """Prints the suggested range with its plot, and writes the page.

    Raises:
        GrindstoneError: there is no such workload, or it cannot be trained.
    """
    from bench.experiment import rates
    from bench.report.format import Screen
    from bench.worker.messages import Tried

    if not _LEAST_STEPS <= options.steps <= _MOST_STEPS:
        raise GrindstoneError(
            f"--steps {options.steps} is out of range; give a number from {_LEAST_STEPS} to "
            f"{_MOST_STEPS:,}"
        )
    row, settings = row_and_settings(options)
    every = inspect(row, settings, "learning rates", options.steps)
    tried = [each for each in every if isinstance(each, Tried)]
    found = rates.found(tried)
    title = f"{row.workload.name}: learning-rate range test"
    screen = Screen.of(sys.stdout)
    print(screen.draw(title, *rates.lines(found), "", *rates.drawn(tried, screen)), end="")
    if settings.html:
        rates.write_page(title, tried, found, settings.html)
        print(f"Page: {settings.html}")
    return 0 if found else 1


def row_and_settings(options: argparse.Namespace) -> tuple[Row, Settings]:
    """The row that is looked at, and how."""
    from bench.observe import devices
    from bench.options import read_settings
    from bench.runner.row import Row

    workload, found = workload_of(options.what), devices.find()
    settings = read_settings(options, found)
    device = settings.one_device(found)
    return Row(workload, device, variant=settings.variants[0]), settings


def inspect(row: Row, settings: Settings, purpose: Purpose, rates: int = 0) -> Iterator[Message]:
    """Has a worker inspect a network: the messages that it sends.

    Raises:
        GrindstoneError: its data cannot be loaded, or the worker fails.
    """
    from bench.runner.events import ignore
    from bench.runner.scratch import Scratch
    from bench.runner.supervisor import Launch, WorkerProcess
    from bench.worker.messages import Job
    from bench.workloads.workload import Workload

    settings.check_workers()
    scratch = Scratch()
    store = settings.store(scratch.path)
    try:
        prepared, workload = None, row.designed
        if isinstance(workload, Workload):
            prepared = store.prepare(workload, settings.schedule(workload))
        job = Job(
            row.workload.name,
            is_gpu=row.device.is_gpu,
            epochs=1,
            seed=settings.seed,
            data=prepared.files if prepared else {},
            precision=row.way.variant.precision,
            backend=row.way.variant.backend or "tensorflow",
            rates=rates,
            own=row.own_file,
            classes=prepared.dataset.classes if prepared else None,
            purpose=purpose,
        )
        reads = () if prepared else (Path(row.own_file.path).parent,) if row.own_file else ()
        python, image = settings.worker_python, settings.worker_image
        launch = Launch(row.title, row.device, python, settings.limits, scratch.path, image, reads)
        with WorkerProcess(job, launch, ignore) as worker:
            yield from worker.told()
    finally:
        store.close()
        scratch.clean()


def _shown(row: Row, layers: Sequence[Layer]) -> Iterator[Any]:
    from bench.report import format as shown
    from bench.report import table

    right = ("Parameters", "MMAC")
    grid = table.grid(3, ("Layer", "Kind", "Output", *right), right)
    for each in layers:
        cost = "unknown" if each.products is None else _millions(each.products)
        grid.add_row(each.name, each.kind, each.shape, shown.count(each.parameters), cost)
    parameters = sum(each.parameters for each in layers)
    fixed = parameters - sum(each.trainable for each in layers)
    known = [each.products for each in layers if each.products is not None]
    told_ = f"{row.workload.name}: {shown.count(parameters)} parameters"
    if fixed:
        told_ += f", {shown.count(fixed)} of them not trained"
    least = "" if len(known) == len(layers) else "at least "
    yield (
        f"{told_}; {least}{_millions(sum(known)) or '0'} MMAC (million multiply-accumulates) "
        "forward for an image, about three times that to train on it"
    )
    yield grid


def _millions(products: int) -> str:
    return f"{products / 1e6:,.2f}" if products else ""
