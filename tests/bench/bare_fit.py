"""What anyone would write: a plain `model.fit`, timed by a plain callback.

    python bare_fit.py X.npy Y.npy EPOCHS BATCH [STEPS_PER_EXECUTION]

The harness is measured against this, so it imports nothing of Grindstone's.  Prints, as JSON, the
seconds of an epoch and the CPU seconds of an epoch, averaged over EPOCHS epochs, and when each
began and ended; an earlier `fit` of one epoch has traced the model.  An epoch begins with its first
batch, as before it `fit` may pause (bench/worker/stock.py).
"""

import json
import sys
import time

import keras
import numpy as np
from keras import layers

x = np.load(sys.argv[1]).astype("float32") / 255
y = np.load(sys.argv[2])
epochs, batch = int(sys.argv[3]), int(sys.argv[4])
steps = int(sys.argv[5]) if len(sys.argv) > 5 else 1

model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(
    "adam", "sparse_categorical_crossentropy", metrics=["accuracy"], steps_per_execution=steps
)

model.fit(x, y, batch_size=batch, epochs=1, verbose=0)
begun: list[tuple[float, float]] = []
ended: list[tuple[float, float]] = []


def now() -> tuple[float, float]:
    """Both clocks."""
    return time.perf_counter(), time.process_time()


clock = keras.callbacks.LambdaCallback(
    on_train_batch_begin=lambda batch, **_: None if batch else begun.append(now()),
    on_epoch_end=lambda *_: ended.append(now()),
)
model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0, callbacks=[clock])
spans, cpu = (
    [(before[which], after[which]) for before, after in zip(begun, ended, strict=True)]
    for which in range(2)
)
mean, cpu_mean = (sum(after - before for before, after in each) / epochs for each in (spans, cpu))
print(json.dumps({"epoch": mean, "cpu": cpu_mean, "spans": spans}))
