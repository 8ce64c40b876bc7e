"""The experiments: networks, or ways to train one, that differ in one thing.  A row each.

`python -m bench experiment NAME` trains every arm from several seeds; the first is the baseline.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from bench.workloads.design import UNCHANGED, Design


@dataclass(frozen=True, slots=True)
class Arm:
    """One of what is compared.

    design: the changes to it.
    batch: images a step, instead of the workload's.
    """

    workload: str
    design: Design = UNCHANGED
    batch: int | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is asked, and what is trained to answer it.

    arms: the first is the baseline.
    baseline: what the first arm is called; empty where its design says so.
    epochs, seeds: the defaults, chosen so that all of it takes an hour on two processors and a
        coffee break on a GPU.
    images: that are trained on; None is all.
    notable: the least difference that matters, in s² or as a share of right answers.
    source: who asked, and what they found.
    """

    name: str
    question: str
    arms: tuple[Arm, ...]
    epochs: int
    seeds: int
    notable: float
    source: str
    images: int | None = None
    baseline: str = ""


def _post(**changes: object) -> Arm:
    return Arm("post", Design(**changes))  # type: ignore[arg-type]


def _by_sgd(**changes: object) -> Arm:
    design = Design(optimizer="SGD", learning_rate=_SGD_RATE, **changes)  # type: ignore[arg-type]
    return Arm("circles", design)


_DAY_3 = "optpresso, Day 3 (2020-11-23), 200 epochs from one seed"
_POST = Arm("post")
# Named there as a difference: «about 10 MSE».
_TEN = 10.0
# A tenth and more of what the mean picture of the circles scores (750 L²).
_HUNDRED = 100.0
# Keras' default for SGD; the post names none.
_SGD_RATE = 0.01
_CIRCLES = "a post on drawn circles (2016) and its sequel"
# Below it differences of single MNIST runs mean nothing (docs/floors.md).
_TWO_TENTHS = 0.002

_on_grind = partial(Experiment, epochs=25, seeds=12, notable=_TEN)
_on_circles = partial(Experiment, epochs=4, seeds=5, notable=_HUNDRED)

_ALL = (
    _on_grind(
        "grind-pooling",
        "Does max pooling learn better than average pooling?",
        (_POST, _post(pooling="average")),
        source=f"{_DAY_3}: max pooling better by about 10 MSE",
        baseline="max pooling",
    ),
    _on_grind(
        "grind-filters",
        "Do 32, 64 and 128 filters learn better than 32, 32 and 64?",
        (_POST, _post(filters=(32, 32, 64))),
        source=f"{_DAY_3}: more filters chosen",
        baseline="filters 32-64-128",
    ),
    _on_grind(
        "grind-dropout",
        "Does the dropout before the last layer help?",
        (_POST, _post(dropout=0.0)),
        source=f"{_DAY_3}: without it a training MSE far below 20, and a worse one in the test",
        baseline="dropout 0.5",
    ),
    _on_grind(
        "grind-dense",
        "How many dense layers, and how large?",
        (
            _POST,
            _post(dense=(32,)),
            _post(dense=(512,)),
            _post(dense=(128, 128)),
            _post(dense=(128, 32)),
        ),
        seeds=6,
        source=f"{_DAY_3}: one and two dense layers of several sizes tried",
        baseline="dense 128",
    ),
    _on_grind(
        "grind-size",
        "Do images of 255x255 pixels teach more than those of 128x128?",
        (_POST, _post(size=128)),
        source=f"{_DAY_3}: larger images did not help",
        baseline="255x255 images",
    ),
    Experiment(
        "mnist-one-cycle",
        "Does a one-cycle schedule learn more in as many epochs?",
        (
            Arm("cnn_simple"),
            Arm("cnn_simple", Design(learning_rate=5e-3)),  # what the higher rate does by itself
            Arm("cnn_simple", Design(rates="one-cycle")),
            Arm("cnn_simple", Design(rates="one-cycle", learning_rate=5e-3)),
        ),
        epochs=5,
        seeds=8,
        notable=_TWO_TENTHS,
        source="a learner's diary (2020), after L. N. Smith, arXiv:1803.09820",
        baseline="learning rate 0.001",
    ),
    *(
        Experiment(
            name,
            f"What does {called} learn in 50 and 100 epochs that it does not in 10, rebuilt?",
            tuple(Arm(workload, Design(epochs=epochs)) for epochs in (10, 50, 100)),
            epochs=10,
            seeds=3,
            notable=_TWO_TENTHS,
            source="a post on Arch Linux (2017): .982 at 10 epochs, about .984 at 50, .9845 at 100",
        )
        for name, workload, called in (
            ("mnist-curve", "mlp", "the perceptron"),
            ("mnist-curve-cnn", "cnn_large", "the larger CNN"),
        )
    ),
    _on_circles(
        "circles-sum",
        "Does the sum of the squared errors train as their mean does, by plain gradient descent?",
        (_by_sgd(), _by_sgd(loss="sum")),
        source=f"{_CIRCLES}: the sum does not train, the mean does",
        baseline="the mean of the squared errors",
    ),
    _on_circles(
        "circles-sum-adam",
        "Does Adam, which divides by the gradient's size, notice the sum?",
        (Arm("circles"), Arm("circles", Design(loss="sum"))),
        source=f"{_CIRCLES}, with the optimizer that its sequel does not name",
        baseline="the mean of the squared errors",
    ),
    _on_circles(
        "circles-dropout",
        "What does a dropout after the last layer do?",
        (Arm("circles"), Arm("circles", Design(last_dropout=0.2))),
        source=f"{_CIRCLES}: it blanks pixels of the output",
        baseline="no dropout behind the last layer",
    ),
    _on_circles(
        "circles-network",
        "How much of the network do the circles need, and does pooling help?",
        (
            Arm("circles"),
            Arm("circles", Design(filters=(16, 8, 8))),
            Arm("circles", Design(pooling="max")),
        ),
        source=f"{_CIRCLES}: a smaller network and pooling were to be looked at next",
        baseline="filters 32-16-16-8-8",
    ),
)

EXPERIMENTS: dict[str, Experiment] = {each.name: each for each in _ALL}

# Batches of a sweep, where none are asked for; the workload's own is among them.
BATCHES = (32, 128, 512, 2048)


def batch_sweep(workload: str, own: int, batches: tuple[int, ...] = BATCHES) -> Experiment:
    """What batch sizes do to time and quality; the workload's own is the baseline.

    own: the workload's batch.
    """
    others = sorted({*batches} - {own})
    return Experiment(
        f"batch-sweep-{workload}",
        "Which batch is the fastest that learns as well?",
        (Arm(workload), *(Arm(workload, batch=each) for each in others)),
        epochs=5,
        seeds=3,
        notable=_TWO_TENTHS,
        source="a learner's diary (2020)",
    )
