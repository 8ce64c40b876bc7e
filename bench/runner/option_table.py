"""The options: each as pytest's `addoption` and argparse's `add_argument` take it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.record.repeats import INTERIM_CHECKS
from bench.record.variant import PRECISIONS
from bench.runner.interpreter import PLAN_FILE
from bench.workloads.backend import BACKENDS
from bench.workloads.workload import PROFILES

# Long enough for thousands of calls and a GPU's clock; of a row it is a few seconds.
INFERENCE_SECONDS = 4.0

Option = dict[str, Any]


def _value(metavar: str, text: str, **more: Any) -> Option:
    return {"metavar": metavar, "help": text, **more}


def _list(metavar: str, text: str) -> Option:
    return _value(metavar, text, action="append")


def _flag(text: str) -> Option:
    return {"action": "store_true", "help": text}


CLUSTER: Mapping[str, Option] = {
    "--cluster": _value(
        "NAME=HOST:PORT,…",
        "train every network over these machines, and on the first one alone; "
        "playbooks/bench.yml starts it on each (docs/fleet.md)",
    ),
    "--cluster-index": _value(
        "N", "which of --cluster this machine is; 0 reports (default: 0)", type=int, default=0
    ),
    "--cluster-batch": {
        "choices": ("kept", "scaled"),
        "default": "kept",
        "help": "kept: all machines share the batch that one has; scaled: each has as many images "
        "a step (without a floor) (default: kept)",
    },
}

# What `pytest bench/` trains, and how often: no option of a verb that chooses this itself.
OF_A_RUN = (
    *("--workload", "--mode", "--batch", "--xla", "--steps-per-execution", "--design", "--input"),
    *("--learning-curve", "--inference", "--inference-seconds", "--time-to-target"),
    *("--processes", "--against"),
)

OPTIONS: Mapping[str, Option] = {
    "--device": _list(
        "cpu|gpu:N|gpu:N:SLICE|gpus|all",
        "train here only; may be repeated, or a list with commas (default: every device). "
        "gpus: one network over all GPUs; all: one on each GPU, at the same time",
    ),
    "--workload": _list(
        "FILE",
        "train the model in this file, which has model() and data(), instead of Grindstone's "
        "workloads; may be repeated (docs/own-models.md)",
    ),
    "--mode": _list(
        "stock|tuned",
        "stock: plain model.fit; tuned: optimised training loop; or both: stock,tuned "
        "(default: both in full, and on a GPU in quick, else stock)",
    ),
    "--backend": _list(
        "|".join(BACKENDS),
        "train with these below Keras, a row each (default: the plan's, else the first "
        "that the interpreter has)",
    ),
    "--batch": _list(
        "N,…", "train with these batch sizes, a row each, and say which is faster (without a floor)"
    ),
    "--precision": _list(
        "|".join(PRECISIONS), "compute in these, a row each; tf32-off: float32 without a GPU's TF32"
    ),
    "--xla": _list("on|off", "have XLA compile the steps of model.fit, or not; on,off: a row each"),
    "--steps-per-execution": _list("N,…", "as model.compile takes it, a row each"),
    "--design": _list(
        "CHANGE=…,…", "change the network or its training, a row for each (docs/experiments.md)"
    ),
    **CLUSTER,
    "--input": _list(
        "memory|disk|data-dir",
        "also train on grind images that are read from files in every epoch, and measure "
        "the share of it spent waiting for them; disk: that of --cache-dir",
    ),
    "--epochs": _value(
        "N",
        "train for so many instead of the profile's (without a floor), 3 at least",
        type=int,
    ),
    "--learning-curve": _flag(
        "also measure the quality on test and training images after every epoch, off the "
        "clock, for the page's learning curves"
    ),
    "--save-models": _flag(
        "save each trained network beside the record, in Keras' own format, for "
        "`predict` and `evaluate` (docs/predict.md)"
    ),
    "--inference": _flag(
        "also measure how fast the trained network answers, off the clock: the latency of "
        "one example, and the throughput in batches"
    ),
    "--inference-seconds": _value(
        "N",
        f"measure it for so long, after half as long a warm-up (default: {INFERENCE_SECONDS:g})",
        type=float,
    ),
    "--time-to-target": _flag(
        "also train from several seeds until a quality is reached: MNIST's 98 and 99 %%, "
        "and grind's floor"
    ),
    "--profile": {
        "choices": PROFILES,
        "default": "quick",
        "help": "smoke: seconds; quick: minutes (default); full: the published epochs and floors",
    },
    "--data-dir": _value(
        "DIR", "MNIST's or CIFAR-10's files, grind photographs, or all: see docs/data.md"
    ),
    "--dataset": _value(
        "NAME",
        "train MNIST's networks on these of --data-dir, without floors: fashion-mnist, "
        "kmnist, qmnist, emnist-letters, …, or a name of your own (default: mnist)",
        default="mnist",
    ),
    "--synthetic": _flag("use generated data, even where real ones are found"),
    "--seed": {"type": int, "default": 1, "help": "of weights, shuffling and dropout (default: 1)"},
    "--worker-python": _list(
        "PYTHON",
        "train with this interpreter (default: the one that the plan on this host names, "
        "else the running one)",
    ),
    "--worker-image": _value(
        "IMAGE@sha256:…",
        "train inside this container image, by podman or docker, with its GPUs by CDI",
    ),
    "--processes": _value(
        "N",
        "repeat every row N times, each in a fresh process, the rows in turn (default: 1; "
        f"in a comparison {INTERIM_CHECKS[0]}, and up to {INTERIM_CHECKS[-1]} of rows that are "
        "not clear by then)",
        type=int,
    ),
    "--against": _value(
        "FILE|last|best",
        "compare with this record, or with the last or the fastest comparable one in "
        "--results-dir; exit status 1 when a row is slower, or none has an answer",
    ),
    "--like": _value(
        "RUN",
        "train with the options of an earlier run (data, interpreter, profile, seed, …), except "
        "those given here; not on its devices, nor its rows",
    ),
    "--cache-dir": _value("DIR", "where data are kept between runs (default: ~/.cache/grindstone)"),
    "--results-dir": _value(
        "DIR", "where the JSON record goes (default: results)", default="results"
    ),
    "--html": _value("FILE", "where the page with the plots goes (default: beside the record)"),
    "--no-plots": _flag("draw no bars on a terminal"),
    "--no-page": _flag("write no page"),
    "--limit": _value(
        "SECONDS",
        "worker timeout: seconds without output (default: by phase, 2 to 30 minutes)",
        type=float,
    ),
    "--plan": _value("FILE", f"default: {PLAN_FILE}", default=str(PLAN_FILE)),
}
