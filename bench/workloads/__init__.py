"""What is trained: the networks, exactly as published, and the floors that they must reach.

The modules here are read on both sides, by the parent and by the worker's interpreter, which has
TensorFlow and NumPy only: they import nothing but the standard library, and are handed `keras`.

WORKLOADS are those that every run trains, ON_REQUEST those that are trained where `-k` names them;
EVERY holds all that there are, those from files, too.
"""

from __future__ import annotations

import re

from bench.workloads import cifar, circles, grind, mnist
from bench.workloads.workload import Workload

WORKLOADS: dict[str, Workload] = {w.name: w for w in (*mnist.WORKLOADS, *grind.WORKLOADS)}
ON_REQUEST: dict[str, Workload] = {
    w.name: w for w in (*grind.ON_REQUEST, *circles.ON_REQUEST, *cifar.ON_REQUEST)
}
EVERY: dict[str, Workload] = {**WORKLOADS, **ON_REQUEST, **{w.name: w for w in grind.FROM_FILES}}


def on_request(expression: str) -> tuple[Workload, ...]:
    """Those that an expression of `-k` names, or a part of whose name it has.

    `-k "not mlp"` names none of them: whoever leaves one out does not ask for more.
    """
    words = set(re.findall(r"[^\s()&|!]+", expression.lower())) - {"and", "or", "not"}
    return tuple(w for w in ON_REQUEST.values() if any(word in w.name for word in words))
