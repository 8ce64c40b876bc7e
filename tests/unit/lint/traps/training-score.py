# %% trap
model.fit(x, y, epochs=5)
loss, accuracy = model.evaluate(x, y)  # trap: training-score
# %% twin
model.fit(x, y, epochs=5)
print(model.evaluate(x, y))
loss, accuracy = model.evaluate(x_test, y_test)
# %% trap
model.fit(x, y, validation_data=(x, y))  # trap: training-score
# %% twin
model.fit(x, y, validation_data=(x_test, y_test))
# %% trap
flow = keras.preprocessing.image.ImageDataGenerator(rescale=1 / 255)
train = flow.flow_from_directory("photos/train", target_size=(28, 28))
test = flow.flow_from_directory("photos/train", target_size=(28, 28))
model.fit(train, validation_data=test)  # trap: training-score
# %% twin
flow = keras.preprocessing.image.ImageDataGenerator(rescale=1 / 255, validation_split=0.2)
train = flow.flow_from_directory("photos", target_size=(28, 28), subset="training")
test = flow.flow_from_directory("photos", target_size=(28, 28), subset="validation")
model.fit(train, validation_data=test)
# %% trap
a, b, ya, yb = train_test_split(x, y)
a, c, ya, yc = train_test_split(b, yb)
model.fit(a, ya, validation_data=(c, yc))
print(model.evaluate(b, yb))  # trap: training-score
# %% twin
a, b, ya, yb = train_test_split(x, y)
a, c, ya, yc = train_test_split(a, ya)
model.fit(a, ya, validation_data=(c, yc))
print(model.evaluate(b, yb))
# %% trap
model.fit(x, y, validation_split=0.33)
print(model.evaluate(x, y))  # trap: training-score
# %% twin
model.fit(x, y, validation_split=0.33)
print(model.evaluate(x, y))
print(model.evaluate(x_test, y_test))
# %% trap
from sklearn.metrics import accuracy_score
model.fit(x, y)
guessed = np.argmax(model.predict(x), axis=1)  # trap: training-score
print(accuracy_score(y, guessed))
# %% twin
from sklearn.metrics import accuracy_score
model.fit(x, y)
guessed = np.argmax(model.predict(x), axis=1)
print(accuracy_score(y, guessed))
def judged(network, pictures):
    return network.predict(pictures)
for picture, digit in zip(x_test, y_test):
    print(accuracy_score([digit], judged(model, picture)))
# %% trap
for epoch in range(5):
    print(model.evaluate(x, y))  # trap: training-score
    model.fit(x, y)
# %% twin
print("untrained:", model.evaluate(x, y))
model.fit(x, y)
