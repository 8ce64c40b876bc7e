"""keras.io/examples/nlp/text_classification_from_scratch: text in a tf.data.Dataset."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

max_features = 200
embedding_dim = 16
sequence_length = 30
batch_size = 16


def model():
    inputs = keras.Input(shape=(None,), dtype="int64")
    x = layers.Embedding(max_features, embedding_dim)(inputs)
    x = layers.Dropout(0.5)(x)
    x = layers.Conv1D(16, 7, padding="valid", activation="relu", strides=3)(x)
    x = layers.GlobalMaxPooling1D()(x)
    x = layers.Dense(16, activation="relu")(x)
    x = layers.Dropout(0.5)(x)
    predictions = layers.Dense(1, activation="sigmoid", name="predictions")(x)
    model = keras.Model(inputs, predictions)
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model


def data():
    draw = np.random.default_rng(5)
    words = np.array(["good", "bad", "film", "plot", "music", "scene"])
    texts = np.array([" ".join(words[each]) for each in draw.integers(0, 6, (100, 20))])
    labels = draw.integers(0, 2, 100)
    raw_train_ds = tf.data.Dataset.from_tensor_slices((texts[:84], labels[:84])).batch(batch_size)
    raw_val_ds = tf.data.Dataset.from_tensor_slices((texts[84:], labels[84:])).batch(batch_size)
    vectorize_layer = layers.TextVectorization(
        max_tokens=max_features, output_mode="int", output_sequence_length=sequence_length
    )
    vectorize_layer.adapt(raw_train_ds.map(lambda x, y: x))

    def vectorize_text(text, label):
        text = tf.expand_dims(text, -1)
        return vectorize_layer(text), label

    train_ds = raw_train_ds.map(vectorize_text).cache().prefetch(buffer_size=10)
    val_ds = raw_val_ds.map(vectorize_text).cache().prefetch(buffer_size=10)
    return train_ds, val_ds
