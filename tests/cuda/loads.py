"""Loads each kind of kernel on the first GPU, and says of each what came of it: a line of JSON.

ENVIRONMENT/bin/python loads.py [GPUs]    # GPUs: only tells how many are listed
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import tensorflow as tf


def say(name: str, found: Any) -> None:
    """Flushed, as TensorFlow may end this process in the next step."""
    print(json.dumps([name, found]), flush=True)


def step(name: str, load: Callable[[], Any]) -> None:
    """What came of one: "" where it went well."""
    try:
        load().numpy()
    except Exception as error:  # whatever it is, it is what came of it
        say(name, " ".join(f"{type(error).__name__}: {error}".split()))
    else:
        say(name, "")


def main() -> None:
    """The command line."""
    say("GPUs", len(tf.config.list_physical_devices("GPU")))
    if sys.argv[1:] == ["GPUs"]:
        return
    compiled = tf.function(
        lambda x: tf.reduce_sum(tf.tanh(x) * x, axis=0), jit_compile=True, autograph=False
    )
    with tf.device("/GPU:0"):
        zeros = tf.zeros([64, 64])
        step("MLIR kernel", lambda: zeros + 1.0)
        step(".cu.cc kernel", lambda: tf.random.uniform([32, 32]))
        step("reduction", lambda: tf.reduce_sum(zeros, axis=1))
        step("XLA", lambda: compiled(zeros))


if __name__ == "__main__":
    main()
