# %% trap
short = model.fit(x, y, epochs=10, validation_data=(x_test, y_test))
long = model.fit(x, y, epochs=50, validation_data=(x_test, y_test))  # trap: not-rebuilt
# %% twin
model.fit(x, y, epochs=10)
model.fit(x, y, epochs=50)
print(model.evaluate(x_test, y_test))
short, other = build(), build()
first = short.fit(x, y, epochs=10, validation_data=(x_test, y_test))
long = other.fit(x, y, epochs=50, validation_data=(x_test, y_test))
# %% trap
model.fit(x, y, epochs=10)
print(model.evaluate(x_test, y_test))
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x, y, epochs=100)  # trap: not-rebuilt
print(model.evaluate(x_test, y_test))
# %% twin
model.fit(x, y, epochs=10)
print(model.evaluate(x_test, y_test))
for layer in model.layers:
    layer.trainable = True
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x, y, epochs=100)
print(model.evaluate(x_test, y_test))
# %% trap
for train, test in KFold(5).split(x):
    model.fit(x[train], y[train], epochs=5)  # trap: not-rebuilt
    print(model.evaluate(x[test], y[test]))
# %% twin
for train, test in KFold(5).split(x):
    model = build()
    model.fit(x[train], y[train], epochs=5)
    print(model.evaluate(x[test], y[test]))
# %% trap
results = {}
for rate in [1e-2, 1e-3, 1e-4]:
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(x, y, validation_data=(x_test, y_test))  # trap: not-rebuilt
    results[rate] = history.history["val_accuracy"][-1]
# %% twin
start = model.get_weights()
results = {}
for rate in [1e-2, 1e-3, 1e-4]:
    model.set_weights(start)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(x, y, validation_data=(x_test, y_test))
    results[rate] = history.history["val_accuracy"][-1]
# %% trap
for number in [10, 50, 100]:
    history = model.fit(x, y, epochs=number)  # trap: not-rebuilt
    print(number, model.evaluate(x_test, y_test))
# %% twin
for epoch in range(10):
    model.fit(x, y, epochs=1)
    print(epoch, model.evaluate(x_test, y_test))
for part in np.split(x, 10):
    model.fit(part, epochs=1)
# %% trap
history = model.fit(x, y, epochs=10)
first = history.history["loss"][-1]
history = model.fit(x, y, epochs=50)  # trap: not-rebuilt
print(first, history.history["loss"][-1])
# %% twin
history = model.fit(x, y, epochs=10, batch_size=64)
history = model.fit(x, y, epochs=50, batch_size=32)
print(history.history["loss"][-1], model.evaluate(x_test, y_test))
