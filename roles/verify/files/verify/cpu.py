"""TensorFlow on the CPU: it is imported, learns, and computes what NumPy does."""

from __future__ import annotations

import platform
import re
from typing import Any

from .stage import AGAIN, HARDWARE, Plan, Stage

TOLERANCE = 1e-4  # of float32 results of order 1; they differ by some 1e-6


def interpreter(plan: Plan) -> str:
    """The Python is the plan's."""
    planned = plan.get("tensorflow", {}).get("python", "")
    version = platform.python_version()
    if planned and not version.startswith(planned + "."):
        raise AssertionError(f"this is Python {version}, the plan says {planned}")
    return f"Python {version}"


def imports(plan: Plan) -> str:
    """TensorFlow is imported, in the plan's version."""
    import keras
    import tensorflow as tf

    planned = plan.get("tensorflow", {}).get("version") or tf.__version__  # "": an image's
    # The name of a wheel of one's own may say more than its TensorFlow does.
    alike = tf.__version__.replace("-dev", ".dev") == planned
    if plan.get("tensorflow", {}).get("wheel"):
        alike = release(tf.__version__) == release(planned)
    if not alike:
        raise AssertionError(f"this is TensorFlow {tf.__version__}, the plan says {planned}")
    return f"TensorFlow {tf.__version__}, Keras {keras.__version__}"


def release(version: str) -> list[str]:
    """The numbers of a release: ["2", "23", "0"] of 2.23.0.dev1+own."""
    return re.findall(r"\d+", version)[:3]


def training(_plan: Plan) -> str:
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
    lower = after < before  # not so either where it is no number
    if not lower:
        raise AssertionError(f"the loss went from {before:.4f} to {after:.4f}")
    return "one step lowers the loss"


def addition(_plan: Plan) -> str:
    """A sum is NumPy's: one of the kernels that TensorFlow's build has made by MLIR."""
    import numpy as np
    import tensorflow as tf

    left, right = np.random.default_rng(5).normal(size=(2, 64, 64))
    computed = tf.add(tf.constant(left, tf.float32), tf.constant(right, tf.float32))
    return agreement(computed, left + right)


def relu(_plan: Plan) -> str:
    """A ReLU is NumPy's: one of the kernels that are written by hand."""
    import numpy as np
    import tensorflow as tf

    values = np.random.default_rng(6).normal(size=(64, 64))
    return agreement(tf.nn.relu(tf.constant(values, tf.float32)), np.maximum(values, 0))


def fit(_plan: Plan) -> str:
    """A small convolutional network learns by Keras' own `fit`, as most programs train.

    On a GPU, Keras needs TensorFlow to place what only the CPU has by itself, as data sets: so it
    is looked at where the network's variables and results have come to lie.
    """
    import tensorflow as tf

    model, pictures, losses = fitted()
    wanted = tf.zeros(1).device
    there = {place(each) for each in (*model.variables, *model.optimizer.variables)}
    elsewhere = sorted((there | {model(pictures[:1]).device}) - {wanted})
    if elsewhere:
        short = [each.rpartition("/device:")[2] for each in (*elsewhere, wanted)]
        raise AssertionError(f"it was trained on {' and '.join(short[:-1])}, not on {short[-1]}")
    return lowered(losses)


def fitted() -> tuple[Any, Any, list[float]]:
    """A small convolutional network after three epochs, its pictures, and the loss of each."""
    import keras
    import numpy as np

    keras.utils.set_random_seed(7)
    random = np.random.default_rng(7)
    pictures = random.normal(size=(256, 12, 12, 1)).astype("float32")
    labels = (pictures.mean(axis=(1, 2, 3)) > 0).astype("int32")
    layers = [
        keras.Input((12, 12, 1)),
        keras.layers.Conv2D(8, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(2),
    ]
    model = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss)
    losses = model.fit(pictures, labels, batch_size=32, epochs=3, verbose=0).history["loss"]
    return model, pictures, losses


def lowered(losses: list[float]) -> str:
    """Says that the epochs lowered the loss, or raises with the first and the last."""
    lower = losses[-1] < losses[0]  # not so either where it is no number
    if not lower:
        raise AssertionError(f"the loss went from {losses[0]:.4f} to {losses[-1]:.4f} in 3 epochs")
    return "three epochs lower the loss"


def place(variable: Any) -> str:
    """The device that a variable lies on, of TensorFlow's or of Keras'."""
    return str(variable.device if hasattr(variable, "device") else variable.value.device)


def product(_plan: Plan) -> str:
    """A matrix product is NumPy's."""
    import numpy as np
    import tensorflow as tf

    left, right = np.random.default_rng(2).normal(size=(2, 256, 256)) / 16
    computed = tf.matmul(tf.constant(left, tf.float32), tf.constant(right, tf.float32))
    return agreement(computed, left @ right)


def convolution(_plan: Plan) -> str:
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
    return agreement(computed, np.einsum("bhwcij,ijck->bhwk", windows, kernels))


def xla(_plan: Plan) -> str:
    """A function that XLA has compiled gives what NumPy gives; tanh is libdevice's on a GPU."""
    import numpy as np
    import tensorflow as tf

    values = np.random.default_rng(4).normal(size=(64, 64))
    compiled = tf.function(
        lambda x: tf.reduce_sum(tf.tanh(x) * x, axis=0) / 64, jit_compile=True, autograph=False
    )
    expected = (np.tanh(values) * values).sum(axis=0) / 64
    return agreement(compiled(tf.constant(values, tf.float32)), expected)


def agreement(computed: Any, expected: Any) -> str:
    """Says that the arrays agree, or raises with the largest difference."""
    import numpy as np

    difference = float(abs(np.asarray(computed) - expected).max())
    alike = difference <= TOLERANCE  # not so either where it is no number
    if not alike:
        raise AssertionError(f"it differs from NumPy by {difference:.2g}, not within {TOLERANCE:g}")
    return "agrees with NumPy"


CPU_STAGES = [
    Stage("interpreter", interpreter, AGAIN),
    Stage("import", imports, AGAIN),
    Stage("training step", training, AGAIN),
    Stage("matrix product", product, HARDWARE),
    Stage("convolution", convolution, HARDWARE),
    Stage("XLA", xla, AGAIN),
]
