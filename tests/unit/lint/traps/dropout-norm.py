# %% trap
inputs = keras.Input((28, 28, 1))
hidden = layers.Conv2D(8, 3)(inputs)
hidden = layers.SpatialDropout2D(0.2)(hidden)  # trap: dropout-norm
hidden = layers.BatchNormalization()(hidden)
net = keras.Model(inputs, layers.Dense(10)(layers.Flatten()(hidden)))
net.compile("adam", "sparse_categorical_crossentropy")
# %% twin
inputs = keras.Input((28, 28, 1))
hidden = layers.Conv2D(8, 3)(inputs)
hidden = layers.BatchNormalization()(hidden)
hidden = layers.SpatialDropout2D(0.2)(layers.ReLU()(hidden))
net = keras.Model(inputs, layers.Dense(10)(layers.Flatten()(hidden)))
net.compile("adam", "sparse_categorical_crossentropy")
