"""Each of a learner's traps: a script that falls into it on purpose, and its twin that does not.

The line that has to be found ends in `# trap: RULE`; nothing else may be found.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.lint.checker import read_and_look
from bench.lint.rules import RULES

_HEAD = """\
import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.model_selection import KFold, train_test_split
(x, y), (x_test, y_test) = keras.datasets.mnist.load_data()
x, x_test = x / 255.0, x_test / 255.0
def build(units=64):
    model = keras.Sequential([layers.Flatten(), layers.Dense(units), layers.Dense(10)])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
model = build()
"""
# By rule: what falls into the trap, and what does the same right.
CASES: dict[str, list[tuple[str, str]]] = {
    "copies-across": [
        (
            """
x_all = np.concatenate([x, x[:, :, ::-1]])  # trap: copies-across
y_all = np.concatenate([y, y])  # trap: copies-across
a, b, ya, yb = train_test_split(x_all, y_all, test_size=0.2)
model.fit(a, ya, validation_data=(b, yb))
""",
            """
a, b, ya, yb = train_test_split(x, y, test_size=0.2)
a, ya = np.concatenate([a, a[:, :, ::-1]]), np.concatenate([ya, ya])
model.fit(a, ya, validation_data=(b, yb))
""",
        ),
        (
            """
pictures, labels = [], []
for picture, label in zip(x, y):
    pictures.append(picture)
    labels.append(label)
    pictures.append(np.fliplr(picture))
    labels.append(label)
pictures = np.array(pictures)  # trap: copies-across
model.fit(pictures, np.array(labels), validation_split=0.2)
""",
            """
pictures, labels = [], []
for picture, label in zip(x[:50000], y[:50000]):
    pictures.append(picture)
    labels.append(label)
    pictures.append(np.fliplr(picture))
    labels.append(label)
model.fit(np.array(pictures), np.array(labels), validation_data=(x[50000:], y[50000:]))
""",
        ),
        (
            """
from imblearn.over_sampling import SMOTE
x2, y2 = SMOTE().fit_resample(x, y)  # trap: copies-across
a, b, ya, yb = train_test_split(x2, y2)
model.fit(a, ya, validation_data=(b, yb))
""",
            """
from imblearn.over_sampling import SMOTE
a, b, ya, yb = train_test_split(x, y)
a, ya = SMOTE().fit_resample(a, ya)
model.fit(a, ya, validation_data=(b, yb))
""",
        ),
        (
            """
more = np.repeat(x, 3, axis=0)  # trap: copies-across
model.fit(more[:90000], np.repeat(y, 3)[:90000], validation_data=(more[90000:], y[90000:]))
""",
            """
more = np.repeat(x[:50000], 3, axis=0)
colour = np.repeat(x[..., None], 3, axis=-1)
colour = np.concatenate([x[..., None], x[..., None], x[..., None]], axis=-1)
model.fit(colour, y, validation_split=0.1)
""",
        ),
    ],
    "reshuffled-split": [
        (
            """
data = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(60000, seed=1)  # trap: reshuffled-split
train, validation = data.take(50000).batch(32), data.skip(50000).batch(32)
model.fit(train, validation_data=validation)
""",
            """
data = tf.data.Dataset.from_tensor_slices((x, y))
data = data.shuffle(60000, seed=1, reshuffle_each_iteration=False)
train, validation = data.take(50000).shuffle(1000).batch(32), data.skip(50000).batch(32)
model.fit(train, validation_data=validation)
""",
        ),
        (
            """
data = keras.utils.image_dataset_from_directory("photos")  # trap: reshuffled-split
def parted(data, share=0.8):
    count = int(len(data) * share)
    return data.take(count), data.skip(count)
train, rest = parted(data)
scaled = keras.Sequential([layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)])
scaled.compile("adam", "sparse_categorical_crossentropy")
scaled.fit(train)
scaled.evaluate(rest)
""",
            """
data = keras.utils.image_dataset_from_directory("photos", shuffle=False)
count = int(len(data) * 0.8)
train, rest = data.take(count), data.skip(count)
scaled = keras.Sequential([layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)])
scaled.compile("adam", "sparse_categorical_crossentropy")
scaled.fit(train)
scaled.evaluate(rest)
for images, labels in train.take(1):
    print(images.shape)
""",
        ),
    ],
    "other-seeds": [
        (
            """
def read(subset, seed):
    return keras.utils.image_dataset_from_directory(  # trap: other-seeds
        "photos", validation_split=0.2, subset=subset, seed=seed)
scaled = keras.Sequential([layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)])
scaled.compile("adam", "sparse_categorical_crossentropy")
scaled.fit(read("training", 1), validation_data=read("validation", 2))
""",
            """
def read(subset, seed=1):
    return keras.utils.image_dataset_from_directory(
        "photos", validation_split=0.2, subset=subset, seed=seed)
scaled = keras.Sequential([layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)])
scaled.compile("adam", "sparse_categorical_crossentropy")
scaled.fit(read("training"), validation_data=read("validation"))
""",
        ),
    ],
    "split-by-image": [
        (
            """
table = np.genfromtxt("shots.csv", names=True)
shot_id = table["shot_id"]
a, b, ya, yb = train_test_split(x, y, test_size=0.2)  # trap: split-by-image
model.fit(a, ya, validation_data=(b, yb))
""",
            """
table = np.genfromtxt("shots.csv", names=True)
shot_ids = np.unique(table["shot_id"])
of_train, of_test = train_test_split(shot_ids, test_size=0.2)
chosen = np.isin(table["shot_id"], of_train)
model.fit(x[chosen], y[chosen], validation_data=(x[~chosen], y[~chosen]))
""",
        ),
        (
            """
patient_ids = np.load("patients.npy")
for train, test in KFold(5).split(x):  # trap: split-by-image
    build().fit(x[train], y[train], validation_data=(x[test], y[test]))
""",
            """
from sklearn.model_selection import GroupShuffleSplit
patient_ids = np.load("patients.npy")
for train, test in GroupShuffleSplit(5).split(x, y, patient_ids):
    build().fit(x[train], y[train], validation_data=(x[test], y[test]))
""",
        ),
    ],
    "training-score": [
        (
            """
model.fit(x, y, epochs=5)
loss, accuracy = model.evaluate(x, y)  # trap: training-score
""",
            """
model.fit(x, y, epochs=5)
print(model.evaluate(x, y))
loss, accuracy = model.evaluate(x_test, y_test)
""",
        ),
        (
            """
model.fit(x, y, validation_data=(x, y))  # trap: training-score
""",
            """
model.fit(x, y, validation_data=(x_test, y_test))
""",
        ),
        (
            """
flow = keras.preprocessing.image.ImageDataGenerator(rescale=1 / 255)
train = flow.flow_from_directory("photos/train", target_size=(28, 28))
test = flow.flow_from_directory("photos/train", target_size=(28, 28))
model.fit(train, validation_data=test)  # trap: training-score
""",
            """
flow = keras.preprocessing.image.ImageDataGenerator(rescale=1 / 255, validation_split=0.2)
train = flow.flow_from_directory("photos", target_size=(28, 28), subset="training")
test = flow.flow_from_directory("photos", target_size=(28, 28), subset="validation")
model.fit(train, validation_data=test)
""",
        ),
    ],
    "best-epoch": [
        (
            """
history = model.fit(x, y, epochs=50, validation_data=(x_test, y_test))
best = max(history.history["val_accuracy"])  # trap: best-epoch
print(f"accuracy: {best * 100:.2f} %")
""",
            """
history = model.fit(x, y, epochs=50, validation_data=(x_test, y_test))
print(f"accuracy: {history.history['val_accuracy'][-1] * 100:.2f} %")
""",
        ),
        (
            """
scores = []
for train, test in KFold(5).split(x):
    fold = build()
    history = fold.fit(x[train], y[train], validation_data=(x[test], y[test]))
    scores.append(np.max(history.history["val_accuracy"]))  # trap: best-epoch
print(np.mean(scores), np.std(scores))
""",
            """
scores = []
for train, test in KFold(5).split(x):
    fold = build()
    history = fold.fit(x[train], y[train], validation_data=(x[test], y[test]))
    scores.append(history.history["val_accuracy"][-1])
print(np.mean(scores), np.std(scores))
""",
        ),
        (
            """
stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
model.fit(x, y, validation_data=(x_test, y_test), callbacks=[stop])
print(model.evaluate(x_test, y_test))  # trap: best-epoch
""",
            """
stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
x, x_valid, y, y_valid = train_test_split(x, y)
history = model.fit(x, y, validation_data=(x_valid, y_valid), callbacks=[stop])
print("best epoch's, by which it was chosen:", max(history.history["val_accuracy"]))
print(model.evaluate(x_test, y_test))
""",
        ),
        (
            """
keep = keras.callbacks.ModelCheckpoint("best.keras", monitor="val_loss", save_best_only=True)
model.fit(x, y, validation_data=(x_test, y_test), callbacks=[keep])
best = keras.models.load_model("best.keras")
print(best.evaluate(x_test, y_test))  # trap: best-epoch
""",
            """
keep = keras.callbacks.ModelCheckpoint("best.keras", monitor="val_loss", save_best_only=True)
model.fit(x, y, validation_split=0.1, callbacks=[keep])
best = keras.models.load_model("best.keras")
print(best.evaluate(x_test, y_test))
""",
        ),
    ],
    "no-baseline": [
        (
            """
(x, y), (x_test, y_test) = keras.datasets.california_housing.load_data()
net = keras.Sequential([layers.Normalization(), layers.Dense(64, "relu"), layers.Dense(1)])
net.compile("adam", loss="mse", metrics=["mae"])
net.fit(x, y, epochs=20)
print("MSE:", net.evaluate(x_test, y_test))  # trap: no-baseline
""",
            """
(x, y), (x_test, y_test) = keras.datasets.california_housing.load_data()
net = keras.Sequential([layers.Normalization(), layers.Dense(64, "relu"), layers.Dense(1)])
net.compile("adam", loss="mse", metrics=["mae"])
net.fit(x, y, epochs=20)
print("MSE:", net.evaluate(x_test, y_test), "of the mean:", ((y_test - y.mean()) ** 2).mean())
""",
        ),
    ],
    "not-rebuilt": [
        (
            """
for train, test in KFold(5).split(x):
    model.fit(x[train], y[train], epochs=5)  # trap: not-rebuilt
    print(model.evaluate(x[test], y[test]))
""",
            """
for train, test in KFold(5).split(x):
    model = build()
    model.fit(x[train], y[train], epochs=5)
    print(model.evaluate(x[test], y[test]))
""",
        ),
        (
            """
results = {}
for rate in [1e-2, 1e-3, 1e-4]:
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(x, y, validation_data=(x_test, y_test))  # trap: not-rebuilt
    results[rate] = history.history["val_accuracy"][-1]
""",
            """
start = model.get_weights()
results = {}
for rate in [1e-2, 1e-3, 1e-4]:
    model.set_weights(start)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(x, y, validation_data=(x_test, y_test))
    results[rate] = history.history["val_accuracy"][-1]
""",
        ),
        (
            """
for number in [10, 50, 100]:
    history = model.fit(x, y, epochs=number)  # trap: not-rebuilt
    print(number, model.evaluate(x_test, y_test))
""",
            """
for epoch in range(10):
    model.fit(x, y, epochs=1)
    print(epoch, model.evaluate(x_test, y_test))
for part in np.split(x, 10):
    model.fit(part, epochs=1)
""",
        ),
    ],
    "single-trainings": [
        (
            """
wide = build(units=512)
model.fit(x, y)
wide.fit(x, y)
small_loss, small_accuracy = model.evaluate(x_test, y_test)
wide_loss, wide_accuracy = wide.evaluate(x_test, y_test)
if wide_accuracy > small_accuracy:  # trap: single-trainings
    print("wider is better")
""",
            """
scores = {64: [], 512: []}
for units in scores:
    for seed in range(5):
        keras.utils.set_random_seed(seed)
        net = build(units)
        net.fit(x, y)
        scores[units].append(net.evaluate(x_test, y_test)[1])
for units, reached in scores.items():
    print(units, np.mean(reached), np.std(reached))
""",
        ),
        (
            """
results = {}
for units in [32, 64, 128]:
    net = build(units)
    net.fit(x, y, epochs=5)
    results[units] = net.evaluate(x_test, y_test)[1]
print("best:", max(results, key=results.get))  # trap: single-trainings
""",
            """
results = {}
for units in [32, 64, 128]:
    net = build(units)
    net.fit(x, y, epochs=5)
    results[units] = net.evaluate(x_test, y_test)[1]
print(results)
""",
        ),
    ],
    "no-scaling": [
        (
            """
(raw, y), (raw_test, y_test) = keras.datasets.cifar10.load_data()
raw = raw.astype("float32")
net = keras.Sequential([layers.Conv2D(32, 3), layers.Flatten(), layers.Dense(10)])
net.compile("adam", "sparse_categorical_crossentropy")
net.fit(raw, y, validation_data=(raw_test, y_test))  # trap: no-scaling
""",
            """
(raw, y), (raw_test, y_test) = keras.datasets.cifar10.load_data()
raw, raw_test = raw.astype("float32"), raw_test.astype("float32")
raw /= 255
raw_test /= 255
net = keras.Sequential([layers.Conv2D(32, 3), layers.Flatten(), layers.Dense(10)])
net.compile("adam", "sparse_categorical_crossentropy")
net.fit(raw, y, validation_data=(raw_test, y_test))
""",
        ),
        (
            """
train = keras.utils.image_dataset_from_directory("photos", image_size=(128, 128))
inputs = keras.Input((128, 128, 3))
flat = layers.Flatten()(layers.Conv2D(8, 3)(inputs))
net = keras.Model(inputs, layers.Dense(2)(flat))
net.compile("adam", "sparse_categorical_crossentropy")
net.fit(train)  # trap: no-scaling
""",
            """
train = keras.utils.image_dataset_from_directory("photos", image_size=(128, 128))
inputs = keras.Input((128, 128, 3))
flat = layers.Flatten()(layers.Conv2D(8, 3)(layers.Rescaling(1 / 255)(inputs)))
net = keras.Model(inputs, layers.Dense(2)(flat))
net.compile("adam", "sparse_categorical_crossentropy")
net.fit(train)
""",
        ),
    ],
    "other-preparation": [
        (
            """
flow = keras.preprocessing.image.ImageDataGenerator(rescale=1.0 / 255)
train = flow.flow_from_directory("horses", target_size=(28, 28))
model.fit(train)
picture = keras.utils.load_img("a.png", target_size=(28, 28))
picture = np.expand_dims(keras.utils.img_to_array(picture), axis=0)
print(model.predict(np.vstack([picture])))  # trap: other-preparation
""",
            """
flow = keras.preprocessing.image.ImageDataGenerator(rescale=1.0 / 255)
train = flow.flow_from_directory("horses", target_size=(28, 28))
model.fit(train)
picture = keras.utils.load_img("a.png", target_size=(28, 28))
picture = np.expand_dims(keras.utils.img_to_array(picture) / 255, axis=0)
print(model.predict(np.vstack([picture])))
""",
        ),
        (
            """
net = keras.Sequential([layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)])
net.compile("adam", "sparse_categorical_crossentropy")
net.fit(keras.utils.image_dataset_from_directory("cats", image_size=(180, 180)))
picture = keras.utils.load_img("a.png", target_size=(180, 180))  # trap: other-preparation
net.predict(keras.utils.img_to_array(picture)[None])
""",
            """
net = keras.Sequential([layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)])
net.compile("adam", "sparse_categorical_crossentropy")
net.fit(keras.utils.image_dataset_from_directory("cats", image_size=(180, 180)))
picture = keras.utils.load_img("a.png", target_size=(180, 180), interpolation="bilinear")
net.predict(keras.utils.img_to_array(picture)[None])
""",
        ),
    ],
    "dropout-last": [
        (
            """
net = keras.Sequential()
net.add(layers.Dense(64, activation="relu"))
net.add(layers.Dense(10, activation="softmax"))
net.add(layers.Dropout(0.2))  # trap: dropout-last
net.compile("adam", "sparse_categorical_crossentropy")
""",
            """
net = keras.Sequential()
net.add(layers.Dense(64, activation="relu"))
net.add(layers.Dropout(0.2))
net.add(layers.Dense(10, activation="softmax"))
net.compile("adam", "sparse_categorical_crossentropy")
""",
        ),
        (
            """
inputs = keras.Input((100, 150, 1))
hidden = layers.Conv2D(8, 7, padding="same", activation="relu")(inputs)
shown = layers.Conv2D(1, 4, padding="same")(hidden)
shown = layers.Dropout(0.2)(shown)  # trap: dropout-last
net = keras.Model(inputs=inputs, outputs=shown)
net.compile("adam", "mse")
""",
            """
block = keras.Sequential([layers.Dense(64, activation="relu"), layers.Dropout(0.2)])
inputs = keras.Input((100,))
net = keras.Model(inputs=inputs, outputs=layers.Dense(1)(block(inputs)))
net.compile("adam", "mse")
""",
        ),
    ],
    "dropout-activation": [
        (
            """
net = keras.Sequential([
    layers.Dense(64),
    layers.Dropout(0.2),  # trap: dropout-activation
    layers.Activation("sigmoid"),
    layers.Dense(10),
])
net.compile("adam", "sparse_categorical_crossentropy")
""",
            """
net = keras.Sequential([
    layers.Dense(64),
    layers.Activation("sigmoid"),
    layers.Dropout(0.2),
    layers.Dense(10),
    layers.Dropout(0.1),
    layers.ReLU(),
    layers.Dense(10),
])
net.compile("adam", "sparse_categorical_crossentropy")
""",
        ),
    ],
    "dropout-norm": [
        (
            """
inputs = keras.Input((28, 28, 1))
hidden = layers.Conv2D(8, 3)(inputs)
hidden = layers.SpatialDropout2D(0.2)(hidden)  # trap: dropout-norm
hidden = layers.BatchNormalization()(hidden)
net = keras.Model(inputs, layers.Dense(10)(layers.Flatten()(hidden)))
net.compile("adam", "sparse_categorical_crossentropy")
""",
            """
inputs = keras.Input((28, 28, 1))
hidden = layers.Conv2D(8, 3)(inputs)
hidden = layers.BatchNormalization()(hidden)
hidden = layers.SpatialDropout2D(0.2)(layers.ReLU()(hidden))
net = keras.Model(inputs, layers.Dense(10)(layers.Flatten()(hidden)))
net.compile("adam", "sparse_categorical_crossentropy")
""",
        ),
    ],
    "loss-sum": [
        (
            """
def squares(y_true, y_pred):
    return tf.reduce_sum(tf.square(y_true - y_pred))  # trap: loss-sum
model.compile("adam", loss=squares)
""",
            """
def squares(y_true, y_pred):
    return tf.reduce_mean(tf.square(y_true - y_pred))
def of_each(y_true, y_pred):
    return tf.reduce_sum(tf.square(y_true - y_pred), axis=-1)
def dice(y_true, y_pred):
    shared = tf.reduce_sum(y_true * y_pred)
    return 1 - (2 * shared + 1) / (tf.reduce_sum(y_true) + tf.reduce_sum(y_pred) + 1)
for loss in (squares, of_each, dice):
    model.compile("adam", loss=loss)
model.compile("adam", loss=dice)
model.compile("adam", loss=of_each)
""",
        ),
        (
            """
summed = keras.losses.MeanSquaredError(reduction="sum")  # trap: loss-sum
model.compile("adam", loss=summed)
class Squares(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.sum((y_true - y_pred) ** 2)  # trap: loss-sum
model.compile("adam", loss=Squares())
""",
            """
model.compile("adam", loss=keras.losses.MeanSquaredError())
@tf.function
def step(images, labels):
    with tf.GradientTape() as tape:
        each = keras.losses.MeanSquaredError(reduction="sum")(labels, model(images))
        loss = each / 64
    return tape.gradient(loss, model.trainable_variables)
""",
        ),
    ],
}
_EVERY = [(rule, number) for rule, pairs in CASES.items() for number in range(len(pairs))]


def found(path: Path, text: str) -> list[tuple[int, str]]:
    path.write_text(text, encoding="utf-8")
    return [(each.line, each.rule) for each in read_and_look(path).findings]


def marked(text: str) -> list[tuple[int, str]]:
    lines = enumerate(text.splitlines(), start=1)
    return [(at, mark[1]) for at, line in lines if (mark := re.search(r"# trap: (\S+)$", line))]


@pytest.mark.parametrize(("rule", "number"), _EVERY)
def test_a_script_that_falls_into_it_is_told_so(tmp_path: Path, rule: str, number: int) -> None:
    text = _HEAD + CASES[rule][number][0]
    assert {each for _, each in marked(text)} == {rule}
    assert found(tmp_path / "script.py", text) == marked(text)


@pytest.mark.parametrize(("rule", "number"), _EVERY)
def test_its_twin_that_does_it_right_is_left_alone(tmp_path: Path, rule: str, number: int) -> None:
    text = _HEAD + CASES[rule][number][1]
    assert found(tmp_path / "script.py", text) == []


def test_every_rule_has_its_trap() -> None:
    assert {rule.name for rule in RULES} == CASES.keys() | {"squashed"}
