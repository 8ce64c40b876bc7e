"""keras.io/examples/vision/image_classification_from_scratch: a folder of pictures, read anew."""

import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import layers

image_size = (32, 32)


def model():
    inputs = keras.Input(shape=(*image_size, 3))
    x = layers.Rescaling(1.0 / 255)(inputs)
    x = layers.SeparableConv2D(8, 3, strides=2, padding="same")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(1, activation=None)(x))
    model.compile(
        optimizer=keras.optimizers.Adam(3e-4),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(name="acc")],
    )
    return model


def data():
    folder = Path(tempfile.mkdtemp(dir=Path(__file__).parent))
    draw = np.random.default_rng(11)
    for name, level in (("dark", 60), ("light", 200)):
        (folder / name).mkdir()
        for number in range(20):
            picture = np.clip(draw.normal(level, 20, (40, 40, 3)), 0, 255)
            keras.utils.save_img(folder / name / f"{number}.png", picture, scale=False)
    return keras.utils.image_dataset_from_directory(
        folder, validation_split=0.2, subset="both", seed=1337, image_size=image_size, batch_size=8
    )
