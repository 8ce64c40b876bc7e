# %% trap
net = keras.Sequential()
net.add(layers.Dense(64, activation="relu"))
net.add(layers.Dense(10, activation="softmax"))
net.add(layers.Dropout(0.2))  # trap: dropout-last
net.compile("adam", "sparse_categorical_crossentropy")
# %% twin
net = keras.Sequential()
net.add(layers.Dense(64, activation="relu"))
net.add(layers.Dropout(0.2))
net.add(layers.Dense(10, activation="softmax"))
net.compile("adam", "sparse_categorical_crossentropy")
# %% trap
inputs = keras.Input((100, 150, 1))
hidden = layers.Conv2D(8, 7, padding="same", activation="relu")(inputs)
shown = layers.Conv2D(1, 4, padding="same")(hidden)
shown = layers.Dropout(0.2)(shown)  # trap: dropout-last
net = keras.Model(inputs=inputs, outputs=shown)
net.compile("adam", "mse")
# %% twin
block = keras.Sequential([layers.Dense(64, activation="relu"), layers.Dropout(0.2)])
inputs = keras.Input((100,))
net = keras.Model(inputs=inputs, outputs=layers.Dense(1)(block(inputs)))
net.compile("adam", "mse")
