"""A PyDataset for training, a generator for validation, and weights that the first call makes."""

import keras
import numpy as np


class Squares(keras.utils.PyDataset):
    def __len__(self):
        return 5

    def __getitem__(self, number):
        x = np.random.default_rng(number).normal(size=(8 if number < 4 else 3, 4))
        return x, np.square(x).sum(axis=1, keepdims=True)


def validation():
    for number in range(3):
        x = np.random.default_rng(number + 9).normal(size=(8, 4))
        yield x, np.square(x).sum(axis=1, keepdims=True)


def model():
    model = keras.Sequential([keras.layers.Dense(16, activation="relu"), keras.layers.Dense(1)])
    model.compile(loss="mse", metrics=["mae"])
    return model


def data():
    return Squares(), validation
