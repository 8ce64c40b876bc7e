"""keras.io/examples/structured_data, classification from scratch: columns in a dict."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

VOCABULARY = ["fixed", "normal", "reversible"]
draw = np.random.default_rng(12)
columns = {"age": draw.normal(50, 9, 60), "thal": draw.choice(VOCABULARY, 60)}
target = (columns["age"] > 50).astype("int64")


def encode(features, target):
    lookup = layers.StringLookup(
        vocabulary=VOCABULARY, mask_token=None, num_oov_indices=0, output_mode="multi_hot"
    )
    return {**features, "thal": lookup(features["thal"])}, target


def of(start, end):
    part = {name: column[start:end] for name, column in columns.items()}
    every = tf.data.Dataset.from_tensor_slices((part, target[start:end]))
    return every.map(encode).shuffle(60).batch(16)


def model():
    age = layers.Input(name="age", shape=(1,), dtype="float32")
    thal = layers.Input(name="thal", shape=(len(VOCABULARY),), dtype="float32")
    normalizer = layers.Normalization()
    normalizer.adapt(of(0, 48).map(lambda x, y: tf.expand_dims(x["age"], -1)))
    x = layers.concatenate([normalizer(age), thal])
    x = layers.Dropout(0.5)(layers.Dense(8, activation="relu")(x))
    model = keras.Model({"age": age, "thal": thal}, layers.Dense(1, activation="sigmoid")(x))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def data():
    return of(0, 48), of(48, 60)
