# %% trap
(raw, y), (raw_test, y_test) = keras.datasets.cifar10.load_data()
raw = raw.astype("float32")
net = keras.Sequential([layers.Conv2D(32, 3), layers.Flatten(), layers.Dense(10)])
net.compile("adam", "sparse_categorical_crossentropy")
net.fit(raw, y, validation_data=(raw_test, y_test))  # trap: no-scaling
# %% twin
(raw, y), (raw_test, y_test) = keras.datasets.cifar10.load_data()
raw, raw_test = raw.astype("float32"), raw_test.astype("float32")
raw /= 255
raw_test /= 255
net = keras.Sequential([layers.Conv2D(32, 3), layers.Flatten(), layers.Dense(10)])
net.compile("adam", "sparse_categorical_crossentropy")
net.fit(raw, y, validation_data=(raw_test, y_test))
# %% trap
train = keras.utils.image_dataset_from_directory("photos", image_size=(128, 128))
inputs = keras.Input((128, 128, 3))
flat = layers.Flatten()(layers.Conv2D(8, 3)(inputs))
net = keras.Model(inputs, layers.Dense(2)(flat))
net.compile("adam", "sparse_categorical_crossentropy")
net.fit(train)  # trap: no-scaling
# %% twin
train = keras.utils.image_dataset_from_directory("photos", image_size=(128, 128))
inputs = keras.Input((128, 128, 3))
flat = layers.Flatten()(layers.Conv2D(8, 3)(layers.Rescaling(1 / 255)(inputs)))
net = keras.Model(inputs, layers.Dense(2)(flat))
net.compile("adam", "sparse_categorical_crossentropy")
net.fit(train)
