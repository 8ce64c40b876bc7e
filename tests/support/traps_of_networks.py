"""A learner's traps in how data are prepared and a network is made, each with its twin."""

from __future__ import annotations

# By rule: what falls into the trap, and what does the same right.
CASES: dict[str, list[tuple[str, str]]] = {
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
        (
            """
from sklearn.preprocessing import StandardScaler
scaler = StandardScaler()
a, b, ya, yb = train_test_split(x, y)
a = scaler.fit_transform(a)
b = scaler.fit_transform(b)
model.fit(a, ya, validation_data=(b, yb))  # trap: other-preparation
""",
            """
from sklearn.preprocessing import StandardScaler
scaler = StandardScaler().fit(x)
a, b, ya, yb = train_test_split(scaler.transform(x), y)
model.fit(a, ya, validation_data=(b, yb))
scaler = StandardScaler()
a, b, ya, yb = train_test_split(x, y)
a = scaler.fit_transform(a)
b = scaler.transform(b)
build().fit(a, ya, validation_data=(b, yb))
""",
        ),
        (
            """
x -= x.mean(axis=0)
x /= x.std(axis=0)
x_test -= np.mean(x_test, axis=0)
x_test /= np.std(x_test, axis=0)
model.fit(x, y)
print(model.evaluate(x_test, y_test))  # trap: other-preparation
""",
            """
mean, deviation = x.mean(axis=0), x.std(axis=0)
x = (x - mean) / deviation
x_test = (x_test - mean) / deviation
model.fit(x, y)
print(model.evaluate(x_test, y_test))
of_each = x - x.mean(axis=1)
build().fit(of_each, y, validation_data=(x_test - x_test.mean(axis=1), y_test))
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
        )
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
        )
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
