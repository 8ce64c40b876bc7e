"""`python -m bench experiment NAME`, `batch-sweep WORKLOAD` and `recipe WORKLOAD|FILE`."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from typing import TYPE_CHECKING

from bench.errors import GrindstoneError
from bench.report.arguments import Verbs
from bench.workloads.own import OwnWorkload
from bench.workloads.workload import Workload

if TYPE_CHECKING:
    from bench.runner.session import Session

_EXPERIMENT = """\
Trains the arms of an experiment, each from several seeds, and says which learns better, with an
interval, where the difference is more than chance.  It continues an earlier run of the same
experiment in --results-dir, also one that was interrupted.

Exit status: 0 when all was trained or the time was up, 1 when a training failed.
"""
_SWEEP = """\
Trains a workload with several batch sizes, each from several seeds, and prints time and quality
together, with the batch beyond which there is little to gain.
"""
_RECIPE = """\
Trains step by step: overfits 10 images, searches for a learning rate on 1,000, trains 20 epochs on
all and watches both losses, then regularises.  It chooses by images that are held out.

Exit status: 2 if the network cannot overfit 10 images; then nothing else is trained.
"""


def add(verbs: Verbs) -> None:
    """Adds the verbs to `python -m bench`."""
    from bench.experiment import budget
    from bench.experiment.inspection import add_what
    from bench.options import ONE_DEVICE, add_to_verb
    from bench.runner.option_table import OF_A_RUN

    parser = verbs.add_parser(
        "experiment",
        help="train networks from several seeds, and say which learns better",
        description=_EXPERIMENT,
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="see --list")
    parser.add_argument("--list", action="store_true", help="list the experiments")
    add_size(parser)
    parser.set_defaults(run=experiment, learning_curve=True)
    parser = verbs.add_parser(
        "batch-sweep", help="find a batch size that is fast and learns as well", description=_SWEEP
    )
    parser.add_argument("workload_name", metavar="WORKLOAD", help="as `-k` chooses it")
    parser.add_argument("--batches", metavar="N,…", help="(default: 32,128,512,2048)")
    add_size(parser)
    parser.set_defaults(run=batch_sweep, learning_curve=True)
    parser = verbs.add_parser(
        "recipe", help="train step by step, from ten images to all", description=_RECIPE
    )
    add_what(parser)
    parser.add_argument("--images", type=int, metavar="N", help="of the search (default 1000)")
    budget.add(parser, "training")
    add_to_verb(parser, OF_A_RUN, ONE_DEVICE)
    parser.set_defaults(run=recipe)


def add_size(parser: argparse.ArgumentParser) -> None:
    """How much is trained, and the options that a run has."""
    from bench.experiment import budget
    from bench.options import ONE_DEVICE, add_to_verb
    from bench.runner.option_table import OF_A_RUN

    parser.add_argument("--seeds", type=int, metavar="N", help="train every arm from N seeds")
    parser.add_argument("--images", type=int, metavar="N", help="train on N images")
    budget.add(parser, "round of seeds")
    parser.add_argument("--anew", action="store_true", help="do not continue an earlier run")
    add_to_verb(parser, (*OF_A_RUN, "--precision"), ONE_DEVICE)


def experiment(options: argparse.Namespace) -> int:
    """Trains an experiment and prints what came of it; the exit status.

    Raises:
        GrindstoneError: there is no such experiment, or an option is wrong.
    """
    from bench.experiment.run import train_and_answer
    from bench.workloads.experiments import EXPERIMENTS

    if options.list:
        for each in EXPERIMENTS.values():
            print(f"{each.name:<16}  {each.question}")
        return 0
    if options.name not in EXPERIMENTS:
        raise GrindstoneError(
            f"no experiment {options.name!r}; there is {', '.join(EXPERIMENTS)}"
            if options.name
            else f"name an experiment: {', '.join(EXPERIMENTS)}"
        )
    return train_and_answer(EXPERIMENTS[options.name], options)


def batch_sweep(options: argparse.Namespace) -> int:
    """The same of a workload with several batch sizes.

    Raises:
        GrindstoneError: there is no such workload, or an option is wrong.
    """
    from bench.experiment.run import train_and_answer
    from bench.runner.option_values import numbers
    from bench.workloads import EVERY
    from bench.workloads.experiments import BATCHES
    from bench.workloads.experiments import batch_sweep as sweep

    name = options.workload_name
    if name not in EVERY:
        raise GrindstoneError(f"no workload {name!r}; there is {', '.join(EVERY)}")
    asked = numbers("batches", [options.batches]) if options.batches else BATCHES
    batches = tuple(each for each in asked if each)
    return train_and_answer(sweep(name, EVERY[name].batch, batches), options)


def recipe(options: argparse.Namespace) -> int:
    """Trains step by step and prints what comes of it.

    Raises:
        GrindstoneError: ten images cannot be learned by heart, a training failed, or an option is
            wrong.
    """
    from bench.experiment import budget
    from bench.experiment.inspection import workload_of
    from bench.experiment.recipe import EPOCHS, FEW, SOME, Recipe
    from bench.observe import devices
    from bench.options import read_settings
    from bench.page.closing import close
    from bench.report import progress
    from bench.runner.session import Session

    workload, found = workload_of(options.what), devices.find()
    settings = dataclasses.replace(read_settings(options, found), judge_training=True)
    device = settings.one_device(found)
    epochs, images = settings.epochs or EPOCHS, options.images or SOME
    if images < FEW:
        raise GrindstoneError(f"--images {images} is out of range; give {FEW} or more")
    limit = budget.of(options, device)
    settings = dataclasses.replace(settings, devices=(device,), epochs=None)
    # What the network does not support is told among the steps, where it matters.
    session = Session(settings, found, (), progress.on_stream(sys.stderr, left_out=False))
    try:
        session.begin()
        total = _images_of(session, workload)
        walk = Recipe(session, workload, device, limit, total, images, epochs)
        for line in walk.steps():
            print(line, flush=True)
    finally:
        closing = close(session, None)
        session.clean()
    if closing is not None and closing.page is not None:
        print(f"Record: {closing.ending.path}  Page: {closing.page}")
    return 0


def _images_of(session: Session, workload: Workload | OwnWorkload) -> int | None:
    """How many training images there are; None where the file has them."""
    if isinstance(workload, OwnWorkload):
        return None
    return len(session.prepare(workload, session.settings.schedule(workload)).dataset.train)
