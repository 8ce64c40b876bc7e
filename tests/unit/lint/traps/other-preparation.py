# %% trap
flow = keras.preprocessing.image.ImageDataGenerator(rescale=1.0 / 255)
train = flow.flow_from_directory("horses", target_size=(28, 28))
model.fit(train)
picture = keras.utils.load_img("a.png", target_size=(28, 28))
picture = np.expand_dims(keras.utils.img_to_array(picture), axis=0)
print(model.predict(np.vstack([picture])))  # trap: other-preparation
# %% twin
flow = keras.preprocessing.image.ImageDataGenerator(rescale=1.0 / 255)
train = flow.flow_from_directory("horses", target_size=(28, 28))
model.fit(train)
picture = keras.utils.load_img("a.png", target_size=(28, 28))
picture = np.expand_dims(keras.utils.img_to_array(picture) / 255, axis=0)
print(model.predict(np.vstack([picture])))
# %% trap
net = keras.Sequential([layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)])
net.compile("adam", "sparse_categorical_crossentropy")
net.fit(keras.utils.image_dataset_from_directory("cats", image_size=(180, 180)))
picture = keras.utils.load_img("a.png", target_size=(180, 180))  # trap: other-preparation
net.predict(keras.utils.img_to_array(picture)[None])
# %% twin
net = keras.Sequential([layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)])
net.compile("adam", "sparse_categorical_crossentropy")
net.fit(keras.utils.image_dataset_from_directory("cats", image_size=(180, 180)))
picture = keras.utils.load_img("a.png", target_size=(180, 180), interpolation="bilinear")
net.predict(keras.utils.img_to_array(picture)[None])
# %% trap
from sklearn.preprocessing import StandardScaler
scaler = StandardScaler()
a, b, ya, yb = train_test_split(x, y)
a = scaler.fit_transform(a)
b = scaler.fit_transform(b)
model.fit(a, ya, validation_data=(b, yb))  # trap: other-preparation
# %% twin
from sklearn.preprocessing import StandardScaler
scaler = StandardScaler().fit(x)
a, b, ya, yb = train_test_split(scaler.transform(x), y)
model.fit(a, ya, validation_data=(b, yb))
scaler = StandardScaler()
a, b, ya, yb = train_test_split(x, y)
a = scaler.fit_transform(a)
b = scaler.transform(b)
build().fit(a, ya, validation_data=(b, yb))
# %% trap
x -= x.mean(axis=0)
x /= x.std(axis=0)
x_test -= np.mean(x_test, axis=0)
x_test /= np.std(x_test, axis=0)
model.fit(x, y)
print(model.evaluate(x_test, y_test))  # trap: other-preparation
# %% twin
mean, deviation = x.mean(axis=0), x.std(axis=0)
x = (x - mean) / deviation
x_test = (x_test - mean) / deviation
model.fit(x, y)
print(model.evaluate(x_test, y_test))
of_each = x - x.mean(axis=1)
build().fit(of_each, y, validation_data=(x_test - x_test.mean(axis=1), y_test))
# %% trap
from sklearn.preprocessing import MinMaxScaler
scaler = MinMaxScaler().fit(x)
x_scaled = scaler.transform(x)
x_test = scaler.transform(x_test)
model.fit(x, y)
print(model.evaluate(x_test, y_test))  # trap: other-preparation
model.predict(x_test)
# %% twin
from sklearn.preprocessing import MinMaxScaler
scaler = MinMaxScaler().fit(x)
x_scaled = scaler.transform(x)
x_test = scaler.transform(x_test)
model.fit(x_scaled, y)
print(model.evaluate(x_test, y_test))
model.predict(x_test)
# %% trap
flow = keras.preprocessing.image.ImageDataGenerator(zca_whitening=True)
flow.fit(x)
held = keras.preprocessing.image.ImageDataGenerator(zca_whitening=True)
held.fit(x_test)
model.fit(flow.flow(x, y), validation_data=held.flow(x_test, y_test))  # trap: other-preparation
# %% twin
flow = keras.preprocessing.image.ImageDataGenerator(zca_whitening=True)
flow.fit(x)
model.fit(flow.flow(x, y), validation_data=flow.flow(x_test, y_test))
turned = keras.preprocessing.image.ImageDataGenerator(
    rotation_range=9, zca_whitening=False, featurewise_center=False
)
turned.fit(x)
held = keras.preprocessing.image.ImageDataGenerator()
held.fit(x_test)
build().fit(turned.flow(x, y), validation_data=held.flow(x_test, y_test))
