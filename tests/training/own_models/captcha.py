"""keras.io/examples/vision/captcha_ocr: the loss is a layer's, and labels are an input."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

batch_size, img_width, img_height = 8, 24, 8


class EndpointLayer(layers.Layer):
    def call(self, y_true, y_pred):
        self.add_loss(ops.mean(keras.losses.sparse_categorical_crossentropy(y_true, y_pred)))
        return y_pred


def model():
    input_img = layers.Input(shape=(img_width, img_height, 1), name="image", dtype="float32")
    labels = layers.Input(name="label", shape=(img_width // 4,), dtype="float32")
    x = layers.Conv2D(4, (3, 3), activation="relu", padding="same", name="Conv1")(input_img)
    x = layers.MaxPooling2D((4, 4), name="pool1")(x)
    x = layers.Reshape(target_shape=(img_width // 4, (img_height // 4) * 4))(x)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True, dropout=0.25))(x)
    x = layers.Dense(5, activation="softmax", name="dense2")(x)
    output = EndpointLayer(name="endpoint")(labels, x)
    model = keras.models.Model(inputs=[input_img, labels], outputs=output, name="ocr_model_v1")
    model.compile(optimizer=keras.optimizers.Adam())
    return model


def encode_single_sample(image, label):
    return {"image": ops.transpose(image, axes=[1, 0, 2]), "label": label}


def data():
    draw = np.random.default_rng(10)
    images = draw.random((40, img_height, img_width, 1)).astype("float32")
    labels = draw.integers(0, 5, (40, img_width // 4))

    def of(start, end):
        every = tf.data.Dataset.from_tensor_slices((images[start:end], labels[start:end]))
        return every.map(encode_single_sample, num_parallel_calls=tf.data.AUTOTUNE).batch(
            batch_size
        )

    return of(0, 32), of(32, 40)
