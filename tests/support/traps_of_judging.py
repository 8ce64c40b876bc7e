"""A learner's traps where a training is judged, each with its twin."""

from __future__ import annotations

# By rule: what falls into the trap, and what does the same right.
CASES: dict[str, list[tuple[str, str]]] = {
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
