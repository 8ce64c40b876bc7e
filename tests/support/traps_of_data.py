"""A learner's traps where data are split, each with its twin."""

from __future__ import annotations

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
import pandas as pd
rows = np.vstack((x, x, x, x))  # trap: copies-across
table = pd.DataFrame(rows, columns=["x", "y", "class"])
model.fit(table.iloc[:, :-1].values, table.iloc[:, -1].values, validation_split=0.2)
""",
            """
import pandas as pd
table = pd.DataFrame(np.vstack((x, x_test)), columns=["x", "y", "class"])
model.fit(table.iloc[:, :-1].values, table.iloc[:, -1].values, validation_split=0.2)
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
        )
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
}
