"""A learner's traps where data are split and a training is judged, each with its twin."""

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
        (
            """
from sklearn.metrics import mean_squared_error
(x, y), (x_test, y_test) = keras.datasets.california_housing.load_data()
net = keras.Sequential([layers.Normalization(), layers.Dense(64, "relu"), layers.Dense(1)])
net.compile("adam", loss="huber")
net.fit(x, y, epochs=20)
said = net.predict(x_test).flatten()
print("RMSE:", np.sqrt(mean_squared_error(y_test, said)))  # trap: no-baseline
""",
            """
from sklearn.metrics import mean_squared_error, r2_score
(x, y), (x_test, y_test) = keras.datasets.california_housing.load_data()
net = keras.Sequential([layers.Normalization(), layers.Dense(64, "relu"), layers.Dense(1)])
net.compile("adam", loss="huber")
net.fit(x, y, epochs=20)
said = net.predict(x_test).flatten()
print("RMSE:", np.sqrt(mean_squared_error(y_test, said)), "r2:", r2_score(y_test, said))
""",
        ),
        (
            """
from tensorflow.contrib.keras.api.keras.layers import Activation, Dense
line = keras.Sequential([Dense(output_dim=1), Activation("linear")])
line.compile("sgd", loss="mse")
for step in range(300):
    loss = line.train_on_batch(x[:160], y[:160])
    if step % 100 == 0:
        print("training:", loss)
print("test:", line.evaluate(x[160:], y[160:]))  # trap: no-baseline
""",
            """
line = keras.Sequential([layers.Dense(1)])
line.compile("sgd", loss="mse")
for step in range(300):
    loss = line.train_on_batch(x[:160], y[:160])
    if step % 100 == 0:
        print("training:", loss)
print("test:", line.evaluate(x[160:], y[160:]), "baseline:", y[160:].var())
""",
        ),
    ],
    "not-rebuilt": [
        (
            """
short = model.fit(x, y, epochs=10, validation_data=(x_test, y_test))
long = model.fit(x, y, epochs=50, validation_data=(x_test, y_test))  # trap: not-rebuilt
""",
            """
model.fit(x, y, epochs=10)
model.fit(x, y, epochs=50)
print(model.evaluate(x_test, y_test))
short, other = build(), build()
first = short.fit(x, y, epochs=10, validation_data=(x_test, y_test))
long = other.fit(x, y, epochs=50, validation_data=(x_test, y_test))
""",
        ),
        (
            """
model.fit(x, y, epochs=10)
print(model.evaluate(x_test, y_test))
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x, y, epochs=100)  # trap: not-rebuilt
print(model.evaluate(x_test, y_test))
""",
            """
model.fit(x, y, epochs=10)
print(model.evaluate(x_test, y_test))
for layer in model.layers:
    layer.trainable = True
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x, y, epochs=100)
print(model.evaluate(x_test, y_test))
""",
        ),
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
}
