"""`python -m bench experiment NAME`, and `batch-sweep WORKLOAD`, which is one, too."""

from __future__ import annotations

import argparse

from bench.errors import GrindstoneError
from bench.report.arguments import Verbs

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


def add(verbs: Verbs) -> None:
    """Adds the verbs to `python -m bench`."""
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
    from bench.experiment.run import trained
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
    return trained(EXPERIMENTS[options.name], options)


def batch_sweep(options: argparse.Namespace) -> int:
    """The same of a workload with several batch sizes.

    Raises:
        GrindstoneError: there is no such workload, or an option is wrong.
    """
    from bench.experiment.run import trained
    from bench.runner.option_values import numbers
    from bench.workloads import EVERY
    from bench.workloads.experiments import BATCHES
    from bench.workloads.experiments import batch_sweep as sweep

    name = options.workload_name
    if name not in EVERY:
        raise GrindstoneError(f"no workload {name!r}; there is {', '.join(EVERY)}")
    asked = numbers("batches", [options.batches]) if options.batches else BATCHES
    batches = tuple(each for each in asked if each)
    return trained(sweep(name, EVERY[name].batch, batches), options)
