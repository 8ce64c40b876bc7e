# %% trap
(x, y), (x_test, y_test) = keras.datasets.california_housing.load_data()
net = keras.Sequential([layers.Normalization(), layers.Dense(64, "relu"), layers.Dense(1)])
net.compile("adam", loss="mse", metrics=["mae"])
net.fit(x, y, epochs=20)
print("MSE:", net.evaluate(x_test, y_test))  # trap: no-baseline
# %% twin
(x, y), (x_test, y_test) = keras.datasets.california_housing.load_data()
net = keras.Sequential([layers.Normalization(), layers.Dense(64, "relu"), layers.Dense(1)])
net.compile("adam", loss="mse", metrics=["mae"])
net.fit(x, y, epochs=20)
print("MSE:", net.evaluate(x_test, y_test), "of the mean:", ((y_test - y.mean()) ** 2).mean())
# %% trap
from sklearn.metrics import mean_squared_error
(x, y), (x_test, y_test) = keras.datasets.california_housing.load_data()
net = keras.Sequential([layers.Normalization(), layers.Dense(64, "relu"), layers.Dense(1)])
net.compile("adam", loss="huber")
net.fit(x, y, epochs=20)
said = net.predict(x_test).flatten()
print("RMSE:", np.sqrt(mean_squared_error(y_test, said)))  # trap: no-baseline
# %% twin
from sklearn.metrics import mean_squared_error, r2_score
(x, y), (x_test, y_test) = keras.datasets.california_housing.load_data()
net = keras.Sequential([layers.Normalization(), layers.Dense(64, "relu"), layers.Dense(1)])
net.compile("adam", loss="huber")
net.fit(x, y, epochs=20)
said = net.predict(x_test).flatten()
print("RMSE:", np.sqrt(mean_squared_error(y_test, said)), "r2:", r2_score(y_test, said))
# %% trap
from tensorflow.contrib.keras.api.keras.layers import Activation, Dense
line = keras.Sequential([Dense(output_dim=1), Activation("linear")])
line.compile("sgd", loss="mse")
for step in range(300):
    loss = line.train_on_batch(x[:160], y[:160])
    if step % 100 == 0:
        print("training:", loss)
print("test:", line.evaluate(x[160:], y[160:]))  # trap: no-baseline
# %% twin
line = keras.Sequential([layers.Dense(1)])
line.compile("sgd", loss="mse")
for step in range(300):
    loss = line.train_on_batch(x[:160], y[:160])
    if step % 100 == 0:
        print("training:", loss)
print("test:", line.evaluate(x[160:], y[160:]), "baseline:", y[160:].var())
# %% trap
from sklearn.metrics import mean_squared_error
line = keras.Sequential([layers.LSTM(9), layers.Dense(1)])
line.compile("sgd", "mae")
line.fit(x, y)
both = np.concatenate((line.predict(x_test), x_test[:, 1:]), axis=1)
print(mean_squared_error(y_test, both[:, 0]))  # trap: no-baseline
# %% twin
from sklearn.metrics import mean_squared_error
line = keras.Sequential([layers.LSTM(9), layers.Dense(1)])
line.compile("sgd", "mae")
line.fit(x, y)
both = np.concatenate((line.predict(x_test), x_test[:, 1:]), axis=1)
print(mean_squared_error(y_test, both[:, 0]), mean_squared_error(y_test, y_test * 0 + y.mean()))
