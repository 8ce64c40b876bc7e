# %% trap
net = keras.Sequential([
    layers.Dense(64),
    layers.Dropout(0.2),  # trap: dropout-activation
    layers.Activation("sigmoid"),
    layers.Dense(10),
])
net.compile("adam", "sparse_categorical_crossentropy")
# %% twin
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
