# %% trap
history = model.fit(x, y, epochs=50, validation_data=(x_test, y_test))
best = max(history.history["val_accuracy"])  # trap: best-epoch
print(f"accuracy: {best * 100:.2f} %")
# %% twin
history = model.fit(x, y, epochs=50, validation_data=(x_test, y_test))
print(f"accuracy: {history.history['val_accuracy'][-1] * 100:.2f} %")
# %% trap
scores = []
for train, test in KFold(5).split(x):
    fold = build()
    history = fold.fit(x[train], y[train], validation_data=(x[test], y[test]))
    scores.append(np.max(history.history["val_accuracy"]))  # trap: best-epoch
print(np.mean(scores), np.std(scores))
# %% twin
scores = []
for train, test in KFold(5).split(x):
    fold = build()
    history = fold.fit(x[train], y[train], validation_data=(x[test], y[test]))
    scores.append(history.history["val_accuracy"][-1])
print(np.mean(scores), np.std(scores))
# %% trap
stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
model.fit(x, y, validation_data=(x_test, y_test), callbacks=[stop])
print(model.evaluate(x_test, y_test))  # trap: best-epoch
# %% twin
stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
x, x_valid, y, y_valid = train_test_split(x, y)
history = model.fit(x, y, validation_data=(x_valid, y_valid), callbacks=[stop])
print("best epoch's, by which it was chosen:", max(history.history["val_accuracy"]))
print(model.evaluate(x_test, y_test))
# %% trap
keep = keras.callbacks.ModelCheckpoint("best.keras", monitor="val_loss", save_best_only=True)
model.fit(x, y, validation_data=(x_test, y_test), callbacks=[keep])
best = keras.models.load_model("best.keras")
print(best.evaluate(x_test, y_test))  # trap: best-epoch
# %% twin
keep = keras.callbacks.ModelCheckpoint("best.keras", monitor="val_loss", save_best_only=True)
model.fit(x, y, validation_split=0.1, callbacks=[keep])
best = keras.models.load_model("best.keras")
print(best.evaluate(x_test, y_test))
# %% trap
from sklearn import metrics
stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
model.fit(x, y, validation_data=(x_test, y_test), callbacks=[stop], epochs=1000)
guessed = np.argmax(model.predict(x_test), axis=1)  # trap: best-epoch
print(metrics.accuracy_score(y_test, guessed))
# %% twin
from sklearn import metrics
stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
a, b, ya, yb = train_test_split(x, y)
model.fit(a, ya, validation_data=(b, yb), callbacks=[stop], epochs=1000)
guessed = np.argmax(model.predict(x_test), axis=1)
print(metrics.accuracy_score(y_test, guessed))
