# %% trap
def read(subset, seed):
    return keras.utils.image_dataset_from_directory(  # trap: other-seeds
        "photos", validation_split=0.2, subset=subset, seed=seed)
scaled = keras.Sequential([layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)])
scaled.compile("adam", "sparse_categorical_crossentropy")
scaled.fit(read("training", 1), validation_data=read("validation", 2))
# %% twin
def read(subset, seed=1):
    return keras.utils.image_dataset_from_directory(
        "photos", validation_split=0.2, subset=subset, seed=seed)
scaled = keras.Sequential([layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)])
scaled.compile("adam", "sparse_categorical_crossentropy")
scaled.fit(read("training"), validation_data=read("validation"))
