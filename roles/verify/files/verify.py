"""Proves in stages that this interpreter's TensorFlow computes what it should.

    /opt/grindstone/tensorflow/bin/python verify.py [/etc/grindstone/plan.json]

The stages stop at the first that fails.  What they found goes to standard output as JSON and to
standard error to be read.  No stage is timed, so the same machine gives the same bytes again.

The stages run in a child process, for a wheel that does not suit the processor ends its process.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

TOLERANCE = 1e-4  # of float32 results of order 1; they differ by some 1e-6


class Stage(NamedTuple):
    """name: for the reader; check: returns what it found, or raises; advice: what to do then."""

    name: str
    check: Callable[[dict[str, Any]], str]
    advice: str


def interpreter(plan: dict[str, Any]) -> str:
    """The Python is the plan's."""
    planned = plan.get("tensorflow", {}).get("python", "")
    version = platform.python_version()
    if planned and not version.startswith(planned + "."):
        raise AssertionError(f"this is Python {version}, the plan says {planned}")
    return f"Python {version}"


def imports(plan: dict[str, Any]) -> str:
    """TensorFlow is imported, in the plan's version."""
    import keras
    import tensorflow as tf

    planned = plan.get("tensorflow", {}).get("version", tf.__version__)
    if tf.__version__ != planned:
        raise AssertionError(f"this is TensorFlow {tf.__version__}, the plan says {planned}")
    return f"TensorFlow {tf.__version__}, Keras {keras.__version__}"


def training(_: dict[str, Any]) -> str:
    """One step down the gradient lowers the loss."""
    import keras
    import numpy as np

    keras.utils.set_random_seed(1)
    random = np.random.default_rng(1)
    pictures = random.normal(size=(64, 20)).astype("float32")
    labels = (pictures.sum(axis=1) > 0).astype("int32")
    layers = [keras.Input((20,)), keras.layers.Dense(16, activation="relu"), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=loss)
    before = float(model.evaluate(pictures, labels, verbose=0))
    model.train_on_batch(pictures, labels)
    after = float(model.evaluate(pictures, labels, verbose=0))
    if not after < before:
        raise AssertionError(f"the loss went from {before:.4f} to {after:.4f}")
    return "one step lowers the loss"


def product(_: dict[str, Any]) -> str:
    """A matrix product is NumPy's."""
    import numpy as np
    import tensorflow as tf

    left, right = np.random.default_rng(2).normal(size=(2, 256, 256)) / 16
    computed = tf.matmul(tf.constant(left, tf.float32), tf.constant(right, tf.float32))
    return agreement(computed.numpy(), left @ right)


def convolution(_: dict[str, Any]) -> str:
    """A convolution is the sum that NumPy forms over the same windows."""
    import numpy as np
    import tensorflow as tf

    random = np.random.default_rng(3)
    pictures = random.normal(size=(4, 16, 16, 3))
    kernels = random.normal(size=(3, 3, 3, 8)) / 9
    computed = tf.nn.conv2d(
        tf.constant(pictures, tf.float32), tf.constant(kernels, tf.float32), 1, "VALID"
    )
    windows = np.lib.stride_tricks.sliding_window_view(pictures, (3, 3), axis=(1, 2))
    return agreement(computed.numpy(), np.einsum("bhwcij,ijck->bhwk", windows, kernels))


def xla(_: dict[str, Any]) -> str:
    """A function that XLA has compiled gives what NumPy gives."""
    import numpy as np
    import tensorflow as tf

    values = np.random.default_rng(4).normal(size=(64, 64))
    compiled = tf.function(
        lambda x: tf.reduce_sum(tf.tanh(x) * x, axis=0) / 64, jit_compile=True, autograph=False
    )
    expected = (np.tanh(values) * values).sum(axis=0) / 64
    return agreement(compiled(tf.constant(values, tf.float32)).numpy(), expected)


def agreement(computed: Any, expected: Any) -> str:
    """Says that the arrays agree, or raises with the largest difference."""
    difference = float(abs(computed - expected).max())
    if not difference <= TOLERANCE:
        raise AssertionError(f"it differs from NumPy by {difference:.2g}, not within {TOLERANCE:g}")
    return "agrees with NumPy"


AGAIN = "run site.yml again; if it stays so, remove the environment's folder and run it once more"
HARDWARE = "wrong arithmetic: test the memory and the processor, and undo any overclocking"
STAGES = [
    Stage("interpreter", interpreter, AGAIN),
    Stage("import", imports, AGAIN),
    Stage("training step", training, AGAIN),
    Stage("matrix product", product, HARDWARE),
    Stage("convolution", convolution, HARDWARE),
    Stage("XLA", xla, AGAIN),
]
GPU_STAGES = ["driver", "CUDA libraries", "GPU against CPU"]


def in_child(plan: dict[str, Any], results: IO[str]) -> None:
    """Runs the stages up to the first that fails; a line of JSON for each, once it is known."""
    for stage in STAGES:
        try:
            found, state = stage.check(plan), "passed"
        except Exception as error:  # whatever it is, it is this stage's result
            found, state = " ".join(f"{type(error).__name__}: {error}".split()), "failed"
        print(json.dumps([state, found]), file=results, flush=True)
        if state == "failed":
            return


def ended(status: int, noise: str) -> tuple[str, str]:
    """What it means that the child ended in mid-stage, and what to do."""
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        if name == "SIGILL":
            return (
                "the processor lacks instructions that TensorFlow is built with (AVX)",
                "use another machine, or let the virtual machine see the host's processor",
            )
        if name == "SIGKILL":
            return "it was killed, as the kernel does when memory runs out", "free some memory"
        return f"it ended by {name}", AGAIN
    last = noise.strip().splitlines()[-1:] or ["it said nothing"]
    return f"it ended with status {os.waitstatus_to_exitcode(status)}: {last[0]}", AGAIN


def run(plan: dict[str, Any]) -> dict[str, Any]:
    """Runs the stages in a child and gathers what they found."""
    if plan.get("driver", {}).get("action", "none") == "none":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    reason = plan.get("driver", {}).get("reason", "there is no plan on this host")
    with (
        tempfile.TemporaryDirectory() as home,
        tempfile.TemporaryFile("w+") as results,
        tempfile.TemporaryFile("w+") as noise,
    ):
        os.environ["KERAS_HOME"] = home  # Keras would leave its settings in the user's home
        child = os.fork()
        if child == 0:
            os.dup2(noise.fileno(), 1)
            os.dup2(noise.fileno(), 2)
            in_child(plan, results)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        results.seek(0)
        noise.seek(0)
        known = [json.loads(line) for line in results]
        advice = STAGES[len(known) - 1].advice if known else AGAIN
        if status:
            found, advice = ended(status, noise.read())
            known.append(["failed", found])
    failed = known[-1][0] == "failed"
    failure = f"{STAGES[len(known) - 1].name} failed: {known[-1][1]}; {advice}" if failed else ""
    known += [["not reached", ""]] * (len(STAGES) - len(known))
    stages = [
        {"stage": stage.name, "state": state, "found": found}
        for stage, (state, found) in zip(STAGES, known, strict=True)
    ]
    stages += [{"stage": name, "state": "not applicable", "found": reason} for name in GPU_STAGES]
    return {
        "schema": 1,
        "ok": not failed,
        "interpreter": sys.executable,
        "stages": stages,
        "failure": failure,
    }


def main() -> None:
    """The command line."""
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "/etc/grindstone/plan.json")
    plan = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    report = run(plan)
    for stage in report["stages"]:
        print(
            f"  {stage['stage']:<17}{stage['state']:<16}{stage['found']}".rstrip(), file=sys.stderr
        )
    if report["failure"]:
        print(report["failure"], file=sys.stderr)
    print(json.dumps(report, indent=4))


if __name__ == "__main__":
    main()
