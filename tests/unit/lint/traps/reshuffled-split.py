# %% trap
data = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(60000, seed=1)  # trap: reshuffled-split
train, validation = data.take(50000).batch(32), data.skip(50000).batch(32)
model.fit(train, validation_data=validation)
# %% twin
data = tf.data.Dataset.from_tensor_slices((x, y))
data = data.shuffle(60000, seed=1, reshuffle_each_iteration=False)
train, validation = data.take(50000).shuffle(1000).batch(32), data.skip(50000).batch(32)
model.fit(train, validation_data=validation)
# %% trap
data = keras.utils.image_dataset_from_directory("photos")  # trap: reshuffled-split
def parted(data, share=0.8):
    count = int(len(data) * share)
    return data.take(count), data.skip(count)
train, rest = parted(data)
scaled = keras.Sequential([layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)])
scaled.compile("adam", "sparse_categorical_crossentropy")
scaled.fit(train)
scaled.evaluate(rest)
# %% twin
data = keras.utils.image_dataset_from_directory("photos", shuffle=False)
count = int(len(data) * 0.8)
train, rest = data.take(count), data.skip(count)
scaled = keras.Sequential([layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)])
scaled.compile("adam", "sparse_categorical_crossentropy")
scaled.fit(train)
scaled.evaluate(rest)
for images, labels in train.take(1):
    print(images.shape)
# %% trap
files = tf.data.Dataset.list_files("photos/*.jpg")  # trap: reshuffled-split
masks = tf.data.Dataset.list_files("masks/*.png")
pairs = tf.data.Dataset.zip((files.map(tf.io.read_file), masks.map(tf.io.read_file)))
model.fit(pairs.take(800).batch(8), validation_data=pairs.skip(800).batch(8))
# %% twin
files = tf.data.Dataset.list_files("photos/*.jpg", shuffle=False)
masks = tf.data.Dataset.list_files("masks/*.png", shuffle=False)
pairs = tf.data.Dataset.zip((files.map(tf.io.read_file), masks.map(tf.io.read_file)))
model.fit(pairs.take(800).batch(8), validation_data=pairs.skip(800).batch(8))
