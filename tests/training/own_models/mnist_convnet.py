"""keras.io/examples/vision/mnist_convnet, unchanged but for its data."""

import keras
import numpy as np
from keras import layers

num_classes = 10
input_shape = (28, 28, 1)


def model():
    model = keras.Sequential(
        [
            keras.Input(shape=input_shape),
            layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(num_classes, activation="softmax"),
        ]
    )
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model


def data():
    draw = np.random.default_rng(1)
    y = draw.integers(0, num_classes, 250)
    x = draw.random((250, *input_shape)).astype("float32") * 0.2
    for image, digit in zip(x, y, strict=True):
        image[2 * digit : 2 * digit + 4, 8:20] = 1.0
    y = keras.utils.to_categorical(y, num_classes)
    return (x[:200], y[:200]), (x[200:], y[200:])


BATCH = 50
