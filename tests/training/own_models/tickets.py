"""keras.io/guides/functional_api, models with multiple inputs and outputs: data are small."""

import keras
import numpy as np
from keras import layers

num_tags = 12
num_words = 100
num_departments = 4


def model():
    title_input = keras.Input(shape=(None,), name="title")
    body_input = keras.Input(shape=(None,), name="body")
    tags_input = keras.Input(shape=(num_tags,), name="tags")

    title_features = layers.Embedding(num_words, 64)(title_input)
    body_features = layers.Embedding(num_words, 64)(body_input)
    title_features = layers.GlobalAveragePooling1D()(title_features)
    body_features = layers.GlobalAveragePooling1D()(body_features)
    x = layers.concatenate([title_features, body_features, tags_input])

    priority_pred = layers.Dense(1, name="priority")(x)
    department_pred = layers.Dense(num_departments, name="department")(x)
    model = keras.Model(
        inputs=[title_input, body_input, tags_input],
        outputs={"priority": priority_pred, "department": department_pred},
    )
    model.compile(
        optimizer=keras.optimizers.RMSprop(1e-3),
        loss={
            "priority": keras.losses.BinaryCrossentropy(from_logits=True),
            "department": keras.losses.CategoricalCrossentropy(from_logits=True),
        },
        loss_weights={"priority": 1.0, "department": 0.2},
        metrics={"department": ["accuracy"]},
    )
    return model


def data():
    def drawn(count):
        title_data = np.random.randint(num_words, size=(count, 12))
        body_data = np.random.randint(num_words, size=(count, 100))
        tags_data = np.random.randint(2, size=(count, num_tags)).astype("float32")
        priority_targets = np.random.random(size=(count, 1))
        dept_targets = np.eye(num_departments)[np.random.randint(num_departments, size=count)]
        return (
            {"title": title_data, "body": body_data, "tags": tags_data},
            {"priority": priority_targets, "department": dept_targets},
        )

    return drawn(128), drawn(32)


FLOORS = {"val_loss": "<= 100"}
