"""keras.io/examples/vision/knowledge_distillation: steps of its own for training and testing."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

BATCH = 16


class Distiller(keras.Model):
    def __init__(self, student, teacher):
        super().__init__()
        self.teacher = teacher
        self.student = student
        self.loss_tracker = keras.metrics.Mean(name="distillation_loss")
        self.f1 = keras.metrics.F1Score(name="f1")  # of each class

    @property
    def metrics(self):
        return [self.loss_tracker, self.f1]

    def compile(self, optimizer, distillation_loss_fn, temperature=3):
        super().compile(optimizer=optimizer)
        self.distillation_loss_fn = distillation_loss_fn
        self.temperature = temperature

    def distilled(self, x, student_predictions):
        teacher_predictions = self.teacher(x, training=False)
        return self.distillation_loss_fn(
            tf.nn.softmax(teacher_predictions / self.temperature, axis=1),
            tf.nn.softmax(student_predictions / self.temperature, axis=1),
        )

    def train_step(self, data):
        x, _ = data
        with tf.GradientTape() as tape:
            loss = self.distilled(x, self.student(x, training=True))
        gradients = tape.gradient(loss, self.student.trainable_variables)
        self.optimizer.apply_gradients(
            zip(gradients, self.student.trainable_variables, strict=True)
        )
        self.loss_tracker.update_state(loss)
        return {"distillation_loss": self.loss_tracker.result()}

    def test_step(self, data):
        x, y = data
        predictions = self.student(x, training=False)
        self.loss_tracker.update_state(self.distilled(x, predictions))
        self.f1.update_state(y, tf.nn.softmax(predictions))
        return {metric.name: metric.result() for metric in self.metrics}

    def call(self, x):
        return self.student(x)


def network(units):
    return keras.Sequential([keras.Input((4,)), layers.Dense(units), layers.Dense(3)])


def model():
    distiller = Distiller(student=network(4), teacher=network(16))
    distiller.compile(keras.optimizers.Adam(), keras.losses.KLDivergence())
    return distiller


def data():
    draw = np.random.default_rng(9)
    x = draw.normal(size=(80, 4)).astype("float32")
    y = keras.utils.to_categorical(x[:, :3].argmax(axis=1), 3)
    return (x[:64], y[:64]), (x[64:], y[64:])
