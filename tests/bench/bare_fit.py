"""What anyone would write: a plain `model.fit`, timed by a plain callback.

    python bare_fit.py X.npy Y.npy EPOCHS BATCH [STEPS_PER_EXECUTION]

The harness is measured against this, so it imports nothing of Grindstone's.  Prints, as JSON, the
seconds of an epoch and the CPU seconds of an epoch, averaged over EPOCHS epochs; an earlier `fit`
of one epoch has traced the model.  They are trained as one long epoch, over EPOCHS times the
images: between epochs `fit` may pause (bench/training/stock.py), which cannot be taken out here.
"""

import json
import os
import sys
import time

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

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
x, y = np.concatenate([x] * epochs), np.concatenate([y] * epochs)
marks: list[tuple[float, float]] = []


def mark(*_: object) -> None:
    """Reads both clocks."""
    marks.append((time.perf_counter(), time.process_time()))


clock = keras.callbacks.LambdaCallback(on_epoch_begin=mark, on_epoch_end=mark)
model.fit(x, y, batch_size=batch, epochs=1, verbose=0, callbacks=[clock])
(begun, cpu_begun), (ended, cpu_ended) = marks
print(json.dumps({"epoch": (ended - begun) / epochs, "cpu": (cpu_ended - cpu_begun) / epochs}))
