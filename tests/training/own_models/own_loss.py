"""keras.io/guides/training_with_built_in_methods: a loss, a metric and a model of one's own."""

import keras
import numpy as np
from keras import layers, ops

NAME = "own-loss"


class CustomMSE(keras.losses.Loss):
    def __init__(self, regularization_factor=0.1, name="custom_mse"):
        super().__init__(name=name)
        self.regularization_factor = regularization_factor

    def call(self, y_true, y_pred):
        mse = ops.mean(ops.square(y_true - y_pred), axis=-1)
        reg = ops.mean(ops.square(0.5 - y_pred), axis=-1)
        return mse + reg * self.regularization_factor


class CategoricalTruePositives(keras.metrics.Metric):
    def __init__(self, name="categorical_true_positives", **kwargs):
        super().__init__(name=name, **kwargs)
        self.true_positives = self.add_variable(shape=(), name="ctp", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.reshape(ops.argmax(y_pred, axis=1), (-1, 1))
        y_true = ops.reshape(ops.argmax(y_true, axis=1), (-1, 1))
        values = ops.cast(ops.equal(y_true, y_pred), "float32")
        self.true_positives.assign_add(ops.sum(values))

    def result(self):
        return self.true_positives

    def reset_state(self):
        self.true_positives.assign(0)


class MLP(keras.Model):
    def __init__(self, hidden_units=(64, 32), num_classes=10):
        super().__init__()
        self.hidden = [layers.Dense(units, activation="relu") for units in hidden_units]
        self.out = layers.Dense(num_classes, activation="softmax")

    def call(self, x):
        for layer in self.hidden:
            x = layer(x)
        return self.out(x)


def model():
    model = MLP()
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=CustomMSE(),
        metrics=[CategoricalTruePositives()],
    )
    return model


def data():
    x = np.random.random((320, 784)).astype("float32")
    y = keras.utils.to_categorical(np.random.randint(10, size=320), 10)
    return (x[:256], y[:256], np.ones(256)), (x[256:], y[256:])
