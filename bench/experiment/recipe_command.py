"""The verb `recipe`: options in, what is told out."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from bench.errors import GrindstoneError
from bench.report.arguments import Verbs
from bench.workloads.own import OwnWorkload
from bench.workloads.workload import Workload

if TYPE_CHECKING:
    from bench.runner.session import Session

_RECIPE = """\
Trains step by step: overfits 10 images, searches for a learning rate on 1,000, trains 20 epochs on
all and watches both losses, then regularises.  It chooses by images that are held out.

Exit status: 2 if the network cannot overfit 10 images; then nothing else is trained.
"""


def add(verbs: Verbs) -> None:
    """Adds the verb to `python -m bench`."""
    from bench.experiment import budget
    from bench.experiment.inspection import add_what
    from bench.options import ONE_DEVICE, add_to_verb
    from bench.runner.option_table import OF_A_RUN

    parser = verbs.add_parser(
        "recipe", help="train step by step, from ten images to all", description=_RECIPE
    )
    add_what(parser)
    parser.add_argument("--images", type=int, metavar="N", help="of the search (default 1000)")
    budget.add(parser, "training")
    add_to_verb(parser, OF_A_RUN, ONE_DEVICE)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Goes through it.

    Raises:
        GrindstoneError: ten images cannot be learned by heart, a training failed, or an option is
            wrong.
    """
    import dataclasses

    from bench.experiment import budget, recipe
    from bench.experiment.inspection import workload_of
    from bench.observe import devices
    from bench.options import read_settings
    from bench.page.closing import close
    from bench.report import progress
    from bench.runner.session import Session

    workload, found = workload_of(options.what), devices.find()
    settings = dataclasses.replace(read_settings(options, found), judge_training=True)
    device = settings.one_device(found)
    epochs, images = settings.epochs or recipe.EPOCHS, options.images or recipe.SOME
    if images < recipe.FEW:
        raise GrindstoneError(f"--images {images} is out of range; give {recipe.FEW} or more")
    limit = budget.of(options, device)
    settings = dataclasses.replace(settings, devices=(device,), epochs=None)
    # What the network has nothing of is told where it matters, among the steps.
    session = Session(settings, found, (), progress.on_stream(sys.stderr, left_out=False))
    try:
        session.begin()
        total = _images_of(session, workload)
        walk = recipe.Recipe(session, workload, device, limit, total, images, epochs)
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
