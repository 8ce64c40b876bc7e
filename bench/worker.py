"""The child process: trains one workload on one device and tells its parent the epoch times.

    python -m bench.worker        # reads one job (a JSON line) from standard input

The only module that imports TensorFlow.  It runs under the interpreter that provisioning made, so
it needs TensorFlow and NumPy and nothing else.

What it says goes to standard output, one JSON object a line, each with its `event`:

    phase    name                                 what it is doing now
    ready    python, tensorflow, keras, …         TensorFlow is up and sees the device
    model    parameters, workload_sha256          what is being trained
    epoch    number, begun, ended, loss, quality  begun and ended are CLOCK_MONOTONIC, in s
    quality  value, untrained, memory_peak        after the last epoch, off the clock
    error    message                              it could not go on

What TensorFlow prints goes to standard error.  When its parent is gone (standard input ends), so is
the worker.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import sys
import threading
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from bench.workloads.registry import WORKLOADS
from bench.workloads.workload import Workload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LONGEST_MESSAGE = 400


def main() -> int:
    """Reads the job, trains, reports; 0 when the training came to its end."""
    say = _Channel.instead_of_stdout()
    job = json.loads(sys.stdin.readline())
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    try:
        _train(job, say)
    except Exception as error:
        say("error", message=_in_short(error))
        raise
    return 0


def _train(job: dict[str, Any], say: _Channel) -> None:
    workload = WORKLOADS[job["workload"]]

    say("phase", name="TensorFlow's import")
    import keras
    import tensorflow as tf

    device = _only_device(tf, job["device"])
    keras.utils.set_random_seed(job["seed"])
    say("ready", **_versions(tf, keras), device=device, pinned=_pinned(tf))

    say("phase", name="data loading")
    train = _Arrays.load(job["data"]["train"], workload)
    test = _Arrays.load(job["data"]["test"], workload)

    model = _compiled(keras, workload)
    say("model", **_described(model, workload))

    say("phase", name="epoch 1")
    quality = _Quality(workload, test)
    clock = _epoch_clock(
        keras, tf.test.experimental.sync_devices, say, quality, job["evaluate_after"]
    )
    model.fit(
        train.x,
        train.y,
        batch_size=workload.batch,
        epochs=job["epochs"],
        verbose=0,
        callbacks=[clock],
    )

    say("phase", name="evaluation")
    value = quality(model)
    # A second model from the same seed is the first one before it learned anything: it shows that
    # the score was earned in this run, and by training.
    keras.utils.set_random_seed(job["seed"])
    untrained = quality(_compiled(keras, workload))
    say("quality", value=value, untrained=untrained, memory_peak=_memory_peak(tf))


def _epoch_clock(
    keras: Any, synchronise: Any, say: _Channel, evaluate: Any, evaluate_after: list[int]
) -> Any:
    """A callback with epoch hooks only: batch hooks would make Keras synchronise every batch."""

    class EpochClock(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
            synchronise()
            self.begun = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            synchronise()
            ended = time.perf_counter()
            # The clock stands from here until the next on_epoch_begin.
            loss = float(logs["loss"])
            value = evaluate(self.model) if epoch + 1 in evaluate_after else None
            say("epoch", number=epoch + 1, begun=self.begun, ended=ended, loss=loss, quality=value)

    return EpochClock()


def _compiled(keras: Any, workload: Workload) -> Any:
    """The workload's model as anyone would compile it, with XLA pinned alike on every device.

    Left to itself Keras turns XLA on wherever TensorFlow lists a GPU and off elsewhere, and the
    CPU and the GPU would not train the same program.
    """
    model = workload.build(keras)
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=workload.learning_rate),
        loss=workload.loss,
        metrics=["accuracy"] if workload.metric == "accuracy" else [],
        jit_compile=False,
    )
    if model.count_params() != workload.parameters:
        raise RuntimeError(
            f"{workload.name} has {model.count_params()} parameters under this Keras; "
            f"the published network has {workload.parameters}"
        )
    return model


@dataclass(frozen=True)
class _Arrays:
    """Images as the network takes them, and their targets."""

    x: NDArray[Any]
    y: NDArray[Any]

    @classmethod
    def load(cls, files: dict[str, str], workload: Workload) -> _Arrays:
        import numpy as np

        x = np.load(files["x"])
        if workload.scale is not None:
            x = x.astype("float32") * np.float32(workload.scale)
        return cls(x, np.load(files["y"]))


@dataclass(frozen=True)
class _Quality:
    """Judges a model on the test split, with NumPy rather than the metric it was trained with."""

    workload: Workload
    test: _Arrays

    def __call__(self, model: Any) -> float:
        import numpy as np

        batch = 16 * self.workload.batch if self.workload.metric == "accuracy" else 16
        predicted: NDArray[np.float32] = model.predict(self.test.x, batch_size=batch, verbose=0)
        if self.workload.metric == "accuracy":
            return float(np.mean(predicted.argmax(axis=1) == self.test.y))
        return float(np.mean(np.square(predicted[:, 0].astype("float64") - self.test.y)))


def _only_device(tf: Any, wanted: str) -> str:
    """The name of the one device that this process may train on.

    Raises:
        RuntimeError: TensorFlow does not see what the parent asked for.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if wanted == "cpu":
        if gpus:
            raise RuntimeError("this CPU run can see a GPU: CUDA_VISIBLE_DEVICES did not hide it")
        return "CPU"
    if len(gpus) != 1:
        raise RuntimeError(
            f"TensorFlow sees {len(gpus)} GPUs where one was given to it; "
            "the lines above name the library that it could not load"
        )
    name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
    return str(name)


def _versions(tf: Any, keras: Any) -> dict[str, Any]:
    import numpy as np

    return {
        "python": platform.python_version(),
        "interpreter": sys.executable,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def _pinned(tf: Any) -> dict[str, Any]:
    """What would otherwise differ between devices or machines, as it stands in this process."""
    names = ("CUDA_VISIBLE_DEVICES", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    return {
        "xla": False,
        "tf32": bool(tf.config.experimental.tensor_float_32_execution_enabled()),
        "precision": "float32",
        "deterministic_ops": False,
        "threads": len(os.sched_getaffinity(0)),
        "environment": {name: os.environ[name] for name in names if name in os.environ},
    }


def _described(model: Any, workload: Workload) -> dict[str, Any]:
    """The model's size and a hash of all that defines its training."""
    training = {"batch": workload.batch, "optimizer": model.optimizer.get_config()}
    definition = model.to_json() + json.dumps(training, sort_keys=True, default=str)
    return {
        "parameters": model.count_params(),
        "workload_sha256": hashlib.sha256(definition.encode()).hexdigest(),
    }


def _memory_peak(tf: Any) -> int | None:
    """The most device memory that TensorFlow held, in bytes; None on the CPU."""
    if not tf.config.list_physical_devices("GPU"):
        return None
    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])


def _in_short(error: Exception) -> str:
    """The error in a line: TensorFlow's run over many, with traces of the graph in between."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        found = re.search(r"OOM when allocating [^\[]*(\[[^\]]*\])?", text)
        return f"ran out of memory: {found[0] if found else text[:_LONGEST_MESSAGE]}"
    return f"{type(error).__name__}: {text[:_LONGEST_MESSAGE]}"


class _Channel:
    """The way to the parent: one JSON object a line, flushed at once."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    @classmethod
    def instead_of_stdout(cls) -> _Channel:
        """Takes standard output for itself; whatever else prints there goes to standard error."""
        stream = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        return cls(stream)

    def __call__(self, event: str, **fields: Any) -> None:
        print(json.dumps({"event": event, **fields}), file=self._stream, flush=True)


def _leave_with_parent() -> None:
    """Ends this process as soon as standard input does: the parent has died or has had enough."""
    while sys.stdin.readline():
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
